#!/usr/bin/python3
"""What workers and dmpm say ends in the right file, and SIGUSR1 moves on to new files."""
import re
import signal
import unittest

import harness
from harness import ALICE, BOB, Dmpm, eventually, python_worker

STAMPED = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z ")


class Logs(unittest.TestCase):
    def test_each_groups_lines_in_its_own_file(self):
        with Dmpm() as dmpm, dmpm.connect() as client:
            client.get("a.test", "/write-stderr?from%20alice%1b%5b31m")
            client.get("b.test", "/write-stderr?from%20bob%0aforged")
            eventually(lambda: "from alice\\x1b[31m\n" in dmpm.log_text("workers/alice.log"), "alice's")
            eventually(lambda: " forged\n" in dmpm.log_text("workers/bob.log"), "bob's")
            self.assertNotIn("bob", dmpm.log_text("workers/alice.log"))
            for name in ("dmpm.log", "workers/alice.log", "workers/bob.log"):
                for line in dmpm.log_text(name).splitlines():
                    self.assertRegex(line, STAMPED)

    def test_reopen(self):
        with Dmpm() as dmpm, dmpm.connect() as client:
            client.get("a.test", "/write-stderr?old")
            eventually(lambda: " old\n" in dmpm.log_text("workers/alice.log"), "the old line")
            for name in ("dmpm.log", "workers/alice.log"):
                (dmpm.logs / name).rename(dmpm.logs / f"{name}.1")
            dmpm.signal(signal.SIGUSR1)
            eventually(lambda: "reopened" in dmpm.log_text(), "the new dmpm.log")
            client.get("a.test", "/write-stderr?new")
            eventually(lambda: " new\n" in dmpm.log_text("workers/alice.log"), "the new line")
            self.assertNotIn(" old\n", dmpm.log_text("workers/alice.log"))

    def test_last_words_of_a_worker_that_dies_at_its_start(self):
        groups = {"alice": python_worker(ALICE, "--exit-at-start"), "bob": python_worker(BOB)}
        with Dmpm(groups=groups) as dmpm:
            self.assertIn(dmpm.get("a.test").status, (502, 503))
            eventually(lambda: "as told, ends at the start" in dmpm.log_text("workers/alice.log"),
                       "the reason in the group's log")

    def test_a_flood_of_one_site_is_capped_and_another_is_heard(self):
        with Dmpm() as dmpm, dmpm.connect() as client:
            lines = "%0a".join(["flood"] * 1000)
            for _ in range(20):
                self.assertEqual(client.get("a.test", f"/write-stderr?{lines}").status, 200)
            client.get("b.test", "/write-stderr?quiet")
            eventually(lambda: " quiet\n" in dmpm.log_text("workers/bob.log"), "bob's line")
            eventually(lambda: " lines dropped: " in dmpm.log_text("workers/alice.log"), "the report")


if __name__ == "__main__":
    harness.main()
