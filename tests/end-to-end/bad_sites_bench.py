#!/usr/bin/python3
"""What a site feels of neighbours that do everything wrong: its p99 beside each of them, against its
undisturbed one; then all of them at once for some minutes, with memory and descriptors of dmpm's own
processes. Prints tables for docs/measurements.md. See scripts/faults.

The neighbours' own work is their own: they get one processor, dmpm and the site the other."""
import os
import sys
import time

import harness
from bad_sites_test import BAD, bad_group
from harness import ALICE, Dmpm
from memory import resident

SECONDS = float(sys.argv[1]) if len(sys.argv) > 1 else 10
MINUTES = float(sys.argv[2]) if len(sys.argv) > 2 else 10


def on_processor(number, command):
    return ["/usr/bin/taskset", "-c", str(number), *command]


def groups_with(*names):
    groups = {"alice": harness.python_worker(ALICE)}
    for number, name in enumerate(names):
        groups[f"bad{number}"] = bad = bad_group(BAD[name])
        bad["worker"]["command"] = on_processor(1, bad["worker"]["command"])
    hosts = {"a.test": "alice", **{f"bad{n}.test": f"bad{n}" for n in range(len(names))}}
    return groups, hosts


class Neighbours:
    """Asks each bad site again as soon as it has answered."""

    def __init__(self, dmpm, count):
        self.clients = [dmpm.connect(f"bad{n}.test") for n in range(count)]
        for number in range(count):
            self.ask(number)

    def ask(self, number):
        self.clients[number].send_request("GET", f"bad{number}.test", "/")

    def look(self):
        for number, client in enumerate(self.clients):
            client.sock.setblocking(False)
            try:
                data = client.sock.recv(65536)
            except (BlockingIOError, harness.ssl.SSLWantReadError):
                continue
            finally:
                client.sock.setblocking(True)
                client.sock.settimeout(harness.DEADLINE)
            if not data:
                raise AssertionError("dmpm closed a connection to a bad site")
            self.ask(number)


def latencies(dmpm, neighbours, seconds, seen=lambda: None):
    """Milliseconds of every request to the good site, each of them checked."""
    took, end = [], time.monotonic() + seconds
    with dmpm.connect() as client:
        while time.monotonic() < end:
            token = f"t{len(took)}"
            begin = time.monotonic()
            answer = client.get("a.test", "/", headers=[("X-Token", token)])
            took.append((time.monotonic() - begin) * 1000)
            if answer.status != 200 or answer.header("x-token") != token:
                raise AssertionError(f"the good site failed: {answer}")
            neighbours.look()
            seen()
            time.sleep(0.002)
    return sorted(took)


def row(name, took):
    print(f"| {name} | {len(took):,} | {took[len(took) // 2]:.2f} | {took[len(took) * 99 // 100]:.2f} |",
          flush=True)


def dmpm_processes(dmpm):
    return {"master": dmpm.master(), "dispatcher": dmpm.services("dispatcher")[0],
            "logger": dmpm.services("logger")[0]}


def main():
    os.sched_setaffinity(0, {0})
    print("| beside a site that | requests | median, ms | p99, ms |\n|---|---|---|---|")
    for names in [(), *((name,) for name in BAD)]:
        groups, hosts = groups_with(*names)
        with Dmpm(groups=groups, hosts=hosts) as dmpm:
            dmpm.get("a.test")
            row(names[0] if names else "(nobody)", latencies(dmpm, Neighbours(dmpm, len(names)), SECONDS))
    groups, hosts = groups_with(*BAD)
    with Dmpm(groups=groups, hosts=hosts) as dmpm:
        neighbours, samples, due = Neighbours(dmpm, len(BAD)), [], [time.monotonic() + 5]

        def sample():
            if time.monotonic() < due[0]:
                return
            due[0] += MINUTES * 60 / 10
            samples.append({name: (resident(pid), len(os.listdir(f"/proc/{pid}/fd")))
                            for name, pid in dmpm_processes(dmpm).items()})
        took = latencies(dmpm, neighbours, MINUTES * 60, sample)
        row(f"all of them, {MINUTES:g} minutes", took)
        print("\n| process | memory (PSS, KB) over the time | descriptors |\n|---|---|---|")
        for name in samples[0]:
            print(f"| {name} | {', '.join(str(s[name][0]) for s in samples)} "
                  f"| {', '.join(str(s[name][1]) for s in samples)} |")


if __name__ == "__main__":
    if os.geteuid() != 0:
        sys.exit("needs root")
    users = harness._Users()
    try:
        main()
    finally:
        users.release()
