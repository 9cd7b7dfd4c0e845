#!/usr/bin/python3
"""A group's workers: more under load, fewer when it is over, replaced when they are spent, kept warm
while there is memory, and with every process of theirs gone when they are."""
import re
import signal
import unittest

import harness
from harness import ALICE, BOB, Dmpm, eventually, two_sites


class Scaling(unittest.TestCase):
    def test_more_under_load_and_fewer_afterwards(self):
        groups = two_sites(idle_timeout="2s", max_workers=3, requests_at_once=1)
        with Dmpm(groups=groups) as dmpm:
            home = dmpm.home("alice")
            clients = [dmpm.connect() for _ in range(7)]
            for number, client in enumerate(clients):
                client.send_request("GET", "a.test", f"/wait/go{number}")
                eventually((home / f"go{number}.seen").exists, "the request has arrived")
                # The second, fourth and sixth find none at ease: they are served, and another worker
                # is started, up to max_workers.
                expected = min(3, 1 + (number + 1) // 2)
                eventually(lambda: self.started(dmpm) == expected, f"{expected} workers")
                self.assertEqual(len(dmpm.workers(ALICE)), expected)
            for number, client in enumerate(clients):
                (home / f"go{number}").touch()
                self.assertEqual(client.answer().status, 200)
            # One is enough for what comes now.
            def one_is_left():
                self.assertEqual(clients[0].get("a.test").status, 200)
                return len(dmpm.workers(ALICE)) == 1
            eventually(one_is_left, "the others have gone")
            for client in clients:
                client.close()

    @staticmethod
    def started(dmpm):
        """How many workers of alice's its dispatcher has been told of."""
        return len(re.findall(r"group alice: worker \d+ started", dmpm.stderr_text()))

    def test_a_spent_worker_is_replaced_and_nothing_is_lost(self):
        with Dmpm(groups=two_sites(requests_per_worker=20)) as dmpm, dmpm.connect() as client:
            served = set()

            def several_have_served():
                # A spent one goes on until its successor is there, however long that takes.
                for _ in range(20):
                    answer = client.get("a.test")
                    self.assertEqual(answer.status, 200, answer)
                    served.add(answer.json()["pid"])
                return len(served) > 3
            eventually(several_have_served, "four workers, one after the other")
            eventually(lambda: len(dmpm.workers(ALICE)) == 1, "the spent ones have gone")

    def test_idle_workers_stay_warm_while_there_is_memory(self):
        groups = two_sites(idle_timeout="300ms", max_workers=2, requests_at_once=1)
        with Dmpm(groups=groups, keep_warm={"memory": "1G"}) as dmpm:
            first = dmpm.get("a.test").json()["pid"]
            # Of bob's two workers one is too many: when it goes, alice's has long been idle.
            home = dmpm.home("bob")
            clients = [dmpm.connect("b.test") for _ in range(2)]
            for number, client in enumerate(clients):
                client.send_request("GET", "b.test", f"/wait/go{number}")
            eventually(lambda: len(dmpm.workers(BOB)) == 2, "two workers")
            for number, client in enumerate(clients):
                (home / f"go{number}").touch()
                self.assertEqual(client.answer().status, 200)
                client.close()
            eventually(lambda: len(dmpm.workers(BOB)) == 1, "one of them goes")
            self.assertEqual(dmpm.get("a.test").json()["pid"], first)
            dmpm.settings["keep_warm"] = {"memory": 0}
            dmpm.write_config()
            dmpm.signal(signal.SIGHUP)
            dmpm.wait_for_line(r"reload done")
            eventually(lambda: not dmpm.workers(), "nobody stays without memory for it")
            self.assertEqual(dmpm.get("a.test").status, 200)

    def test_a_group_has_its_number_of_requests(self):
        groups = two_sites()
        groups["alice"]["scale"] = {"max_requests": 2}
        with Dmpm(groups=groups) as dmpm:
            home = dmpm.home("alice")
            busy = [dmpm.connect() for _ in range(2)]
            for number, client in enumerate(busy):
                client.send_request("GET", "a.test", f"/wait/go{number}")
                eventually((home / f"go{number}.seen").exists, "the request has arrived")
            refused = dmpm.get("a.test")
            self.assertEqual(refused.status, 503)
            eventually(lambda: refused.header("x-error-id") in dmpm.log_text(), "the reason")
            self.assertIn("max_requests", dmpm.log_text())
            self.assertEqual(dmpm.get("b.test").status, 200)
            for number, client in enumerate(busy):
                (home / f"go{number}").touch()
                self.assertEqual(client.answer().status, 200)
                client.close()
            self.assertEqual(dmpm.get("a.test").status, 200)


if __name__ == "__main__":
    harness.main()
