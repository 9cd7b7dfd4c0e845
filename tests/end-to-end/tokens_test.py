#!/usr/bin/python3
"""No answer ever belongs to another request, whichever workers die when.

Connections switch among the sites of three customers, with bodies, pipelined; every request and every
answer carries a token in its head and all through its body. Meanwhile workers are killed at random.

tokens_test.py [--seconds N] [--seed N]: 10 seconds and a new seed unless told.
"""
import argparse
import collections
import os
import random
import shutil
import signal
import sys
import threading
import time
import unittest

import harness
from harness import ALICE, BOB, CAROL, Dmpm, group, uid

CLIENTS = 12
SITES = {"a.test": ("alice", ALICE), "b.test": ("bob", BOB), "c.test": ("carol", CAROL)}
OPTIONS = argparse.Namespace(seconds=10, seed=random.randrange(1 << 30))


class Request:
    def __init__(self, generator, name):
        self.host = generator.choice(list(SITES))
        self.token = f"<{name}-{self.host}-{generator.randrange(1 << 40):010x}>"
        self.path = "/" + generator.choice(("length", "length", "chunked", "close"))
        self.method = generator.choice(("GET", "POST", "PUT"))
        repeat = 0 if self.method == "GET" else generator.choice((0, 1, 3, 50, 50, 1500))
        self.body = self.token.encode() * repeat
        self.chunked = generator.random() < 0.5
        self.expected_body = self.body or self.token.encode()
        self.wire = self.make_wire(generator)

    def make_wire(self, generator):
        head = f"{self.method} {self.path} HTTP/1.1\r\nHost: {self.host}\r\nX-Token: {self.token}\r\n"
        if self.method == "GET":
            return head.encode() + b"\r\n"
        if not self.chunked:
            return f"{head}Content-Length: {len(self.body)}\r\n\r\n".encode() + self.body
        wire, rest = f"{head}Transfer-Encoding: chunked\r\n\r\n".encode(), self.body
        while rest:
            size = generator.randrange(1, 20_000)
            wire += b"%x\r\n%s\r\n" % (len(rest[:size]), rest[:size])
            rest = rest[size:]
        return wire + b"0\r\n\r\n"


class Client:
    def __init__(self, test, number):
        self.test, self.number, self.counts = test, number, collections.Counter()
        self.random = random.Random(OPTIONS.seed * 1000 + number)
        self.wrong, self.serial = [], 0
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self):
        connection = self.connect()
        while not self.test.stopping.is_set():
            try:
                self.burst(connection)
            except OSError as error:
                self.counts["broken connections"] += 1
                self.counts[type(error).__name__] += 1
                connection.close()
                connection = self.connect()
        connection.close()

    def connect(self):
        return self.test.dmpm.connect(self.random.choice(list(SITES)))

    def burst(self, connection):
        """Some requests at once, then their answers."""
        requests = []
        for _ in range(self.random.choice((1, 1, 2, 3, 6))):
            self.serial += 1
            requests.append(Request(self.random, f"{self.number}.{self.serial}"))
        wire = b"".join(request.wire for request in requests)
        self.counts["requests"] += len(requests)
        # In odd pieces, too.
        cut = self.random.randrange(len(wire)) if self.random.random() < 0.3 else 0
        connection.send(wire[:cut])
        connection.send(wire[cut:])
        for request in requests:
            answer = connection.answer(request.method)
            self.counts[answer.status] += 1
            self.judge(request, answer)
            if answer.header("connection") == "close":
                raise ConnectionError("closed as announced")

    def judge(self, request, answer):
        if answer.status == 200:
            user = SITES[request.host][1]
            right = (answer.all_headers("x-token") == [request.token] and
                     answer.body == request.expected_body and
                     answer.header("x-uid") == str(uid(user)) and
                     answer.header("x-host") == request.host)
        else:
            # dmpm's own: of no request, so nothing of any may be in it.
            right = answer.status in (502, 503) and answer.header("x-error-id") and \
                answer.header("x-token") is None and b"<" + b"%d." % self.number not in answer.body
        if not right:
            self.wrong.append(f"{request.method} {request.path} {request.token}: {answer!r}")


class Tokens(unittest.TestCase):
    def kill_workers(self):
        generator, killed = random.Random(OPTIONS.seed), collections.Counter()
        end = time.monotonic() + OPTIONS.seconds
        while time.monotonic() < end:
            time.sleep(generator.uniform(0.1, 0.6))
            host = generator.choice(list(SITES))
            for worker in self.dmpm.workers(SITES[host][1]):
                # One that dies young is a crash loop, and would only be made to wait.
                if harness.age(worker) > 1.1:
                    os.kill(worker, signal.SIGKILL)
                    killed[host] += 1
        return killed

    def test_every_answer_belongs_to_its_request(self):
        groups = {name: group(user, ["/usr/bin/python3", "-IS", "{top}/token_worker.py"])
                  for name, user in SITES.values()}
        self.dmpm = Dmpm(groups=groups, hosts={host: name for host, (name, _) in SITES.items()})
        shutil.copy(harness.HERE / "token_worker.py", self.dmpm.directory)
        self.stopping = threading.Event()
        print(f"\nseed {OPTIONS.seed}, {OPTIONS.seconds} s", flush=True)
        with self.dmpm:
            clients = [Client(self, number) for number in range(CLIENTS)]
            try:
                killed = self.kill_workers()
            finally:
                self.stopping.set()
                for client in clients:
                    client.thread.join()
            logs = "".join(path.read_text(errors="replace")
                           for path in self.dmpm.logs.glob("workers/*.log"))
        counts = sum((client.counts for client in clients), collections.Counter())
        print(f"workers killed: {dict(killed)}; {dict(counts)}")
        self.assertEqual([wrong for client in clients for wrong in client.wrong], [])
        self.assertNotIn("MIXED UP", logs)
        self.assertGreater(counts[200], 100 * OPTIONS.seconds / 10)
        self.assertGreater(sum(killed.values()), 0)


def parse_options():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=OPTIONS.seconds)
    parser.add_argument("--seed", type=int, default=OPTIONS.seed)
    _, rest = parser.parse_known_args(namespace=OPTIONS)
    sys.argv[1:] = rest


if __name__ == "__main__":
    parse_options()
    harness.main()
