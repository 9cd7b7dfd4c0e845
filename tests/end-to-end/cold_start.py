#!/usr/bin/python3
"""How long the first visitor of a sleeping site waits: from the request to the first byte of the
answer, beside the same server warm and beside other ways to start servers on demand.

Run by scripts/cold-start. All ways take turns: each round measures each site once in each of them. The
first round, which fills caches, is not counted, but for what it says of PHP's.
"""
import argparse
import collections
import contextlib
import datetime
import os
import platform
import statistics
import sys
import time

import harness
from cold_start_sites import PHP_SITES, SITES
from cold_start_ways import Executed, MpmItk, PhpFpm, SocketActivated, ThroughDmpm

# `first` is the round that fills caches.
Times = collections.namedtuple("Times", "cold warm first")


def measure(ways, rounds):
    """{(way's title, site's name): Times}"""
    results = collections.defaultdict(lambda: Times([], [], []))
    for number in range(rounds + 1):
        for way in ways:
            for site in way.sites:
                cold, warm = way.measure(site)
                times = results[way.title, site.name]
                if number == 0:
                    times.first.append(cold)
                else:
                    times.cold.append(cold)
                    times.warm.append(warm)
    return results


def spread(times):
    return f"**{statistics.median(times):.1f}** ({min(times):.1f}–{max(times):.1f})"


def difference(times, others):
    return f"{statistics.median(times) - statistics.median(others):+.2f}"


def table(*rows):
    for number, row in enumerate(rows):
        print(f"| {' | '.join(row)} |")
        if number == 0:
            print("|---" * len(row) + "|")
    print(flush=True)


def report(results, through_dmpm):
    itself, activated = Executed.title, SocketActivated.title
    print("Sleeping, through dmpm: over TLS on an open connection. The others: a Unix socket.\n")
    table(("", *through_dmpm, itself, activated),
          *((site.title, *(spread(results[way, site.name].cold)
                           for way in (*through_dmpm, itself, activated))) for site in SITES))
    print("What dmpm adds to the server itself (difference of medians), and the same awake:\n")
    table(("", *through_dmpm, f"warm: {through_dmpm[-1]}", f"warm: {itself}"),
          *((site.title,
             *(difference(results[way, site.name].cold, results[itself, site.name].cold)
               for way in through_dmpm),
             *(f"{statistics.median(results[way, site.name].warm):.2f}"
               for way in (through_dmpm[-1], itself))) for site in SITES))
    others = dict.fromkeys(way for way, _ in results if way not in (*through_dmpm, itself, activated))
    print("PHP in other ways, which fork it from a process of root's that has it loaded:\n")
    table(("", *(f"{site.title.split(', ')[1]}, {what}" for site in PHP_SITES
                 for what in ("asleep", "awake"))),
          *((way, *(spread(times) for site in PHP_SITES
                    for times in (results[way, site.name].cold, results[way, site.name].warm)))
            for way in others))
    print("The first start of all, with nothing in PHP's opcode cache: " + ", ".join(
        f"{site.title.split(', ')[1]} {results[through_dmpm[0], site.name].first[0]:.1f}"
        for site in PHP_SITES))


def nothing(program, times=200):
    """Milliseconds for the start and the end of a program that does nothing."""
    took = []
    for _ in range(times):
        began = time.perf_counter()
        os.waitpid(os.posix_spawn(program, [program], {}), 0)
        took.append((time.perf_counter() - began) * 1000)
    return f"{statistics.median(took):.2f}"


def machine():
    with open("/proc/meminfo", encoding="ascii") as file:
        memory = int(file.readline().split()[1]) / 1024 / 1024
    return (f"{datetime.date.today()}, Linux {platform.release()}, {os.cpu_count()} cores, "
            f"{memory:.0f} GiB of memory")


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=20, help="of each line (default: 20)")
    parser.add_argument("--groups", type=int, nargs="*", default=[10, 10_000],
                        help="how many dmpm has configured (default: 10 10000)")
    parser.add_argument("--pools", type=int, nargs="*", default=[1, 1_000],
                        help="of php-fpm (default: 1 1000)")
    arguments = parser.parse_args()
    if os.geteuid() != 0:
        sys.exit("cold-start: must be run as root: it changes users")
    users = harness._Users()  # as the tests' own main does
    try:
        with contextlib.ExitStack() as stack:
            through_dmpm = [stack.enter_context(ThroughDmpm(groups)) for groups in arguments.groups]
            ways = [*through_dmpm, stack.enter_context(Executed()),
                    stack.enter_context(SocketActivated())]
            ways += [stack.enter_context(PhpFpm(pools)) for pools in arguments.pools]
            if MpmItk.installed():
                ways.append(stack.enter_context(MpmItk()))
            results = measure(ways, arguments.rounds)
        print(f"{machine()}. Medians of {arguments.rounds} rounds (quickest–slowest), in "
              "milliseconds.\n")
        print("The start and the end of a program that does nothing takes, with shared libraries "
              f"(/bin/true), {nothing('/bin/true')}, and without (dmpm-worker-start that finds no plan) "
              f"{nothing(str(harness.BIN / 'dmpm-worker-start'))}.\n")
        report(results, [way.title for way in through_dmpm])
    finally:
        users.release()


if __name__ == "__main__":
    main()
