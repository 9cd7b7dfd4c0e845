"""A verified stream of requests over HTTP/1.1 and HTTP/2 while dmpm is reloaded, upgraded and killed at.

Every answer is checked for its request's token, its customer's user id and its host. What goes wrong is
one of three: `wrong` (an answer that is not the request's: must never be), `refused` (no connection: must
never be) and `failed` (no answer, or an error page).

A scenario is a function that makes a dmpm, runs it for a while and returns a Result; SCENARIOS lists them
for scripts/chaos, which runs them long, and chaos_test.py, which runs them short. A new one is a function
more.
"""
import collections
import dataclasses
import json
import os
import random
import shutil
import signal
import threading
import time

import harness
import http2_frames as h2
from harness import ALICE, BOB, CAROL, Dmpm, eventually, group, uid

USERS = (ALICE, BOB, CAROL)
H1_CLIENTS, H2_CLIENTS, STREAMS = 6, 2, 6
IN_FLIGHT = H1_CLIENTS + H2_CLIENTS * STREAMS  # at most


@dataclasses.dataclass
class Site:
    number: int

    @property
    def user(self):
        return USERS[self.number % len(USERS)]

    @property
    def host(self):
        return f"s{self.number}.chaos.test"

    def content(self, dmpm, version=0):
        """Its site file."""
        worker = group(self.user, ["/usr/bin/python3", "-IS", f"{dmpm.directory}/token_worker.py"])
        worker["worker"]["directory"] = "/"
        worker["worker"]["environment"] = {"VERSION": str(version)}
        return json.dumps({
            "groups": {f"g{self.number}": worker},
            "virtual_hosts": [{"names": [self.host], "group": f"g{self.number}",
                               "tls": dmpm.certificate}]})


@dataclasses.dataclass
class Failure:
    start: float
    end: float
    since: float  # when its connection was made, when the request ended with that
    host: str
    what: str

    def met(self, kill):
        """Whether it was in flight in what was killed. `kill`: when it was begun, when the victim had
        gone. A client may be slow to see the end of a connection that it had before, and ask once more."""
        before, gone = kill
        return self.end >= before and self.start <= gone + (0.1 if self.since <= gone else 0)


@dataclasses.dataclass
class Result:
    scenario: str
    seconds: float
    acts: str
    counts: collections.Counter
    wrong: list
    refused: list
    failed: list
    unexplained: list  # of the failed ones

    def row(self):
        return (f"| {self.scenario} | {self.seconds:.0f} s | {self.acts} | {self.counts['h1']} | "
                f"{self.counts['h2']} | {len(self.wrong)} | {len(self.refused)} | {len(self.failed)} | "
                f"{len(self.unexplained)} |")

    HEAD = ("| scenario | time | what was done | HTTP/1.1 answers | HTTP/2 answers | wrong | refused | "
            "failed | of them not in flight in what was killed |\n"
            "|---|---|---|---|---|---|---|---|---|")


class ManySites(Dmpm):
    """`count` customers' sites, each in a file of its own; only those in `busy` are asked for."""

    def __init__(self, count, busy, dispatchers=1):
        super().__init__(groups={}, hosts={},
                         dispatcher={"processes": dispatchers, "user": harness.PROXY,
                                     "group": harness.PROXY})
        shutil.copy(harness.HERE / "token_worker.py", self.directory)
        self.certificate = self.authority.certificate("*.chaos.test")
        self.sites = [Site(number) for number in range(count)]
        self.busy = self.sites[:busy]
        self.folder = self.directory / "sites.d"
        self.folder.mkdir()
        for site in self.sites:
            self.write_site(site)
        self.settings["include"] = [f"{self.folder}/*.json"]

    def write_site(self, site, version=0):
        path = self.folder / f"{site.number:05}.json"
        path.with_suffix(".new").write_text(site.content(self, version), encoding="ascii")
        os.replace(path.with_suffix(".new"), path)


class Load:
    """The clients. `forgiving`: a connection that died between two requests is no failure, as to any
    client (RFC 9112 9.3.1)."""

    def __init__(self, dmpm, seed, forgiving=False):
        self.dmpm, self.seed, self.forgiving = dmpm, seed, forgiving
        self.stopping, self.lock = threading.Event(), threading.Lock()
        self.counts = collections.Counter()
        self.wrong, self.refused, self.failed = [], [], []
        self.threads = [threading.Thread(target=self.run, args=(self.http1, n))
                        for n in range(H1_CLIENTS)]
        self.threads += [threading.Thread(target=self.run, args=(self.http2, H1_CLIENTS + n))
                         for n in range(H2_CLIENTS)]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        eventually(lambda: self.counts["h1"] and self.counts["h2"], "both protocols are served", 60)
        return self

    def __exit__(self, *_):
        self.stopping.set()
        for thread in self.threads:
            thread.join()

    def run(self, client, number):
        try:
            client(number, random.Random(self.seed * 1000 + number))
        except Exception as error:  # pylint: disable=broad-except
            self.note(self.wrong, f"client {number} broke: {error!r}")
            raise

    def note(self, where, what):
        with self.lock:
            where.append(what)

    def fail(self, start, site, what, since=None):
        """`since`: when its connection was made, when it ended with that."""
        self.note(self.failed, Failure(start, time.monotonic(), since or start, site.host, what))

    def connect(self, make):
        """A connection, or None when the handshake broke."""
        start = time.monotonic()
        while True:
            try:
                return make()
            except ConnectionRefusedError as error:
                self.note(self.refused, (start, repr(error)))
                time.sleep(0.05)
            except OSError as error:
                self.note(self.failed, Failure(start, time.monotonic(), start, "",
                                               f"handshake: {error!r}"))
                return None

    def next(self, generator, number, serial):
        site = generator.choice(self.dmpm.busy)
        return site, f"<{number}.{serial}-{generator.randrange(1 << 40):010x}>"

    def right(self, site, token, status, field, body):
        return (status == 200 and field("x-token") == token and field("x-host") == site.host and
                field("x-uid") == str(uid(site.user)) and body == token.encode())

    def judge(self, protocol, start, site, token, answer, status, field, body):
        if self.right(site, token, status, field, body):
            with self.lock:
                self.counts[protocol] += 1
        elif status in (502, 503, 504) and field("x-error-id") and not field("x-token") and \
                b"<" + token.split(".", maxsplit=1)[0][1:].encode() + b"." not in body:
            self.fail(start, site, f"{protocol} status {status}")
        else:
            self.note(self.wrong, f"{protocol} {site.host} {token}: {answer!r}")

    # -- HTTP/1.1: one request after the other, on one connection as long as the server likes --

    def http1(self, number, generator):
        connection, serial, reused, since = None, 0, False, 0
        while not self.stopping.is_set():
            if connection is None:
                since = time.monotonic()
                connection = self.connect(lambda: self.dmpm.connect(self.dmpm.busy[0].host))
                reused = False
                continue
            serial += 1
            site, token = self.next(generator, number, serial)
            start = time.monotonic()
            path = generator.choice(("/length", "/chunked"))
            try:
                answer = connection.get(site.host, path, headers=[("X-Token", token)])
            except OSError as error:
                if not (self.forgiving and reused and not connection.buffer):
                    self.fail(start, site, f"h1 {error!r}", since)
                connection.close()
                connection = None
                continue
            self.judge("h1", start, site, token, answer, answer.status, answer.header, answer.body)
            reused = True
            if answer.header("connection") == "close":
                connection.close()
                connection = None
        if connection:
            connection.close()

    # -- HTTP/2: several at once; after a GOAWAY what the server did not take is asked again --

    def http2(self, number, generator):
        connection, serial, asked, since = None, 0, {}, 0
        while True:
            if connection is None:
                if self.stopping.is_set():
                    return
                since = time.monotonic()
                connection, asked = self.connect(
                    lambda: h2.Connection(self.dmpm, self.dmpm.busy[0].host)), {}
                continue
            going = connection.goaway is not None or self.stopping.is_set()
            try:
                while not going and len(asked) < STREAMS:
                    serial += 1
                    site, token = self.next(generator, number, serial)
                    start = time.monotonic()
                    stream = connection.open("GET", site.host, "/length", [("x-token", token)])
                    asked[stream] = (start, site, token)
                if asked:
                    connection.read()
            except OSError:
                connection.closed = True
            for stream in [s for s in asked if connection.stream(s).over]:
                self.judge_stream(connection.stream(stream), *asked.pop(stream))
            if connection.goaway is not None:
                last = self.last_taken(connection)
                asked = {s: what for s, what in asked.items() if s <= last}
            if connection.closed:
                for start, site, _ in asked.values():
                    self.fail(start, site, "h2 connection lost", since)
            if connection.closed or (going and not asked):
                connection.close()
                connection, asked = None, {}

    @staticmethod
    def last_taken(connection):
        return connection.goaways[-1][0]

    def judge_stream(self, stream, start, site, token):
        if stream.reset is not None:
            return self.fail(start, site, f"h2 reset {stream.reset}")
        return self.judge("h2", start, site, token, stream, int(stream.status), stream.field,
                          bytes(stream.body))


def finish(name, load, started, acts, kills=()):
    """`kills`: see Failure.met()."""
    return Result(name, time.monotonic() - started, acts, load.counts, load.wrong, load.refused,
                  load.failed, [f for f in load.failed if not any(f.met(kill) for kill in kills)])


# ---- the scenarios ---------------------------------------------------------------------------------


def reloads(seconds, seed=0, sites=1000):
    """A reload every second that changes 1 of 1,000 sites, those with requests among them."""
    generator = random.Random(seed)
    with ManySites(sites, 12) as dmpm, Load(dmpm, seed) as load:
        started, count = time.monotonic(), 0
        while (left := started + seconds - time.monotonic()) > 0:
            count += 1
            # Every second time one that is busy.
            site = generator.choice(dmpm.busy if count % 2 else dmpm.sites)
            dmpm.write_site(site, count)
            answer = dmpm.command("reload")
            if answer.returncode != 0 or "reload done: 1 groups changed" not in answer.stdout:
                load.note(load.wrong, f"reload: {answer}")
            load.stopping.wait(min(left, max(0, started + count - time.monotonic())))
        load.__exit__()
        return finish("reload", load, started, f"{count} reloads of {sites} sites")


def kills(seconds, seed=0):
    """kill -9 of something each second: a worker, a dispatcher of two, the keyholder, the logger."""
    generator, killed, times = random.Random(seed), collections.Counter(), []
    with ManySites(12, 12, dispatchers=2) as dmpm, Load(dmpm, seed, forgiving=True) as load:
        started = time.monotonic()
        while (left := started + seconds - time.monotonic()) > 0:
            victims = {"worker": dmpm.workers()}
            for service in ("dispatcher", "keyholder", "logger"):
                victims[service] = dmpm.services(service)
            kind = generator.choice([kind for kind, pids in victims.items() if pids])
            pid = generator.choice(victims[kind])
            before = time.monotonic()
            try:
                os.kill(pid, signal.SIGKILL)
                killed[kind] += 1
            except ProcessLookupError:
                pass
            # Its memory goes first, its sockets after that: with a sanitizer's, much later.
            eventually(lambda pid=pid: harness.has_gone(pid), f"{kind} {pid} has gone")
            times.append((before, time.monotonic()))
            load.stopping.wait(min(left, 1))
        load.__exit__()
        acts = ", ".join(f"{count} × {kind}" for kind, count in sorted(killed.items()))
        return finish("kill -9", load, started, acts, times)


def upgrades(seconds, seed=0):
    """An upgrade every six seconds: 20 in two minutes."""
    with ManySites(12, 12, dispatchers=2) as dmpm, Load(dmpm, seed) as load:
        workers = set(eventually(lambda: len(dmpm.workers()) == len(dmpm.busy) and dmpm.workers(),
                                 "every site has its worker", 60))
        started, count = time.monotonic(), 0
        while time.monotonic() < started + seconds:
            count += 1
            answer = dmpm.command("upgrade")
            if answer.returncode != 0:
                load.note(load.wrong, f"upgrade: {answer}")
            load.stopping.wait(max(0, started + 6 * count - time.monotonic()))
        if set(dmpm.workers()) != workers:
            load.note(load.wrong, "workers did not survive the upgrades")
        load.__exit__()
        return finish("upgrade", load, started, f"{count} upgrades")


SCENARIOS = {"reload": reloads, "kill": kills, "upgrade": upgrades}
