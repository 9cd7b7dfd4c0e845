#!/usr/bin/python3
"""Runs every attack of http2_attacks*.py beside two well-behaved clients (HTTP/1.1 and HTTP/2) and tells
what these felt of it, what the dispatcher used, and what became of the attacker. scripts/attack-http2 calls it.

What is measured is the dispatcher, so it has a processor for itself; everything else shares another
one. The dispatcher runs at nice -20 (not at SCHED_FIFO: it would keep its processor from the kernel's own
thread that delivers packets), the clients and their site at SCHED_FIFO: they wait for nobody but each other.
The attacker and the site that it attacks run at SCHED_IDLE and take what is left of their processor.
While nobody attacks, a process at SCHED_IDLE burns that instead, so that calm and attack differ in what
reaches the dispatcher, and in nothing else.

An attack is felt when a client's p99 is more than twice its calm one. Both are medians: of the three
windows that the attack is cut into, and of the six of the calm before and behind it; with --rounds, in
which all attacks take turns, of as many more.

With --control the attacker attacks another dmpm instead, whose dispatcher shares the processor with the
clients' at SCHED_IDLE: what is felt then is the machine (caches, wake-ups, packets of the other processor),
and no dispatcher could keep it from the clients.
"""
import argparse
import collections
import contextlib
import ctypes
import json
import os
import pathlib
import signal
import statistics
import struct
import subprocess
import sys
import time

import harness
import http2_attacker
from harness import ALICE, BOB, HERE, descendants
from http2_site import Site
from memory import HTTP2_CONNECTION_KB, HTTP2_SHARED_KB, Watch, resident

RATE = 250           # requests a second of each client
FELT = 2.0           # times the calm p99
TICK = os.sysconf("SC_CLK_TCK")


def pin(pid, processor, policy=os.SCHED_OTHER):
    """With all its threads, and those that they will make."""
    priority = os.sched_param(10 if policy == os.SCHED_FIFO else 0)
    for thread in os.listdir(f"/proc/{pid}/task"):
        try:
            os.sched_setaffinity(int(thread), {processor})
            os.sched_setscheduler(int(thread), policy, priority)
        except ProcessLookupError:
            pass


def processor_time(pid):
    with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICK


def percentile(values, share):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


class GoodClient:
    def __init__(self, kind, bench):
        self.kind, self.file = kind, bench.directory / f"{kind}.samples"
        self.samples, self.at = [], 0
        self.process = subprocess.Popen(
            ["/usr/bin/python3", "-B", HERE / "http2_good_client.py", kind, str(bench.dmpm.port),
             bench.dmpm.authority.file, str(RATE), self.file])
        pin(self.process.pid, bench.rest, os.SCHED_FIFO)

    def stop(self):
        self.process.terminate()
        self.process.wait()
        raw = self.file.read_bytes()
        self.samples = list(struct.iter_unpack("dd", raw[:len(raw) // 16 * 16]))

    def windows(self, begin, end, count=3):
        """Milliseconds, sorted into equal windows, and how many requests failed."""
        found, failed = [[] for _ in range(count)], 0
        for begun, took in self.samples:
            if not begin <= begun < end:
                continue
            if took < 0:
                failed += 1
            else:
                found[int((begun - begin) / (end - begin) * count)].append(took * 1000)
        return found, failed


class Phase:
    """Some seconds, calm or under an attack, and what was seen in them."""

    def __init__(self, name=None, connections=0):
        self.name, self.connections = name, connections
        self.begin = self.end = 0.0
        self.result = {}

    def latency(self, client):
        """The medians over the windows of p50 and p99, in milliseconds, and the failures."""
        windows, failed = client.windows(self.begin, self.end)
        filled = [window for window in windows if window] or [[float("inf")]]
        return {"p50": [percentile(window, 0.50) for window in filled],
                "p99": [percentile(window, 0.99) for window in filled], "failed": failed}


class Bench:
    def __init__(self, options):
        self.options = options
        processors = sorted(os.sched_getaffinity(0))
        if len(processors) < 2:
            sys.exit("attack-http2: two processors are needed, one of them for the dispatcher alone")
        self.rest, self.dispatcher_processor = processors[:2]
        self.phases = []

    def run(self):
        os.sched_setaffinity(0, {self.rest})
        with contextlib.ExitStack() as stack:
            self.dmpm = self.victim = stack.enter_context(Site())
            if self.options.control:
                self.victim = Site()
                self.victim.__enter__()
                stack.callback(self.victim.end_beside_others)
            self.directory = self.dmpm.directory
            self.set_up()
            clients = [GoodClient(kind, self) for kind in ("h1", "h2")]
            burner = subprocess.Popen(["/usr/bin/python3", "-c", "while True: pass"])
            pin(burner.pid, self.rest, os.SCHED_IDLE)
            try:
                time.sleep(1)
                self.run_phases(burner)
            finally:
                burner.kill()
                burner.wait()
                for client in clients:
                    client.stop()
            return self.evaluate(clients)

    def set_up(self):
        for host in ("a.test", "b.test"):
            self.dmpm.get(host)
        (self.dispatcher,) = self.dmpm.services("dispatcher")
        for pid in descendants(os.getpid()):
            pin(pid, self.rest)
        pin(self.dispatcher, self.dispatcher_processor)
        os.setpriority(os.PRIO_PROCESS, self.dispatcher, -20)
        if self.victim is not self.dmpm:
            self.victim.get("a.test")
            for pid in descendants(self.victim.master()):
                pin(pid, self.rest)
            (dispatcher,) = self.victim.services("dispatcher")
            pin(dispatcher, self.dispatcher_processor, os.SCHED_IDLE)
        for dmpm, user, policy in ((self.victim, ALICE, os.SCHED_IDLE), (self.dmpm, BOB, os.SCHED_FIFO)):
            for pid in dmpm.workers(user):
                pin(pid, self.rest, policy)

    # -- running --

    def run_phases(self, burner):
        self.calm()
        for name in self.options.names * self.options.rounds:
            for connections in self.options.connections:
                idles = http2_attacker.attacks()[name].idles
                if not idles:
                    burner.send_signal(signal.SIGSTOP)
                self.attack(Phase(name, connections))
                burner.send_signal(signal.SIGCONT)
                self.calm()

    def calm(self):
        phase = Phase()
        time.sleep(0.5)  # what the attack has left is being cleared away
        phase.begin = time.monotonic()
        time.sleep(self.options.calm)
        phase.end = time.monotonic()
        self.phases.append(phase)

    def attack(self, phase):
        before, used = resident(self.dispatcher), processor_time(self.dispatcher)
        attacker = subprocess.Popen(
            ["/usr/bin/python3", "-B", HERE / "http2_attacker.py", phase.name,
             "--port", str(self.victim.port), "--connections", str(phase.connections),
             # Whose past is unknown: who has misbehaved before is held back from the start.
             "--source", f"127.1.{len(self.phases) // 250}.{len(self.phases) % 250 + 1}",
             "--seconds", str(self.options.seconds + 0.5)], stdout=subprocess.PIPE, text=True)
        pin(attacker.pid, self.rest, os.SCHED_IDLE)
        with Watch(self.dispatcher, 0.5) as watch:
            time.sleep(0.5)  # Python starts
            phase.begin = time.monotonic()
            time.sleep(self.options.seconds)
            phase.end = time.monotonic()
            used = processor_time(self.dispatcher) - used
            burnt = processor_time(attacker.pid)
            said, _ = attacker.communicate(timeout=60)
        phase.result = {
            **json.loads(said),
            "dispatcher_percent": round(100 * used / (phase.end - phase.begin + 0.5)),
            "attacker_percent": round(100 * burnt / (phase.end - phase.begin + 0.5)),
            "pss_kb": {"before": before, "peak": max(watch.samples),
                       "after": resident(self.dispatcher)}}
        self.phases.append(phase)
        print(f"  {phase.name} x{phase.connections}: {phase.result}", file=sys.stderr, flush=True)

    # -- judging --

    def evaluate(self, clients):
        places = collections.defaultdict(list)  # of one attack: where among the phases it was
        for at, phase in enumerate(self.phases):
            if phase.name is not None:
                places[phase.name, phase.connections].append(at)
        return [self.row(found, clients) for found in places.values()]

    def row(self, places, clients):
        phases = [self.phases[at] for at in places]
        row = {"attack": phases[0].name, "connections": phases[0].connections,
               "ends": sum((collections.Counter(phase.result["ends"]) for phase in phases),
                           collections.Counter())}
        for key in ("dispatcher_percent", "attacker_percent"):
            row[key] = round(statistics.mean(phase.result[key] for phase in phases))
        # The round in which it grew most.
        row["pss_kb"] = max((phase.result["pss_kb"] for phase in phases),
                            key=lambda pss: pss["peak"] - pss["before"])
        for client in clients:
            during = [phase.latency(client) for phase in phases]
            calm = [self.phases[at + side].latency(client) for at in places for side in (-1, 1)]
            row[client.kind] = {"failed": sum(one["failed"] for one in during)}
            for share in ("p50", "p99"):
                row[client.kind][share] = statistics.median(sum((one[share] for one in during), []))
                row[client.kind]["calm_" + share] = statistics.median(sum((one[share] for one in calm), []))
        row["problems"] = self.problems(row)
        return row

    @staticmethod
    def problems(row):
        found = []
        for kind in ("h1", "h2"):
            ratio = row[kind]["p99"] / row[kind]["calm_p99"]
            if ratio > FELT:
                found.append(f"{kind} feels it: p99 {ratio:.1f} times the calm one")
            if row[kind]["failed"]:
                found.append(f"{kind}: {row[kind]['failed']} requests failed")
        pss = row["pss_kb"]
        if pss["peak"] - pss["before"] > HTTP2_SHARED_KB + row["connections"] * HTTP2_CONNECTION_KB:
            found.append(f"memory: {pss}")
        return found


def ends_of(row):
    """"684 calm, 3 goaway 1, ...": what became of the attacker's connections."""
    names = {"goaway 11": "calm"}
    return ", ".join(f"{count} {names.get(end, end)}" for end, count in
                     sorted(row["ends"].items(), key=lambda item: -item[1]))


def print_table(rows):
    print("| attack | × | h1 p50 | h1 p99 | times | h2 p50 | h2 p99 | times | attacker | dispatcher | "
          "memory, MiB | connections |")
    print("|---" * 12 + "|")
    for row in rows:
        felt = any("feels it" in problem for problem in row["problems"])
        cells = [f"**{row['attack']}**" if felt else row["attack"], str(row["connections"])]
        for kind in ("h1", "h2"):
            for share in ("p50", "p99"):
                cells.append(f"{row[kind]['calm_' + share]:.2f} → {row[kind][share]:.2f}")
            cells.append(f"{row[kind]['p99'] / row[kind]['calm_p99']:.1f}")
        pss = [row["pss_kb"][when] / 1024 for when in ("before", "peak", "after")]
        cells += [f"{row['attacker_percent']} %", f"{row['dispatcher_percent']} %", " / ".join(f"{size:.1f}" for size in pss),
                  ends_of(row)]
        print("| " + " | ".join(cells) + " |")


def main():
    known = list(http2_attacker.attacks())
    parser = argparse.ArgumentParser()
    parser.add_argument("seconds", type=float, nargs="?", default=10)
    parser.add_argument("--calm", type=float, default=5)
    parser.add_argument("--connections", type=int, nargs="+", default=[1, 16])
    parser.add_argument("--names", nargs="+", choices=known, default=known, metavar="NAME")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--control", action="store_true")
    parser.add_argument("--json", type=pathlib.Path)
    options = parser.parse_args()
    if os.geteuid() != 0:
        sys.exit("attack-http2: dmpm changes users, so this must run as root")
    # Processes that lose their parent become ours, so that none can be left unseen.
    ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)  # PR_SET_CHILD_SUBREAPER
    users = harness._Users()  # pylint: disable=protected-access
    try:
        rows = Bench(options).run()
    finally:
        users.release()
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1), encoding="utf-8")
    print_table(rows)
    problems = [f"{row['attack']} ×{row['connections']}: {problem}"
                for row in rows for problem in row["problems"]]
    print("\n".join(problems) or "no attack was felt")
    sys.exit(1 if problems else 0)


if __name__ == "__main__":
    main()
