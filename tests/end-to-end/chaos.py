"""What is done to dmpm while a verified stream of requests runs (chaos_load.py).

A scenario is a function that makes a dmpm, runs it for a while and returns a Result; SCENARIOS lists them
for scripts/chaos, which runs them long, and chaos_test.py, which runs them short. A new one is a function
more.
"""
import collections
import os
import random
import signal
import time

import harness
from chaos_load import Load, ManySites, Result
from chaos_soak import SERVICES, Flatness, Visitors, Watch, bad_sites
from harness import ALICE, BOB, CAROL, eventually

IDLE_STOPS = 100


class Acts:
    """What can be done to it, and what was done."""

    def __init__(self, dmpm, load, seed):
        self.dmpm, self.load, self.generator = dmpm, load, random.Random(seed)
        self.done = collections.Counter()
        self.kills = []  # see Failure.met()
        self.started = time.monotonic()

    def left(self, seconds):
        return self.started + seconds - time.monotonic()

    def wait_until(self, then):
        """Seconds since the start."""
        self.load.stopping.wait(max(0, self.left(then)))

    def reload(self):
        """Changes one site: every second time one that is busy."""
        self.done["reload"] += 1
        busy = self.done["reload"] % 2
        site = self.generator.choice(self.dmpm.busy if busy else self.dmpm.sites)
        self.dmpm.write_site(site, self.done["reload"])
        answer = self.dmpm.command("reload")
        if answer.returncode != 0 or "reload done: 1 groups changed" not in answer.stdout:
            self.load.note(self.load.wrong, f"reload: {answer}")

    def upgrade(self):
        self.done["upgrade"] += 1
        answer = self.dmpm.command("upgrade")
        if answer.returncode != 0:
            self.load.note(self.load.wrong, f"upgrade: {answer}")

    def kill(self, *kinds):
        """kill -9 of one of these kinds, if there is any. Of the workers one of the older half: killed
        again and again, a group would be told to wait, and so would its requests."""
        victims = {"worker": sorted((pid for user in (ALICE, BOB, CAROL)
                                     for pid in self.dmpm.workers(user)), key=age, reverse=True)}
        victims["worker"] = victims["worker"][:(len(victims["worker"]) + 1) // 2]
        victims.update((kind, self.dmpm.services(kind)) for kind in SERVICES)
        there = [kind for kind in kinds if victims[kind]]
        if not there:
            return
        kind = self.generator.choice(there)
        pid = self.generator.choice(victims[kind])
        before = time.monotonic()
        try:
            os.kill(pid, signal.SIGKILL)
            self.done[f"kill -9 {kind}"] += 1
        except ProcessLookupError:
            pass
        # Its memory goes first, its sockets after that: with a sanitizer's, much later.
        eventually(lambda: harness.has_gone(pid), f"{kind} {pid} has gone")
        self.kills.append((before, time.monotonic()))

    def result(self, name, **more):
        """When the load has ended."""
        load = self.load
        unexplained = [f for f in load.failed if not any(f.met(kill) for kill in self.kills)]
        add_reasons(unexplained, self.dmpm.log_text())
        acts = ", ".join(f"{count} × {what}" for what, count in sorted(self.done.items()))
        return Result(name, time.monotonic() - self.started, acts, load.counts, load.wrong, load.refused,
                      load.failed, unexplained, **more)


def add_reasons(failures, log):
    """What dmpm told its operator of each error id."""
    lines = log.splitlines()
    for failure in failures:
        identity = failure.what.rsplit(", ", 1)[-1]
        failure.what += "".join(f"\n    {line}" for line in lines if identity in line)


def age(pid):
    try:
        return harness.age(pid)
    except OSError:
        return 0


# ---- the scenarios ---------------------------------------------------------------------------------


def reloads(seconds, seed=0, sites=1000):
    """A reload every second that changes 1 of 1,000 sites, those with requests among them."""
    with ManySites(sites, 12) as dmpm, Load(dmpm, seed) as load:
        acts = Acts(dmpm, load, seed)
        while acts.left(seconds) > 0:
            acts.reload()
            acts.wait_until(min(seconds, acts.done["reload"]))
        load.__exit__()
        return acts.result(f"reload of 1 of {sites} sites")


def kills(seconds, seed=0):
    """kill -9 of something each second: a worker, a dispatcher of two, the keyholder, the logger."""
    with ManySites(12, 12, dispatchers=2) as dmpm, Load(dmpm, seed, forgiving=True) as load:
        acts = Acts(dmpm, load, seed)
        while (left := acts.left(seconds)) > 0:
            acts.kill("worker", *SERVICES)
            load.stopping.wait(min(left, 1))
        load.__exit__()
        return acts.result("kill -9")


def upgrades(seconds, seed=0):
    """An upgrade every six seconds: 20 in two minutes."""
    with ManySites(12, 12, dispatchers=2) as dmpm, Load(dmpm, seed) as load:
        workers = set(eventually(lambda: len(dmpm.workers()) == len(dmpm.busy) and dmpm.workers(),
                                 "every site has its worker", 60))
        acts = Acts(dmpm, load, seed)
        while acts.left(seconds) > 0:
            acts.upgrade()
            acts.wait_until(6 * acts.done["upgrade"])
        if set(dmpm.workers()) != workers:
            load.note(load.wrong, "workers did not survive the upgrades")
        load.__exit__()
        return acts.result("upgrade")


def idle_stops(seconds, seed=0):
    """Idle stops raced by requests in the same instant: at least 100 of them."""
    with ManySites(12, 12, racing=6, dispatchers=2) as dmpm, Load(dmpm, seed) as load:
        acts = Acts(dmpm, load, seed)
        acts.wait_until(seconds)
        eventually(lambda: load.counts["stopped"] >= IDLE_STOPS, f"{IDLE_STOPS} idle stops", 120)
        load.__exit__()
        acts.done["idle stop raced and lost"] = load.counts["stopped"]
        acts.done["raced and prevented"] = load.counts["kept"]
        return acts.result("idle stop")


def soak(seconds, seed=0):
    """All of it at once, with sites beside that do everything wrong: does dmpm stay flat? A reload each
    second, a kill -9 of a worker every other second, of a service every fifteen, and six upgrades."""
    with ManySites(24, 12, racing=4, dispatchers=2, **bad_sites()) as dmpm, \
            Load(dmpm, seed, forgiving=True) as load, Visitors(dmpm, load) as visitors, \
            Watch(dmpm, load.stopping) as watch:
        acts = Acts(dmpm, load, seed)
        for second in range(int(seconds)):
            acts.reload()
            if second % 2 == 0:
                acts.kill("worker")
            if second % 15 == 5:
                acts.kill(*SERVICES)
            if acts.left(seconds) < seconds * (1 - (acts.done["upgrade"] + 0.5) / 6):
                acts.upgrade()
                watch.upgrades += 1
            acts.wait_until(second + 1)
        for clients in (visitors, watch, load):
            clients.__exit__()
        acts.done["idle stop"] = load.counts["stopped"]
        acts.done["answer from bad sites"] = sum(visitors.answers.values())
        return acts.result("all of it", flat=Flatness(watch.samples))


SCENARIOS = {"reload": reloads, "kill": kills, "upgrade": upgrades, "idle": idle_stops, "soak": soak}
