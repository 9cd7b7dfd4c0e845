#!/usr/bin/python3
"""Lets sites misbehave (bad_sites_test.py) beside two well-behaved clients (HTTP/1.1 and HTTP/2) of another
site, and tells what these felt of it and what it cost. scripts/faults calls it.

What is measured is dmpm: all of its own processes have a processor for themselves, and what a misbehaving
site makes them do (starts, failures, errors, lines of its log) happens beside the clients' requests there.
Everything else shares the other processor. The clients and their site run at SCHED_FIFO: they wait for
nobody but dmpm. The bad sites run at SCHED_IDLE: their own work is their own. A process at SCHED_IDLE
burns what is left all the time, so that calm and misbehaviour differ in what reaches dmpm, and in nothing
else.

A misbehaviour is felt when a client's p99 is more than twice its calm one. Both are medians: of the
three windows that the time is cut into, and of the six of the calm before and behind it.

With --control the bad sites are another dmpm's, whose processes run beside those that are measured, at
SCHED_IDLE: what is felt then is the machine (caches, the kernel's locks), and no dmpm could help it.
"""
import argparse
import collections
import contextlib
import ctypes
import json
import os
import statistics
import subprocess
import sys
import threading
import time

import harness
from bad_sites_test import BAD, bad_group
from harness import MALLORY, descendants
from http2_attack_bench import FELT, GoodClient, Phase, pin
from http2_site import Site
from memory import resident

VISITORS, RATE = 4, 50  # of a bad site, and their requests a second
SERVICES = ("master", "dispatcher", "keyholder", "logger")
ALL = "does all of it"


class BadSites(Site):
    """http2_site.Site with a site more for each misbehaviour."""

    def __init__(self, processor):
        super().__init__(scale={"idle_timeout": "1h"})
        for number, program in enumerate(BAD.values()):
            bad = bad_group(program, MALLORY)
            bad["worker"]["command"] = ["/usr/bin/chrt", "--idle", "0", "/usr/bin/taskset", "-c",
                                        str(processor), *bad["worker"]["command"]]
            self.add_group(f"bad{number}", bad)
            self.add_host(f"bad{number}.test", f"bad{number}")

    def own(self):
        """Process ids of dmpm's own processes."""
        return [self.master(), *(pid for kind in SERVICES[1:] for pid in self.services(kind))]

    def memory(self):
        return sum(resident(pid) for pid in self.own()) / 1024

    def counters(self, numbers):
        """Of these bad sites: workers started, those that failed, bytes in their logs."""
        found = collections.Counter()
        status = json.loads(self.command("status", "--json").stdout)
        for number in numbers:
            group = next(g for g in status["groups"] if g["name"] == f"bad{number}")
            found["starts"] += group["starts"]
            found["failures"] += group["failures"]
            with contextlib.suppress(FileNotFoundError):
                found["logged"] += (self.logs / f"workers/bad{number}.log").stat().st_size
        return found


class Visits:
    """Requests to bad sites, for some seconds."""

    def __init__(self, dmpm, numbers, seconds):
        self.dmpm, self.end, self.answers = dmpm, time.monotonic() + seconds, collections.Counter()
        self.threads = [threading.Thread(target=self.visit, args=(f"bad{number}.test",))
                        for number in numbers for _ in range(VISITORS)]
        for thread in self.threads:
            thread.start()

    def visit(self, host):
        with self.dmpm.connect(host) as client:
            while (due := time.monotonic() + VISITORS / RATE) < self.end:
                self.answers[client.get(host).status] += 1
                time.sleep(max(0.0, due - time.monotonic()))

    def wait(self):
        for thread in self.threads:
            thread.join()


class Bench:
    def __init__(self, options):
        self.options = options
        processors = sorted(os.sched_getaffinity(0))
        if len(processors) < 2:
            sys.exit("faults: two processors are needed, one of them for dmpm alone")
        self.rest, self.own = processors[:2]
        self.phases = []

    def run(self):
        os.sched_setaffinity(0, {self.rest})
        with contextlib.ExitStack() as stack:
            self.dmpm = self.victim = stack.enter_context(BadSites(self.rest))
            if self.options.control:
                self.victim = stack.enter_context(BadSites(self.rest))
            self.directory = self.dmpm.directory
            self.set_up()
            clients = [GoodClient(kind, self) for kind in ("h1", "h2")]
            burner = subprocess.Popen(["/usr/bin/python3", "-c", "while True: pass"])
            pin(burner.pid, self.rest, os.SCHED_IDLE)
            try:
                time.sleep(1)
                self.calm()
                for name in self.options.names:
                    self.misbehave(Phase(name))
                    self.calm()
            finally:
                burner.kill()
                burner.wait()
                for client in clients:
                    client.stop()
            return self.evaluate(clients)

    def set_up(self):
        self.dmpm.get("b.test")
        for dmpm, policy in ((self.victim, os.SCHED_IDLE), (self.dmpm, os.SCHED_OTHER)):
            for pid in dmpm.own():
                pin(pid, self.own, policy)
        for pid in descendants(self.dmpm.master()):
            if pid not in self.dmpm.own():
                pin(pid, self.rest, os.SCHED_FIFO)

    def calm(self):
        harness.eventually(lambda: not self.victim.workers(harness.MALLORY), "bad workers have gone", 60)
        phase = Phase()
        time.sleep(0.5)
        phase.begin = time.monotonic()
        time.sleep(self.options.calm)
        phase.end = time.monotonic()
        self.phases.append(phase)

    def misbehave(self, phase):
        numbers = [n for n, name in enumerate(BAD) if phase.name in (name, ALL)]
        before, memory = self.victim.counters(numbers), [self.victim.memory()]
        visits = Visits(self.victim, numbers, self.options.seconds + 0.5)
        time.sleep(0.5)
        phase.begin = time.monotonic()
        while time.monotonic() < phase.begin + self.options.seconds:
            memory.append(self.victim.memory())
            time.sleep(0.25)
        phase.end = time.monotonic()
        visits.wait()
        counted = self.victim.counters(numbers)
        counted.subtract(before)
        phase.result = {"answers": dict(visits.answers), "memory": memory, **counted}
        self.phases.append(phase)
        print(f"  {phase.name}: {phase.result}", file=sys.stderr, flush=True)

    def evaluate(self, clients):
        rows = []
        for at, phase in enumerate(self.phases):
            if phase.name is None:
                continue
            row = {"site": phase.name, **phase.result, "problems": []}
            for client in clients:
                during = phase.latency(client)
                calm = [self.phases[at + side].latency(client) for side in (-1, 1)]
                felt = {share: (statistics.median(calm[0][share] + calm[1][share]),
                                statistics.median(during[share])) for share in ("p50", "p99")}
                ratio = felt["ratio"] = felt["p99"][1] / felt["p99"][0]
                row[client.kind] = felt
                if ratio > FELT:
                    row["problems"].append(f"{client.kind} feels it: p99 {ratio:.1f} times the calm one")
                if during["failed"]:
                    row["problems"].append(f"{client.kind}: {during['failed']} requests failed")
            rows.append(row)
        return rows


def print_table(rows):
    print("| beside a site that | h1 p50 | h1 p99 | times | h2 p50 | h2 p99 | times | its visitors got "
          "| starts | of them failed | its log, KB | dmpm's memory, MiB |")
    print("|---" * 12 + "|")
    for row in rows:
        cells = [row["site"]]
        for kind in ("h1", "h2"):
            cells += [f"{row[kind][share][0]:.2f} → {row[kind][share][1]:.2f}" for share in ("p50", "p99")]
            cells.append(f"{row[kind]['ratio']:.1f}")
        cells.append(", ".join(f"{count} × {status}" for status, count in sorted(row["answers"].items())))
        cells += [str(row["starts"]), str(row["failures"]), f"{row.get('logged', 0) / 1024:,.0f}",
                  f"{row['memory'][0]:.1f} / {max(row['memory']):.1f}"]
        print("| " + " | ".join(cells) + " |")


def main():
    known = [*BAD, ALL]
    parser = argparse.ArgumentParser()
    parser.add_argument("seconds", type=float, nargs="?", default=10)
    parser.add_argument("--calm", type=float, default=5)
    parser.add_argument("--names", nargs="+", choices=known, default=known, metavar="NAME")
    parser.add_argument("--control", action="store_true")
    options = parser.parse_args()
    if os.geteuid() != 0:
        sys.exit("faults: dmpm changes users, so this must run as root")
    # Processes that lose their parent become ours, so that none can be left unseen.
    ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)  # PR_SET_CHILD_SUBREAPER
    users = harness._Users()  # pylint: disable=protected-access
    try:
        rows = Bench(options).run()
    finally:
        users.release()
    print_table(rows)
    problems = [f"{row['site']}: {problem}" for row in rows for problem in row["problems"]]
    print("\n".join(problems) or "no misbehaviour was felt")
    sys.exit(1 if problems else 0)


if __name__ == "__main__":
    main()
