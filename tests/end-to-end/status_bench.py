#!/usr/bin/python3
"""How long `dmpm status` takes (scripts/measure-status): the whole command, from its start to its end, as
an operator waits for it, with its output into a pipe.

Groups are awake because of min_workers; each worker is a `sleep`, with nothing but itself in its cgroup.
"""
import json
import statistics
import subprocess
import sys
import time

import harness
from harness import ALICE, Dmpm, eventually, group

ROUNDS = 21
LIMIT = 0.050  # seconds, with all asleep
COMMANDS = {
    "status": [],
    "status --json": ["--json"],
    "status --sort memory": ["--sort", "memory"],
    "status --group group-00001": ["--group", "group-00001"],
}


def seconds(dmpm, arguments):
    """Medians of the whole, and of the processor time of the command alone."""
    command = [harness.BIN / "dmpm", "status", "--runtime-directory", dmpm.runtime, *arguments]
    took = []
    for _ in range(ROUNDS):
        started = time.monotonic()
        done = subprocess.run(command, check=True, capture_output=True)
        took.append(time.monotonic() - started)
    return statistics.median(took), max(took), len(done.stdout)


def count_awake(dmpm):
    status = json.loads(dmpm.command("status", "--json").stdout)
    return sum(any(worker["state"] == "running" for worker in each["workers"])
               for each in status["groups"])


def main():
    numbers = [int(word) for word in sys.argv[1:]]
    count, awake = (numbers or [10_000])[0], numbers[1:] or [0, 500]
    slow = False
    with Dmpm(groups={}, hosts={}, listen=[{"address": "127.0.0.1:0"}]) as dmpm:
        for number in awake:
            groups = {}
            for i in range(count):
                one = group(ALICE, ["/usr/bin/sleep", "1000000"], min_workers=int(i < number))
                one["worker"]["directory"] = "/"
                groups[f"group-{i:05}"] = one
            dmpm.settings["groups"] = groups
            dmpm.write_config()
            if dmpm.command("reload").returncode != 0:
                raise AssertionError("the reload failed")
            eventually(lambda: count_awake(dmpm) >= number, f"{number} are awake", 120)
            for name, arguments in COMMANDS.items():
                median, most, size = seconds(dmpm, arguments)
                print(f"{count} groups, {number} awake: {name}: median {median * 1000:.1f} ms, "
                      f"at most {most * 1000:.1f} ms, {size} bytes", flush=True)
                slow = slow or (number == 0 and median >= LIMIT)
    return 1 if slow else 0


if __name__ == "__main__":
    import ctypes
    ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)  # PR_SET_CHILD_SUBREAPER, as harness.main()
    users = harness._Users()
    try:
        STATUS = main()
    finally:
        users.release()
    sys.exit(STATUS)
