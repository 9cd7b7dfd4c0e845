#!/usr/bin/python3
"""Workers start with the first request and end when they are idle; the next request starts them
again. Nothing is lost in between: chaos_test.py has requests that race the stops."""
import unittest

import harness
from harness import ALICE, BOB, Dmpm, eventually, two_sites


class IdleStop(unittest.TestCase):
    def test_start_stop_start(self):
        with Dmpm(groups=two_sites(idle_timeout="300ms")) as dmpm:
            self.assertEqual(dmpm.workers(), [])
            with dmpm.connect() as client:
                first = client.get("a.test").json()["pid"]
                self.assertEqual(dmpm.workers(), [first])
                eventually(lambda: not dmpm.workers(), "the idle worker has gone")
                # On the connection that was open all the time.
                second = client.get("a.test").json()["pid"]
            self.assertNotEqual(first, second)

    def test_only_the_idle_one_goes(self):
        groups = two_sites(idle_timeout="300ms")
        groups["bob"]["scale"]["idle_timeout"] = "60s"
        with Dmpm(groups=groups) as dmpm:
            dmpm.get("a.test")
            kept = dmpm.get("b.test").json()["pid"]
            eventually(lambda: not dmpm.workers(ALICE), "alice's worker has gone")
            self.assertEqual(dmpm.workers(BOB), [kept])

    def test_a_request_in_flight_keeps_its_worker(self):
        with Dmpm(groups=two_sites(idle_timeout="200ms")) as dmpm:
            with dmpm.connect() as slow, dmpm.connect() as other:
                slow.send_request("GET", "a.test", "/wait/go")
                home = dmpm.home("alice")
                eventually((home / "go.seen").exists, "the request arrived")
                (worker,) = dmpm.workers(ALICE)
                # Bob's worker comes and goes meanwhile: more than alice's idle time has passed.
                other.get("b.test")
                eventually(lambda: not dmpm.workers(BOB), "bob's worker has gone")
                self.assertEqual(dmpm.workers(ALICE), [worker])
                (home / "go").touch()
                self.assertEqual(slow.answer().json()["pid"], worker)
                eventually(lambda: not dmpm.workers(ALICE), "alice's worker has gone, too")

    def test_min_workers_are_there_without_a_request_and_stay(self):
        groups = two_sites(idle_timeout="100ms")
        groups["bob"]["scale"]["min_workers"] = 1
        with Dmpm(groups=groups) as dmpm:
            (warm,) = eventually(lambda: dmpm.workers(BOB), "bob's worker")
            dmpm.get("b.test")
            dmpm.get("a.test")
            eventually(lambda: not dmpm.workers(ALICE), "alice's worker has gone")
            self.assertEqual(dmpm.workers(BOB), [warm])


if __name__ == "__main__":
    harness.main()
