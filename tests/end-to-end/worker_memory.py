#!/usr/bin/python3
"""What workers take in memory (scripts/measure-workers): the sites of docs/workers/ that are presets, some of
each awake at the same time, after one request each. PSS of all processes of a worker, so what the sites of
one kind share is divided between them; the processes' part of the kernel's memory is not in it."""
import copy
import pathlib
import shutil
import sys
import unittest

import harness
import memory
from harness import ALICE, Dmpm
from recipe import Recipe

PRESETS = ("static", "php", "apache", "node", "python")
SITES = int(sys.argv.pop(1)) if len(sys.argv) > 1 else 10


class WorkerMemory(unittest.TestCase):
    def test_each_preset(self):
        print("| preset | MiB for one more site | processes |\n|---|---|---|")
        for preset in PRESETS:
            taken, processes = self.measure(preset)
            print(f"| `{preset}` | {taken / 1024:.1f} | {processes:g} |", flush=True)

    def measure(self, preset):
        """KiB and number of processes of one worker, on average."""
        dmpm = Dmpm(groups={}, hosts={})
        Recipe(preset, ALICE).install(dmpm, "10m")
        dmpm.settings["groups"][preset]["scale"]["start_timeout"] = "60s"  # the time is not measured
        (host,) = dmpm.settings["virtual_hosts"]
        for number in range(1, SITES):
            name = f"{preset}{number}"
            dmpm.settings["groups"][name] = copy.deepcopy(dmpm.settings["groups"][preset])
            dmpm.settings["virtual_hosts"].append({**host, "names": [f"{name}.test"], "group": name})
        with dmpm:
            for other in dmpm.settings["virtual_hosts"]:
                with dmpm.connect(host["names"][0], timeout=60) as client:
                    self.assertEqual(client.get(other["names"][0]).status, 200)
            found = [pid for worker in dmpm.workers() for pid in (worker, *harness.descendants(worker))]
            self.assertEqual(len(dmpm.workers()), SITES)
            taken = sum(map(memory.resident, found)) / SITES
        for path in pathlib.Path("/tmp").glob(f"dmpm-{harness.uid(ALICE)}-{preset}*"):
            shutil.rmtree(path)
        return taken, len(found) / SITES


if __name__ == "__main__":
    harness.main()
