#!/usr/bin/python3
"""How often a visitor meets a warm worker, with keep_warm and without: a day of visits to many sites
(visits.py has the model), compressed to minutes, against two real dmpms with a group for each site.

Run by scripts/replay-keep-warm. Workers are bench-sized-worker: each holds as much memory as the
servers of its site held when they were started and looked at in the beginning. What the day would
have given without compression is calculated beside.

Time is compressed for idle_timeout too. What cannot be compressed are starts (some milliseconds, which
would be seconds of the day) and the moment at which dmpm notices idleness: it looks every 100 ms, so
that a worker counts as idle 100 ms late in the mean. idle_timeout is shortened by these.
"""
import argparse
import os
import random
import statistics
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import harness
import visits
from cold_start import machine
from cold_start_sites import SITES
from cold_start_ways import Executed
from harness import ALICE, BIN, BOB, CAROL, Dmpm

IDLE_TIMEOUT = 60  # seconds of the day
LATE = 0.1  # seconds: what an idle worker is noticed late, in the mean
# Of 100 sites. PHP's workers have loaded an application of many classes.
KINDS = {"static": 30, "app": 60, "node": 5, "python": 5}
CLIENTS = 12  # connections to each dmpm
KIB = 1024


def memory_of(pid):
    """KiB, as the master counts a worker's."""
    pids = [pid, *harness.descendants(pid)]

    def kib(process, name):
        return int((harness.status_field(process, name) or "0").split()[0])

    return (sum(kib(process, "RssAnon") + 64 for process in pids)
            + max(kib(process, "RssShmem") for process in pids))


def measure_kinds():
    """{kind: KiB} of real servers that have just answered."""
    found = {}
    with Executed() as executed:
        for site in SITES:
            if site.name in KINDS:
                executed.look_at(site, lambda pid, kind=site.name: found.update({kind: memory_of(pid)}))
    return found


class Replayed:
    """One dmpm, and how its visitors fared."""

    def __init__(self, title, kinds, memory, idle_timeout, keep_warm):
        self.title = title
        names = [f"site{n}" for n in range(len(kinds))]
        self.dmpm = Dmpm(groups={}, hosts={}, listen=[{"address": "127.0.0.1:0"}],
                         keep_warm={"memory": keep_warm})
        self.dmpm.settings["groups"] = {
            name: {"permissions": {"user": (ALICE, BOB, CAROL)[n % 3]},
                   "worker": {"command": [str(BIN / "bench-sized-worker"), str(memory[kinds[n]])]},
                   "scale": {"idle_timeout": f"{idle_timeout * 1000:.0f}ms"}}
            for n, name in enumerate(names)}
        self.dmpm.settings["virtual_hosts"] = [
            {"names": [f"{name}.test"], "group": name} for name in names]
        self.warm, self.late, self.awake = {}, [], []
        self.local, self.clients = threading.local(), []
        self.pool = ThreadPoolExecutor(CLIENTS)

    def __enter__(self):
        self.dmpm.__enter__()
        return self

    def __exit__(self, *_):
        self.pool.shutdown(cancel_futures=True)
        for client in self.clients:
            client.close()
        self.dmpm.end_beside_others()

    def ask(self, number, site, due):
        if not hasattr(self.local, "client"):
            self.local.client = self.dmpm.connect_plain()
            self.clients.append(self.local.client)
        sent = time.monotonic_ns()
        answer = self.local.client.get(f"site{site}.test")
        if answer.status != 200:
            raise AssertionError(answer)
        self.warm[number] = int(answer.body) < sent
        self.late.append(sent / 1e9 - due)

    def look(self):
        """How many workers there are and what they hold, in KiB."""
        workers = self.dmpm.workers()
        self.awake.append((len(workers), sum(memory_of(pid) for pid in workers)))


def replay(requests, compression, all_replayed):
    began, next_look, futures = time.monotonic(), 0, []
    for number, request in enumerate(requests):
        due = began + request.time / compression
        if (left := due - time.monotonic()) > 0:
            time.sleep(left)
        futures += [one.pool.submit(one.ask, number, request.site, due) for one in all_replayed]
        if request.time > next_look:
            next_look = request.time + visits.DAY / 50
            for one in all_replayed:
                one.look()
    for future in futures:
        future.result()


def shares(requests, warm):
    """Of all requests, and of the first of each visit."""
    firsts = [met for request, met in zip(requests, warm) if request.first]
    return f"{sum(warm) / len(warm):.1%} | {sum(firsts) / len(firsts):.1%}"


def report(requests, sizes, all_replayed):
    print("| | requests | first requests of a visit | the same by calculation, in the day's own time | "
          "| workers awake, mean (most) | their memory at most, MiB |\n|---|---|---|---|---|---|---|")
    for one, budget in all_replayed:
        calculated = visits.meet_warm(requests, sizes, IDLE_TIMEOUT, budget)
        counts = [count for count, _ in one.awake]
        print(f"| {one.title} | "
              f"{shares(requests, [one.warm[n] for n in range(len(requests))])} | "
              f"{shares(requests, calculated)} | {statistics.mean(counts):.0f} ({max(counts)}) | "
              f"{max(memory for _, memory in one.awake) / 1024:.0f} |")
    late = sorted(late for one, _ in all_replayed for late in one.late)
    print(f"\nRequests were sent {statistics.median(late) * 1000:.1f} ms late in the median, "
          f"{late[len(late) * 99 // 100] * 1000:.0f} at the 99th percentile, {late[-1] * 1000:.0f} at "
          "most.")


def describe(arguments, requests, kinds, memory):
    workers = ", ".join(f"{kind} {memory[kind] / KIB:.1f} ({share} %)"
                        for kind, share in KINDS.items())
    print(f"{machine()}. {arguments.sites:,} sites, {arguments.visits:,} visits with {len(requests):,} "
          f"requests, exponent {arguments.exponent}, seed {arguments.seed}; the day in "
          f"{arguments.seconds} s. A worker's memory in MiB (and share of the sites): {workers}; of all "
          f"sites together {sum(memory[kind] for kind in kinds) / KIB:,.0f}.\n", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sites", type=int, default=2_000)
    parser.add_argument("--visits", type=int, default=25_000, help="a day (default: 25000)")
    parser.add_argument("--exponent", type=float, default=1.0, help="Zipf's (default: 1)")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--seconds", type=int, default=400, help="that the day takes (default: 400)")
    parser.add_argument("--memory", type=int, default=2_048, help="keep_warm, in MiB (default: 2048)")
    arguments = parser.parse_args()
    if os.geteuid() != 0:
        sys.exit("replay-keep-warm: must be run as root: it changes users")
    compression = visits.DAY / arguments.seconds
    requests = visits.a_day(arguments.seed, arguments.sites, arguments.visits, arguments.exponent)
    kinds = random.Random(arguments.seed).choices(list(KINDS), KINDS.values(), k=arguments.sites)
    users = harness._Users()  # as the tests' own main does
    try:
        memory = measure_kinds()
        describe(arguments, requests, kinds, memory)
        idle_timeout = max(0.001, IDLE_TIMEOUT / compression - LATE)
        budgets = (0, arguments.memory * KIB * KIB)
        with Replayed("without keep_warm", kinds, memory, idle_timeout, 0) as without, \
                Replayed(f"keep_warm {arguments.memory:,} MiB", kinds, memory, idle_timeout,
                         budgets[1]) as with_it:
            replay(requests, compression, (without, with_it))
            report(requests, [memory[kind] * KIB for kind in kinds],
                   list(zip((without, with_it), budgets)))
    finally:
        users.release()


if __name__ == "__main__":
    main()
