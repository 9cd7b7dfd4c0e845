#!/usr/bin/python3
"""Compares dmpm with its peers on this machine; scripts/bench calls it. Method: docs/performance.md."""
import argparse
import atexit
import ctypes
import datetime
import os
import pathlib
import platform
import shutil
import signal
import sys
import tempfile

import beyond
import report
import sites
from peers import PEER_CLASSES
from results import Results
from servers import LOAD_CPU, Backends, BenchError, Dmpm, Floor, Sites, harness
from tools import Tools
from workloads import IDLE_WORKLOADS, WORKLOADS

CLASSES = {**PEER_CLASSES, "floor": Floor, "dmpm": Dmpm}
LOG_METRIC = "access-log"
# In memory, so that no disk is measured, and deleting 30,000 files takes no time.
PLACE = "/dev/shm"
PR_SET_CHILD_SUBREAPER = 36


class Bench:
    def __init__(self, options):
        self.options = options
        self.results = Results()
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="dmpm-bench.", dir=PLACE))
        self.directory.chmod(0o755)
        atexit.register(shutil.rmtree, self.directory, ignore_errors=True)
        self.tools = Tools(options.programs, self.directory)
        self.servers = []
        self.failures = []  # what peers did not get done

    def run(self):
        self.backends = Backends(self.tools, self.directory)
        try:
            self.compare()
            self.idle_connections()
            if self.wanted(LOG_METRIC):
                self.access_logs()
            sites.run(self)
            beyond.run(self)
        except BaseException:
            for server in self.servers:
                print(f"--- {server.name}\n{server.said()}", file=sys.stderr)
            raise
        finally:
            self.stop_all()
            self.backends.stop()
        return self.results

    def wanted(self, name):
        """Whether --only leaves it in: exactly this one, or all that begin so."""
        return not self.options.only or any(name.startswith(only) for only in self.options.only)

    def say(self, text):
        print(f"[{datetime.datetime.now():%H:%M:%S}] {text}", file=sys.stderr, flush=True)

    # -- servers --

    def start(self, kind, of_sites, access_log=False):
        """A server that has answered a request to the first site."""
        server = kind(self.tools, self.directory, of_sites, access_log)
        self.servers.append(server)
        server.start()
        server.answers(next(iter(of_sites))[0])
        server.settle()
        return server

    def stop(self, server):
        server.stop()
        self.servers.remove(server)

    def leave_out(self, peer, error):
        """A peer that fails at 10,000 sites costs its own lines there, and the exit status."""
        self.say(f"FAILED: {error}")
        self.failures.append(f"{peer.name} failed, and is left out from there on: {error}")
        self.stop(peer)

    def stop_all(self):
        for server in list(self.servers):
            self.stop(server)

    def classes(self):
        return [CLASSES[name] for name in self.options.servers]

    # -- the table --

    def compare(self):
        """All workloads on all servers, which run side by side; those that have no turn sleep."""
        workloads = [workload for workload in WORKLOADS if self.wanted(workload.name)]
        if not workloads:
            return
        two = Sites(self.tools, self.backends, ["localhost", "a.test"], ["b.test"])
        for kind in self.classes():
            self.say(f"starting {kind.name} {kind.version()}")
            server = self.start(kind, two)
            if kind is not Floor:  # b's worker as well is up before anything counts
                server.answers("b.test", backends="b")
                server.settle()
        for round_number in range(self.options.rounds):
            for workload in workloads:
                for server in self.servers:
                    if self.can(server, workload):
                        self.measure(workload, server, round_number)
        self.stop_all()

    def idle_connections(self):
        """Memory: each time with a server that has done nothing else, so that nothing is reused."""
        two = Sites(self.tools, self.backends, ["localhost", "a.test"], ["b.test"])
        for round_number in range(self.options.memory_rounds):
            for workload in IDLE_WORKLOADS:
                for kind in self.classes():
                    if self.wanted(workload.name) and self.can(kind, workload):
                        server = self.start(kind, two)
                        self.measure(workload, server, round_number)
                        self.stop(server)

    @staticmethod
    def can(server, workload):
        return server.name != "floor" or not (workload.http2 or workload.two_sites)

    def measure(self, workload, server, round_number):
        value = workload.run(self.tools, server, self.options.scale)
        metric = self.results.metric(workload.name, workload.title, workload.unit,
                                     reference=workload.reference, goal=workload.goal)
        metric.add(server.name, value)
        self.say(f"round {round_number + 1}: {workload.name}: {server.name} "
                 f"{report.number(value)} {workload.unit}")

    def access_logs(self):
        """HTTP/1.1 requests with the log on and off, in turn; what it costs is the difference."""
        workload = WORKLOADS[0]
        metric = self.results.metric(LOG_METRIC, "access log on", "µs/request more", reference=None,
                                     goal=0.7)
        two = Sites(self.tools, self.backends, ["localhost", "a.test"], ["b.test"])
        pairs = []
        for kind in self.classes():
            if kind is not Floor:
                pairs.append((self.start(kind, two), self.start(kind, two, access_log=True)))
        for _ in range(self.options.rounds):
            for without, with_log in pairs:
                costs = [workload.run(self.tools, server, self.options.scale)
                         for server in (without, with_log)]
                metric.add(without.name, costs[1] - costs[0])
                self.say(f"{LOG_METRIC}: {without.name} {costs[0]:.2f} -> {costs[1]:.2f}")
        self.stop_all()


def environment(options):
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        model = next(line.split(":")[1].strip() for line in file if line.startswith("model name"))
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / (1 << 30)
    return {
        "date": f"{datetime.datetime.now():%Y-%m-%d}",
        "machine": f"{model}, {os.cpu_count()} processors, {memory:.0f} GiB, "
                   f"Linux {platform.release()}",
        "versions": {"OpenSSL": report_openssl(),
                     **{name: CLASSES[name].version() for name in options.servers}},
        "rounds": options.rounds,
        "scale": options.scale,
    }


def report_openssl():
    done = harness.run("openssl", "version")
    return done.stdout.split()[1]


def read_options():
    parser = argparse.ArgumentParser(prog="scripts/bench", description="Compares dmpm with its peers.")
    parser.add_argument("--quick", action="store_true", help="one short round: does it work at all?")
    parser.add_argument("--full", action="store_true", help="seven longer rounds, every peer in every line")
    parser.add_argument("--rounds", type=int, help="instead of 3")
    parser.add_argument("--only", nargs="+", metavar="WORKLOAD",
                        help="workloads whose names begin so: "
                             f"{', '.join(each.name for each in (*WORKLOADS, *IDLE_WORKLOADS))}, "
                             f"{LOG_METRIC}, "
                             f"{', '.join([*sites.NAMES, *beyond.NAMES])}")
    parser.add_argument("--servers", nargs="+", choices=CLASSES, default=list(CLASSES))
    parser.add_argument("--sites", type=int, default=10_000, help="how many sites the many are")
    parser.add_argument("--output", type=pathlib.Path, default=pathlib.Path("build/bench"),
                        help="where bench.json, bench.svg and bench.md go (%(default)s)")
    parser.add_argument("--programs", default=os.environ.get("DMPM_BIN", "build/release/bin"))
    options = parser.parse_args()
    options.rounds = options.rounds or (1 if options.quick else 7 if options.full else 3)
    options.memory_rounds = 3 if options.full else 1
    options.scale = 0.25 if options.quick else 2 if options.full else 0.5
    return options


def main():
    options = read_options()
    if os.geteuid() != 0:
        sys.exit("bench: needs root: dmpm changes users, and control groups are made")
    if os.cpu_count() < 2:
        sys.exit("bench: needs two processors, one of them for the server alone")
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    users = harness._Users()  # pylint: disable=protected-access
    atexit.register(users.release)
    for name in list(options.servers):
        if name in PEER_CLASSES and not PEER_CLASSES[name].installed():
            sys.exit(f"bench: {name} is not installed")
    os.sched_setaffinity(0, {LOAD_CPU})  # also what looks at the memory is nobody's burden
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("bench: stopped"))
    bench = Bench(options)
    try:
        results = bench.run()
    except BenchError as error:
        sys.exit(f"bench: FAILED: {error}")
    about = environment(options)
    text = "\n\n".join([report.table(results, about), *bench.failures])
    options.output.mkdir(parents=True, exist_ok=True)
    (options.output / "bench.md").write_text(text, encoding="utf-8")
    (options.output / "bench.svg").write_text(report.plot(results, about), encoding="utf-8")
    report.write_json(options.output / "bench.json", results, about)
    print(text)
    sys.exit(1 if bench.failures else 0)


if __name__ == "__main__":
    main()
