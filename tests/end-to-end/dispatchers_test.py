#!/usr/bin/python3
"""Several dispatchers share the load, and the death of one costs at most what it had in flight."""
import os
import signal
import threading
import unittest

import harness
from harness import ALICE, Dmpm, eventually


def two(processes=2):
    return {"processes": processes, "user": harness.PROXY, "group": harness.PROXY}


def connections(pid):
    """How many TCP connections a process has, besides its listeners."""
    mine = {text for text in harness.descriptors(pid).values() if text.startswith("socket:")}
    found = 0
    with open("/proc/net/tcp", encoding="ascii") as file:
        for line in list(file)[1:]:
            fields = line.split()
            found += fields[3] == "01" and f"socket:[{fields[9]}]" in mine
    return found


class Asking:
    """Clients that ask, each on a new connection; strict: nothing is tried twice."""

    def __init__(self, dmpm, count=8):
        self.dmpm, self.stopping = dmpm, threading.Event()
        self.served, self.refused, self.failed = 0, [], []
        self.threads = [threading.Thread(target=self.ask) for _ in range(count)]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.stopping.set()
        for thread in self.threads:
            thread.join()

    def ask(self):
        while not self.stopping.is_set():
            try:
                assert self.dmpm.get("a.test").status == 200
                self.served += 1
            except ConnectionRefusedError as error:
                self.refused.append(error)
            except OSError as error:
                self.failed.append(error)


class Dispatchers(unittest.TestCase):
    def test_they_share_the_load(self):
        with Dmpm(dispatcher=two()) as dmpm:
            self.assertEqual(len(dmpm.services("dispatcher")), 2)
            clients = [dmpm.connect() for _ in range(60)]
            workers = {client.get("a.test").json()["pid"] for client in clients}
            shares = [connections(pid) for pid in dmpm.services("dispatcher")]
            for client in clients:
                client.close()
            self.assertEqual(len(workers), 1)  # both use the same one
            self.assertGreater(min(shares), 5, shares)

    def test_kill_9_of_one_refuses_nobody(self):
        with Dmpm(dispatcher=two()) as dmpm, Asking(dmpm) as asking:
            for _ in range(3):
                target = asking.served + 50
                eventually(lambda: asking.served > target, "requests are served")
                victim, other = dmpm.services("dispatcher")
                failed = len(asking.failed)
                os.kill(victim, signal.SIGKILL)
                eventually(lambda: len(dmpm.services("dispatcher")) == 2 and
                           victim not in dmpm.services("dispatcher"), "a successor")
                target = asking.served + 50
                eventually(lambda: asking.served > target, "requests are served again")
                self.assertIn(other, dmpm.services("dispatcher"))
                self.assertLessEqual(len(asking.failed) - failed, len(asking.threads))
            self.assertEqual(asking.refused, [])

    def test_an_idle_worker_goes_when_both_have_let_go(self):
        with Dmpm(dispatcher=two(), groups=harness.two_sites(idle_timeout="300ms")) as dmpm:
            clients = [dmpm.connect() for _ in range(20)]
            for client in clients:
                client.get("a.test")
            eventually(lambda: not dmpm.workers(ALICE), "the idle worker has gone")
            for client in clients:
                self.assertEqual(client.get("a.test").status, 200)
                client.close()

    def test_one_for_each_cpu(self):
        with Dmpm(dispatcher=two("auto")) as dmpm:
            self.assertEqual(len(dmpm.services("dispatcher")), len(os.sched_getaffinity(0)))

    def test_their_number_changes_in_place(self):
        with Dmpm(dispatcher=two(1)) as dmpm, Asking(dmpm, 4) as asking:
            worker = dmpm.get("a.test").json()["pid"]
            for processes in (3, 1, 2):
                before = set(dmpm.services("dispatcher"))
                dmpm.settings["dispatcher"] = two(processes)
                dmpm.write_config()
                answer = dmpm.command("reload")
                self.assertEqual(answer.returncode, 0, answer)
                eventually(lambda: len(dmpm.services("dispatcher")) == processes and
                           not before & set(dmpm.services("dispatcher")), "the new dispatchers alone")
                target = asking.served + 50
                eventually(lambda: asking.served > target, "requests are served")
            self.assertEqual(dmpm.get("a.test").json()["pid"], worker)
            self.assertEqual((asking.refused, asking.failed), ([], []))


if __name__ == "__main__":
    harness.main()
