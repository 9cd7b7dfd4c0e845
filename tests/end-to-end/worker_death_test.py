#!/usr/bin/python3
"""kill -9 of a worker in the middle of load costs at most what it was answering."""
import os
import signal
import threading
import unittest

import harness
from harness import ALICE, BOB, Dmpm, eventually, uid

CLIENTS = 16
KILLS = 3


class Load:
    """Clients that ask without end; counts what they get."""

    def __init__(self, dmpm):
        self.dmpm, self.stopping = dmpm, threading.Event()
        self.served, self.failed, self.wrong = 0, [], []
        self.lock = threading.Lock()
        self.threads = [threading.Thread(target=self.ask, args=(n,)) for n in range(CLIENTS)]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.stopping.set()
        for thread in self.threads:
            thread.join()

    def ask(self, number):
        expected = {"a.test": uid(ALICE), "b.test": uid(BOB)}
        client = self.dmpm.connect()
        i = 0
        while not self.stopping.is_set():
            i += 1
            host, token = ("a.test", "b.test")[i % 2], f"{number}-{i}"
            try:
                answer = client.get(host, f"/?{token}", headers=[("X-Token", token)])
            except OSError as error:
                client.close()
                client = self.dmpm.connect()
                with self.lock:
                    self.failed.append((host, repr(error)))
                continue
            with self.lock:
                if answer.status != 200:
                    self.failed.append((host, answer.line))
                elif answer.header("x-token") != token or answer.json()["uid"] != expected[host]:
                    self.wrong.append((host, token, answer))
                else:
                    self.served += 1
        client.close()


class WorkerDeath(unittest.TestCase):
    def test_kill_9_under_load(self):
        with Dmpm() as dmpm, Load(dmpm) as load:
            for kill in range(KILLS):
                target = load.served + 200
                eventually(lambda: load.served > target, "requests are served")
                (victim,) = dmpm.workers(ALICE)
                # One that dies young is a crash loop, and made to wait.
                eventually(lambda: harness.age(victim) > 1.1, "the worker has grown up")
                failed = len(load.failed)
                os.kill(victim, signal.SIGKILL)
                eventually(lambda: dmpm.workers(ALICE) not in ([], [victim]), "a new worker")
                target = load.served + 200
                eventually(lambda: load.served > target, "requests are served again")
                # At most one request of each client was with the worker that died.
                self.assertLessEqual(len(load.failed) - failed, CLIENTS, load.failed[failed:][:40])
                self.assertEqual(load.wrong, [], f"after kill {kill}")
            self.assertEqual([f for f in load.failed if f[0] != "a.test"], [])

    def test_a_worker_killed_while_idle_is_not_noticed(self):
        with Dmpm() as dmpm, dmpm.connect() as client:
            first = client.get("a.test").json()["pid"]
            os.kill(first, signal.SIGKILL)
            answer = client.get("a.test")
            self.assertEqual(answer.status, 200, answer)
            self.assertNotEqual(answer.json()["pid"], first)

    def test_one_that_hangs_in_its_start_is_replaced(self):
        """Under traffic, so that it is never idle."""
        program = '[ -e mended ] || exec sleep 1000; exec /usr/bin/python3 -IS "$0"'
        groups = {"alice": harness.group(ALICE, ["/bin/sh", "-c", program, "{top}/worker.py"],
                                         start_timeout="300ms")}
        with Dmpm(groups=groups, hosts={"a.test": "alice"}) as dmpm, dmpm.connect() as client:
            self.assertEqual(client.get("a.test").status, 504)
            (hung,) = dmpm.workers(ALICE)
            (dmpm.home("alice") / "mended").touch()
            eventually(lambda: client.get("a.test").status == 200, "a fresh worker answers")
            eventually(lambda: harness.has_gone(hung), "the other one has gone")


if __name__ == "__main__":
    harness.main()
