#!/usr/bin/python3
"""SIGTERM: what is in flight is finished, then everything ends with status 0."""
import os
import shutil
import signal
import unittest

import harness
from harness import ALICE, Dmpm, eventually


class Shutdown(unittest.TestCase):
    def test_a_request_in_flight_completes(self):
        with Dmpm() as dmpm, dmpm.connect() as idle, dmpm.connect() as slow:
            idle.get("b.test")
            slow.send_request("GET", "a.test", "/wait/go")
            home = dmpm.home("alice")
            eventually((home / "go.seen").exists, "the request arrived")
            dmpm.begin_stop()
            self.assertTrue(idle.at_end())  # nothing in flight there
            self.assertIsNone(dmpm.process.poll())
            (home / "go").touch()
            answer = slow.answer()
            self.assertEqual(answer.status, 200)
            self.assertEqual(answer.header("connection"), "close")
            self.assertTrue(slow.at_end())
            self.assertEqual(dmpm.stop(), 0)

    def test_an_upload_in_flight_completes(self):
        with Dmpm() as dmpm, dmpm.connect() as client:
            client.send(b"POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 10\r\n\r\n01234")
            eventually(lambda: dmpm.workers(ALICE), "the worker was started")
            dmpm.begin_stop()
            with self.assertRaises(OSError):  # as soon as no connection is accepted any more
                eventually(lambda: not dmpm.connect(timeout=2).close() and False, "refusal")
            client.send(b"56789")
            self.assertEqual(client.answer().json()["body_size"], 10)
            self.assertEqual(dmpm.stop(), 0)

    def test_a_worker_that_is_traced_holds_nobody_up(self):
        """Its end is its tracer's to see first."""
        groups = {"alice": harness.group(ALICE, ["/usr/bin/python3", "-IS", "{top}/traced_worker.py"],
                                         stop_timeout="200ms")}
        dmpm = Dmpm(groups=groups, hosts={"a.test": "alice"})
        shutil.copy(harness.HERE / "traced_worker.py", dmpm.directory)
        with dmpm:
            body = dmpm.get("a.test").body
            if body != b"traced":
                self.skipTest(f"a worker cannot be traced here: {body}")
            (worker,) = [pid for pid in dmpm.workers(ALICE) if pid in harness.children(dmpm.master())]
            tracer = int(harness.status_field(worker, "TracerPid"))
            os.kill(worker, signal.SIGKILL)
            eventually(lambda: harness.state(worker) == "Z", "it is its tracer's")
            dmpm.begin_stop()
            self.assertEqual(dmpm.process.wait(harness.DEADLINE), 0)
            if not harness.has_gone(tracer):  # without a cgroup
                os.kill(tracer, signal.SIGKILL)

    def test_nothing_running_ends_at_once(self):
        with Dmpm() as dmpm:
            dmpm.process.send_signal(signal.SIGINT)
            self.assertEqual(dmpm.process.wait(harness.DEADLINE), 0)

    def test_a_second_signal_does_not_wait(self):
        with Dmpm() as dmpm, dmpm.connect() as slow:
            slow.send_request("GET", "a.test", "/wait/never")
            eventually((dmpm.home("alice") / "never.seen").exists, "the request arrived")
            dmpm.begin_stop()
            dmpm.wait_for_line("stopping")
            dmpm.process.send_signal(signal.SIGTERM)
            self.assertEqual(dmpm.process.wait(harness.DEADLINE), 0)

    def test_a_killed_master_takes_everything_with_it(self):
        dmpm = Dmpm().__enter__()
        try:
            dmpm.get("a.test")
            services = dmpm.services("dispatcher") + dmpm.services("logger")
            self.assertEqual(len(services), 2)
            os.kill(dmpm.master(), signal.SIGKILL)
            for pid in services:
                eventually(lambda pid=pid: harness.has_gone(pid), f"process {pid} has gone")
        finally:
            dmpm.kill()

    def test_a_second_start_in_the_same_place_works(self):
        with Dmpm() as dmpm:
            dmpm.get("a.test")
            self.assertEqual(dmpm.stop(), 0)
            dmpm.stderr.write_text("")
            dmpm.start()
            self.assertEqual(dmpm.get("a.test").status, 200)


if __name__ == "__main__":
    harness.main()
