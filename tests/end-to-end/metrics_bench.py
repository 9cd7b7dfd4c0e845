#!/usr/bin/python3
"""What the metrics and the status page cost (scripts/measure-metrics): a dmpm without "metrics" and one
with, 10,000 groups each, HTTP/1.1 over TLS with wrk, 64 connections, 1 KiB from lighttpd, in turn. The
second is left alone, asked by Prometheus every 15 s, or watched by a page that is open as well. CPU is that
of all of a dmpm's processes, from /proc/PID/schedstat. They have the first core, wrk and the workers the
second.
"""
import contextlib
import statistics
import sys
import threading

import harness
from access_log_bench import LIGHTTPD, cpu, make_home, pin, run_wrk
from harness import ALICE, METRICS, Dmpm, group
from scrape import ask

GROUPS = 10_000
SCRAPE, PAGE = 15, 5  # seconds: Prometheus' usual interval, and the page's own (metrics/page/status.js)
SERVICES = ("dispatcher", "keyholder", "logger", "metrics")


def make(**options):
    command = ["/usr/sbin/lighttpd", "-D", "-f", "{home}/lighttpd.conf"]
    dmpm = Dmpm(groups={"alice": group(ALICE, command)}, hosts={"a.test": "alice"}, **options)
    make_home(dmpm)
    sleeping = {"permissions": {"user": ALICE}, "worker": {"command": ["/bin/true"]}}
    names = [f"site{number:05}" for number in range(GROUPS)]
    dmpm.settings["groups"].update({name: sleeping for name in names})
    dmpm.settings["virtual_hosts"] += [{"names": [f"{name}.test"], "group": name} for name in names]
    return dmpm


def processes(dmpm):
    return [dmpm.master(), *(pid for kind in SERVICES for pid in dmpm.services(kind))]


class Asked:
    """While it lasts, dmpm-metrics is asked for `paths` ({path: seconds between})."""

    def __init__(self, dmpm, paths):
        self.dmpm, self.ended = dmpm, threading.Event()
        self.threads = [threading.Thread(target=self.ask, args=item) for item in paths.items()]

    def __enter__(self):
        for thread in self.threads:
            thread.start()

    def __exit__(self, *_):
        self.ended.set()
        for thread in self.threads:
            thread.join()

    def ask(self, path, seconds):
        while not self.ended.wait(seconds / 2):
            if ask(self.dmpm, path)[0] != 200:
                raise AssertionError(path)
            self.ended.wait(seconds / 2)


def measure(dmpm, seconds, paths):
    """Microseconds a request."""
    pids = processes(dmpm)
    before = sum(map(cpu, pids))
    with Asked(dmpm, paths):
        requests = run_wrk(dmpm, seconds)
    return (sum(map(cpu, pids)) - before) / 1000 / requests


def main():
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    seconds = int(sys.argv[2]) if len(sys.argv) > 2 else 15
    harness._Users()
    with contextlib.ExitStack() as stack:
        without, with_it = make(), make(metrics={"user": METRICS, "status_page": True})
        for dmpm in (without, with_it):
            dmpm.__enter__()
            stack.callback(dmpm.end_beside_others)
        ways = {"without": (without, {}), "with, nobody asks": (with_it, {}),
                "with, asked by Prometheus": (with_it, {"/metrics": SCRAPE}),
                "with, and a page is open": (with_it, {"/metrics": SCRAPE, "/status.json": PAGE})}
        for dmpm in (without, with_it):
            dmpm.get("a.test", "/1k.bin")
            for pid in processes(dmpm):
                pin(pid, 0)
            for pid in dmpm.workers():
                pin(pid, 1)
            run_wrk(dmpm, 1)
        results = {name: [] for name in ways}
        for _ in range(rounds):
            for name, (dmpm, paths) in ways.items():
                results[name].append(measure(dmpm, seconds, paths))
        report(results)


def report(results):
    base = results["without"]
    print(f"| {GROUPS:,} groups | µs/request | least – most | more than without, median of the pairs |\n"
          "|---|---|---|---|")
    for name, values in results.items():
        more = statistics.median(value / other - 1 for value, other in zip(values, base))
        print(f"| {name} | {statistics.median(values):.2f} | {min(values):.2f} – {max(values):.2f} | "
              f"{more:+.1%} |")


if __name__ == "__main__":
    main()
