#!/usr/bin/python3
"""A customer's program cannot hold up the dispatcher by descriptors that it sends along with answers: the kernel
closes here what nobody takes, and a close() may wait as long as whoever prepared it likes."""
import shutil
import unittest

import harness
from harness import ALICE, BOB, Dmpm, eventually, group, python_worker

RECENT = tuple(int(part) for part in harness.run("uname", "-r").stdout.split("-")[0].split(".")[:2]) >= (6, 16)


class PassedDescriptors(unittest.TestCase):
    def test_the_others_are_served(self):
        groups = {"alice": group(ALICE, ["/usr/bin/python3", "-IS", "{top}/passing_worker.py",
                                         "{home}/outcome"]),
                  "bob": python_worker(BOB)}
        dmpm = Dmpm(groups=groups, hosts=harness.TWO_HOSTS)
        shutil.copy(harness.HERE / "passing_worker.py", dmpm.directory)
        with dmpm, dmpm.connect() as client, dmpm.connect() as other:
            other.get("b.test")
            outcome = dmpm.home("alice") / "outcome"
            client.send_request("GET", "a.test", "/")
            eventually(outcome.exists, "the queue is full, or sending was refused")
            said = outcome.read_text(encoding="ascii")
            # What is queued is read, and closed, from here on.
            answer = client.answer()
            self.assertEqual(other.get("b.test").status, 200)
            self.assertEqual(dmpm.get("b.test").status, 200)
            self.assertEqual((answer.status, len(answer.body)), (200, 16384 * 400))
            if RECENT:
                self.assertEqual(said, "refused")
            else:
                self.assertRegex(said, r"^sent \d+$")


if __name__ == "__main__":
    harness.main()
