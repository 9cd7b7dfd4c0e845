#!/usr/bin/python3
"""Every attack of http2_attacks*.py, in short: its connections end as its class says, others are served
meanwhile, what it held is given back, and nothing hangs. How much others feel of it is measured by
scripts/attack-http2.
"""
import json
import subprocess
import sys
import unittest

import harness
import http2_attacker
from client_sockets import client_sockets
from harness import HERE, eventually
from http2_site import Site
from memory import HTTP2_CONNECTION_KB, HTTP2_SHARED_KB, Watch, bounded, resident

CONNECTIONS = 3
ENDED = 3       # so many connections of an attacker must be ended by the server
PATIENCE = 30   # seconds for that, under a sanitizer on a busy machine
WITHIN_LIMITS = 0.5  # seconds that an attack lasts whose connections are not to be ended


def source_of(name):
    """An address of the attack's own: whoever was ended has to wait before he comes back."""
    return f"127.3.{sorted(http2_attacker.attacks()).index(name) + 1}.1"


class Attacker:
    """The process that attacks; it ends by itself."""

    def __init__(self, name, attack, port):
        how_long = ["--seconds", PATIENCE, "--enough", ENDED] if attack.ends else \
            ["--seconds", WITHIN_LIMITS]
        self.process = subprocess.Popen(
            [sys.executable, "-B", HERE / "http2_attacker.py", name, "--port", str(port),
             "--connections", str(CONNECTIONS), "--source", source_of(name),
             *map(str, how_long)],
            stdout=subprocess.PIPE, text=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()

    def running(self):
        return self.process.poll() is None

    def ends(self):
        """{how a connection ended: how many}."""
        return json.loads(self.process.stdout.read())["ends"]


class Attacks(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.dmpm = Site().__enter__()
        (cls.dispatcher,) = cls.dmpm.services("dispatcher")
        cls.client = cls.dmpm.connect("b.test")
        cls.ask(cls.client)
        cls.size = resident(cls.dispatcher)

    @classmethod
    def tearDownClass(cls):
        cls.client.close()
        cls.dmpm.__exit__(None, None, None)

    @classmethod
    def ask(cls, client):
        answer = client.get("b.test")
        if answer.status != 200:
            raise AssertionError(answer)

    def play(self, name, attack):
        with Watch(self.dispatcher) as watch, Attacker(name, attack, self.dmpm.port) as attacker:
            while attacker.running():
                self.ask(self.client)
                with self.dmpm.connect("b.test") as newcomer:
                    self.ask(newcomer)
            ends = attacker.ends()
        self.check_ends(attack, ends)
        eventually(lambda: client_sockets(self.dispatcher) == 1, f"{name} has gone: {ends}")
        if bounded():
            self.assertLess(watch.grown, HTTP2_SHARED_KB + CONNECTIONS * HTTP2_CONNECTION_KB, str(watch))
            eventually(lambda: resident(self.dispatcher) - self.size < HTTP2_SHARED_KB,
                       "memory is given back")

    def check_ends(self, attack, ends):
        ended = {end: count for end, count in ends.items() if end.startswith("goaway")}
        if not attack.ends:
            self.assertEqual(ended, {}, ends)
            return
        self.assertEqual(set(ended), {f"goaway {attack.code}"}, ends)
        self.assertGreaterEqual(sum(ended.values()), ENDED, ends)


def add_tests():
    """One test for each attack, named after it."""
    for name, attack in http2_attacker.attacks().items():
        def test(self, name=name, attack=attack):
            self.play(name, attack)
        test.__doc__ = attack.about()
        setattr(Attacks, f"test_{name}", test)


add_tests()

if __name__ == "__main__":
    harness.main()
