"""What the soak of chaos.py needs besides its load: neighbours that do everything wrong, and whether
dmpm's own processes stay flat in memory and descriptors."""
import collections
import dataclasses
import os
import statistics
import threading
import time

from bad_sites_test import BAD, bad_group
from harness import MALLORY, children, comm
from memory import bounded, own

SERVICES = ("dispatcher", "keyholder", "logger")
# Flat: the median of the last quarter of the time is not above that of the first by more than this part,
# and this much: KB, descriptors.
MORE, MORE_KB, MORE_DESCRIPTORS = 0.2, 1024, 8
# And within a process's life, behind its first seconds, it does not grow by more than this in a minute.
# That shows what a comparison of quarters cannot, where processes are replaced all the time.
SETTLED = 20  # seconds
# A dispatcher has the clients of a sibling that was killed: that must not look like growth.
LONG_LIFE = {"memory": 60, "descriptors": 120}
KB_A_MINUTE, DESCRIPTORS_A_MINUTE = 256, 4


def bad_sites():
    """Options for a Dmpm: a site for each misbehaviour. Their own work is their own: the lowest priority."""
    groups = {f"bad{number}": bad_group(program, MALLORY) for number, program in enumerate(BAD.values())}
    for bad in groups.values():
        bad["worker"]["command"] = ["/usr/bin/nice", "-n", "19", *bad["worker"]["command"]]
    return {"groups": groups, "hosts": {f"{name}.test": name for name in groups}}


class Visitors:
    """One for each bad site, who asks again and again. What they get does not matter, except that it
    must not look like a right answer."""

    def __init__(self, dmpm, load):
        self.dmpm, self.load, self.answers = dmpm, load, collections.Counter()
        self.threads = [threading.Thread(target=self.visit, args=(f"bad{n}.test",))
                        for n in range(len(BAD))]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.load.stopping.set()
        for thread in self.threads:
            thread.join()

    def visit(self, host):
        client = None
        while not self.load.stopping.wait(0.1):
            try:
                client = client or self.dmpm.connect(host)
                status = client.get(host).status
            except OSError:  # its dispatcher was killed
                client = None
                continue
            with self.load.lock:
                self.answers[status] += 1
            if status not in (502, 503, 504):
                self.load.note(self.load.wrong, f"{host} answered {status}")


@dataclasses.dataclass
class Sample:
    when: float  # seconds since the beginning
    kind: str
    life: object  # equal in samples of one process, as long as it runs one program
    memory: int  # its own, KB: what libraries share depends on who else runs
    descriptors: int


class Watch:
    """Looks at all of dmpm's own processes each second. The master's life ends with each of `upgrades`."""

    def __init__(self, dmpm, stopping):
        self.dmpm, self.stopping, self.samples, self.upgrades = dmpm, stopping, [], 0
        self.thread = threading.Thread(target=self.run)

    def __enter__(self):
        self.begun = time.monotonic()
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stopping.set()
        self.thread.join()

    def run(self):
        master = self.dmpm.master()  # the same process over every upgrade
        while not self.stopping.wait(1):
            self.look("master", master, self.upgrades)
            for pid in children(master):
                kind = comm(pid).removeprefix("dmpm-")
                if kind in SERVICES:
                    self.look(kind, pid, pid)

    def look(self, kind, pid, life):
        try:
            self.samples.append(Sample(time.monotonic() - self.begun, kind, life, own(pid),
                                       len(os.listdir(f"/proc/{pid}/fd"))))
        except (OSError, StopIteration):
            pass  # it has just gone


class Flatness:
    """What samples say of each kind of process."""

    HEAD = ("| process | lives | memory, KB: first quarter | last quarter | most | growth in a life, a minute "
            "| descriptors: first quarter | last quarter | most | growth in a life, a minute |\n"
            "|---|---|---|---|---|---|---|---|---|---|")

    def __init__(self, samples, judge_memory=None):
        self.judge_memory = bounded() if judge_memory is None else judge_memory
        self.end = max((s.when for s in samples), default=0)
        self.kinds = collections.defaultdict(list)
        for sample in samples:
            self.kinds[sample.kind].append(sample)

    def quarters(self, kind, what):
        """The medians of the first and the last quarter of the time; None: no sample."""
        first = [getattr(s, what) for s in self.kinds[kind] if s.when <= self.end / 4]
        last = [getattr(s, what) for s in self.kinds[kind] if s.when >= self.end * 3 / 4]
        return statistics.median(first) if first else None, statistics.median(last) if last else None

    def growth(self, kind, what):
        """The median over all long lives of how much more they had a minute later; None: no such life."""
        lives = collections.defaultdict(list)
        for sample in self.kinds[kind]:
            lives[sample.life].append(sample)
        slopes = []
        for life in lives.values():
            settled = [s for s in life if s.when >= life[0].when + SETTLED]
            if life[-1].when - life[0].when < LONG_LIFE[what] or len(settled) < 2:
                continue
            fit = statistics.linear_regression([s.when for s in settled],
                                               [getattr(s, what) for s in settled])
            slopes.append(60 * fit.slope)
        return statistics.median(slopes) if slopes else None

    def problems(self):
        found = []
        bounds = [("descriptors", MORE_DESCRIPTORS, DESCRIPTORS_A_MINUTE)]
        if self.judge_memory:
            bounds.append(("memory", MORE_KB, KB_A_MINUTE))
        for kind in ("master", *SERVICES):
            for what, more, a_minute in bounds:
                first, last = self.quarters(kind, what)
                growth = self.growth(kind, what)
                if first is None or last is None:
                    found.append(f"{kind}: not seen in the first or in the last quarter")
                elif last > first * (1 + MORE) + more:
                    found.append(f"{kind}: {what} grew from {first} to {last}")
                if growth is not None and growth > a_minute:
                    found.append(f"{kind}: {what} grows by {growth:.1f} a minute")
        return found

    def table(self):
        rows = [self.HEAD]
        for kind, samples in self.kinds.items():
            cells = [kind, str(len({s.life for s in samples}))]
            for what in ("memory", "descriptors"):
                growth = self.growth(kind, what)
                cells += [f"{value:,.0f}" if value is not None else "–" for value in
                          (*self.quarters(kind, what), max(getattr(s, what) for s in samples))]
                cells.append(f"{growth:+.1f}" if growth is not None else "–")
            rows.append("| " + " | ".join(cells) + " |")
        return "\n".join(rows)
