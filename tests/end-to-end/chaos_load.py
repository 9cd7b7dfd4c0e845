"""The verified stream of requests that chaos.py runs while it does its worst: sites, clients, results.

Every answer is checked for its request's token, its customer's user id and its host. What goes wrong is
one of three: `wrong` (an answer that is not the request's: must never be), `refused` (no connection: must
never be) and `failed` (no answer, or an error page).
"""
import collections
import dataclasses
import json
import os
import random
import shutil
import threading
import time

import harness
from chaos_clients import Failure, Http1, Http2, Instant
from harness import ALICE, BOB, CAROL, Dmpm, eventually, group, uid

USERS = (ALICE, BOB, CAROL)
H1_CLIENTS, H2_CLIENTS, STREAMS = 6, 2, 6
RACE_IDLE = 0.1   # seconds, of sites whose idle stops are raced


@dataclasses.dataclass
class Site:
    number: int
    idle_timeout: str = "60s"

    @property
    def user(self):
        return USERS[self.number % len(USERS)]

    @property
    def host(self):
        return f"s{self.number}.chaos.test"

    def content(self, dmpm, version=0):
        """Its site file."""
        worker = group(self.user, ["/usr/bin/python3", "-IS", f"{dmpm.directory}/token_worker.py"],
                       idle_timeout=self.idle_timeout)
        worker["worker"]["directory"] = "/"
        worker["worker"]["environment"] = {"VERSION": str(version)}
        return json.dumps({
            "groups": {f"g{self.number}": worker},
            "virtual_hosts": [{"names": [self.host], "group": f"g{self.number}",
                               "tls": dmpm.certificate}]})


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
    flat: object = None  # chaos_soak.Flatness, where that was looked at

    def row(self):
        return (f"| {self.scenario} | {self.seconds:.0f} s | {self.acts} | {self.counts['h1']} | "
                f"{self.counts['h2']} | {len(self.wrong)} | {len(self.refused)} | {len(self.failed)} | "
                f"{len(self.unexplained)} |")

    HEAD = ("| scenario | time | what was done | HTTP/1.1 answers | HTTP/2 answers | wrong | refused | "
            "failed | of them not in flight in what was killed |\n"
            "|---|---|---|---|---|---|---|---|---|")


class ManySites(Dmpm):
    """`count` customers' sites, each in a file of its own; only those in `busy` are asked for by all.
    Each of `racing` more has a client of its own, which races its idle stops."""

    def __init__(self, count, busy, racing=0, dispatchers=1, **options):
        super().__init__(groups=options.pop("groups", {}), hosts=options.pop("hosts", {}),
                         dispatcher={"processes": dispatchers, "user": harness.PROXY,
                                     "group": harness.PROXY}, **options)
        shutil.copy(harness.HERE / "token_worker.py", self.directory)
        self.certificate = self.authority.certificate("*.chaos.test")
        self.sites = [Site(number) for number in range(count)]
        self.busy = self.sites[:busy]
        self.racing = [Site(count + number, f"{RACE_IDLE * 1000:.0f}ms") for number in range(racing)]
        self.folder = self.directory / "sites.d"
        self.folder.mkdir()
        for site in self.sites + self.racing:
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
        jobs = [self.http1] * H1_CLIENTS + [self.http2] * H2_CLIENTS + [self.race] * len(dmpm.racing)
        self.threads = [threading.Thread(target=self.run, args=(job, number))
                        for number, job in enumerate(jobs)]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        eventually(lambda: self.counts["h1"] and self.counts["h2"], "both protocols are served", 60)
        return self

    def __exit__(self, *_):
        self.stopping.set()
        for thread in self.threads:
            thread.join()

    def run(self, job, number):
        try:
            job(number, random.Random(self.seed * 1000 + number))
        except Exception as error:  # pylint: disable=broad-except
            self.note(self.wrong, f"client {number} broke: {error!r}")
            raise

    # -- what the clients do --

    def http1(self, number, generator):
        """One request after the other, on one connection as long as the server likes."""
        client = Http1(self, number, generator)
        while not self.stopping.is_set():
            client.ask(generator.choice(self.dmpm.busy))
        client.close()

    def http2(self, number, generator):
        """Several at once; after a GOAWAY what the server did not take is asked again."""
        client = Http2(self, number, generator)
        while not self.stopping.is_set():
            while client.ready() and len(client.asked) < STREAMS:
                client.open(generator.choice(self.dmpm.busy))
            client.read()
        client.finish()

    def race(self, number, generator):
        """Asks its own site in the instant in which its idle worker is stopped."""
        site = self.dmpm.racing[number - H1_CLIENTS - H2_CLIENTS]
        client = (Http1, Http2)[number % 2](self, number, generator)
        instant, worker = Instant(), None
        while not self.stopping.is_set():
            answered = client.burst(site)
            if worker is not None and answered is not None:
                stopped = worker != answered
                instant.learn(stopped)
                with self.lock:
                    self.counts["stopped" if stopped else "kept"] += 1
            worker = answered
            self.stopping.wait(instant.next(time.monotonic() + RACE_IDLE) - time.monotonic())
        client.finish()

    # -- judging --

    def note(self, where, what):
        with self.lock:
            where.append(what)

    def fail(self, start, site, what, client=None):
        """`client`: whose connection has ended with it."""
        since, heard = (client.since, client.heard) if client else (start, float("inf"))
        self.note(self.failed, Failure(start, time.monotonic(), since, site.host, what, heard))

    def right(self, site, token, status, field, body):
        return (status == 200 and field("x-token") == token and field("x-host") == site.host and
                field("x-uid") == str(uid(site.user)) and body == token.encode())

    def judge(self, protocol, start, site, token, answer, status, field, body):
        """The worker that answered, if it is right."""
        if self.right(site, token, status, field, body):
            with self.lock:
                self.counts[protocol] += 1
            return field("x-pid")
        if status in (502, 503, 504) and field("x-error-id") and not field("x-token") and \
                b"<" + token.split(".", maxsplit=1)[0][1:].encode() + b"." not in body:
            self.fail(start, site, f"{protocol} status {status}, {field('x-error-id')}")
        else:
            self.note(self.wrong, f"{protocol} {site.host} {token}: {answer!r}")
        return None
