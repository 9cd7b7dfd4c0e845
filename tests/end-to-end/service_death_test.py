#!/usr/bin/python3
"""A dispatcher or logger that dies is replaced, and dmpm serves on."""
import os
import signal
import unittest

import harness
from harness import ALICE, Dmpm, eventually


class ServiceDeath(unittest.TestCase):
    def test_a_killed_dispatcher_is_replaced(self):
        with Dmpm() as dmpm:
            worker = dmpm.get("a.test").json()["pid"]
            (old,) = dmpm.services("dispatcher")
            os.kill(old, signal.SIGKILL)
            # The listening socket is the master's: connections wait, none is refused.
            answer = dmpm.get("a.test")
            self.assertEqual(answer.status, 200)
            self.assertNotEqual(dmpm.services("dispatcher"), [old])
            self.assertEqual(answer.json()["pid"], worker)
            self.assertEqual(dmpm.get("b.test").status, 200)

    def test_a_worker_of_a_dead_dispatcher_still_stops_when_idle(self):
        with Dmpm(groups=harness.two_sites(idle_timeout="300ms")) as dmpm:
            dmpm.get("a.test")
            os.kill(dmpm.services("dispatcher")[0], signal.SIGKILL)
            eventually(lambda: not dmpm.workers(ALICE), "the idle worker has gone")
            self.assertEqual(dmpm.get("a.test").status, 200)

    def test_a_killed_logger_is_replaced_and_loses_nothing_of_the_workers(self):
        with Dmpm() as dmpm, dmpm.connect() as client:
            client.get("a.test", "/write-stderr?before")
            eventually(lambda: " before\n" in dmpm.log_text("workers/alice.log"), "the first line")
            (old,) = dmpm.services("logger")
            os.kill(old, signal.SIGKILL)
            for i in range(50):
                self.assertEqual(client.get("a.test", f"/write-stderr?line{i}").status, 200)
            eventually(lambda: dmpm.services("logger") not in ([], [old]), "a new logger")
            eventually(lambda: " line49\n" in dmpm.log_text("workers/alice.log"), "the last line")
            text = dmpm.log_text("workers/alice.log")
            for i in range(50):
                self.assertEqual(text.count(f" line{i}\n"), 1)


if __name__ == "__main__":
    harness.main()
