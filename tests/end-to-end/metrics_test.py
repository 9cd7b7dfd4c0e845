#!/usr/bin/python3
"""dmpm-metrics: the numbers are right, outlive every process, and tell of every group."""
import grp
import os
import shutil
import signal
import socket
import stat
import subprocess
import unittest

import harness
from harness import ALICE, BOB, CAROL, METRICS, PROXY, Dmpm, eventually, python_worker
from scrape import Scrape, ask

ON = {"user": METRICS}


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as found:
        return found.getsockname()[1]


class Numbers(unittest.TestCase):
    def test_they_are_what_was_done(self):
        with Dmpm(metrics=ON) as dmpm:
            with dmpm.connect() as client:
                for _ in range(3):
                    client.get("a.test")
                client.get("a.test", "/status/404")
                client.get("a.test", "/status/302")
                client.get("a.test", "/status/500")
                client.request("POST", "a.test", "/status/204", body=b"x" * 1000)
                client.get("a.test", "/big?n=5000")
                client.request("POST", "a.test", "/", body=[b"y" * 300] * 2, chunked=True)
                client.get("c.test")  # nobody's
            numbers = Scrape.of(dmpm)
            found = {c: numbers.requests("alice", c) for c in ("2xx", "3xx", "4xx", "5xx")}
            self.assertEqual(found, {"2xx": 6, "3xx": 1, "4xx": 1, "5xx": 1})
            self.assertEqual(numbers("dmpm_group_request_body_bytes_total", group="alice"), 1600)
            self.assertGreater(numbers("dmpm_group_response_body_bytes_total", group="alice"), 5000)
            self.assertEqual(
                numbers("dmpm_host_requests_total", host="a.test", group="alice", **{"class": "2xx"}),
                6)
            for time in ("queue", "first_byte", "request"):
                name = f"dmpm_group_{time}_seconds"
                self.assertEqual(numbers(f"{name}_count", group="alice"), 9, name)
                self.assertEqual(numbers(f"{name}_bucket", group="alice", le="+Inf"), 9, name)
            self.assertEqual(numbers("dmpm_rejections_total", reason="unknown_host"), 1)
            self.assertEqual(numbers.requests("", "4xx"), 1)
            self.assertEqual(numbers("dmpm_connections_total", transport="tls"), 1)
            self.assertEqual(numbers("dmpm_handshakes_total", result="full"), 1)
            self.assertEqual(numbers("dmpm_sessions_total", protocol="http/1"), 1)
            self.assertEqual(numbers("dmpm_group_workers", group="alice", state="running"), 1)
            self.assertEqual(numbers("dmpm_group_worker_starts_total", group="alice"), 1)
            eventually(lambda: Scrape.of(dmpm)("dmpm_connections") == 0, "the connection has gone")

    def test_a_time_falls_into_its_bucket(self):
        with Dmpm(metrics=ON) as dmpm, dmpm.connect() as client:
            client.get("a.test")
            client.send_request("GET", "a.test", "/wait/go")
            home = dmpm.home("alice")
            eventually((home / "go.seen").exists, "the request arrived")
            before = Scrape.of(dmpm)
            self.assertEqual(before("dmpm_group_requests_in_flight", group="alice"), 1)
            # However slow the machine: it has been there for longer than the first bucket's time.
            eventually(lambda: self.passed(home / "go.seen", 0.11), "time has passed")
            (home / "go").touch()
            client.answer()
            after = Scrape.of(dmpm)
            self.assertEqual(after("dmpm_group_requests_in_flight", group="alice"), 0)
            for le in ("0.005", "0.1"):
                bucket = ("dmpm_group_first_byte_seconds_bucket", le)
                self.assertEqual(after(bucket[0], group="alice", le=le),
                                 before(bucket[0], group="alice", le=le), bucket)
            self.assertEqual(after("dmpm_group_first_byte_seconds_count", group="alice"), 2)
            self.assertGreaterEqual(after("dmpm_group_first_byte_seconds_sum", group="alice"), 0.1)

    @staticmethod
    def passed(path, seconds):
        return harness.time.time() - path.stat().st_mtime > seconds

    def test_rejections_and_failures_have_reasons(self):
        groups = {"alice": python_worker(ALICE, max_requests=1),
                  "bob": python_worker(BOB, "--exit-at-start")}
        with Dmpm(groups=groups, metrics=ON) as dmpm, dmpm.connect() as first:
            first.send_request("GET", "a.test", "/hang")
            eventually(lambda: Scrape.of(dmpm)("dmpm_group_requests_in_flight", group="alice"), "it")
            self.assertEqual(dmpm.get("a.test").status, 503)
            self.assertEqual(dmpm.get("b.test").status, 503)
            with dmpm.connect() as client:
                client.send(b"GET / HTTP/1.1\r\nHost: a.test\r\nHost: b.test\r\n\r\n")
                self.assertEqual(client.answer().status, 400)
            with dmpm.connect() as client:
                client.send(b"GET / HTTP/1.1\r\nHost: a.test\r\nX: " + b"x" * 40000 + b"\r\n\r\n")
                self.assertEqual(client.answer().status, 431)
            numbers = Scrape.of(dmpm)
            for reason in ("max_requests", "malformed", "too_large"):
                self.assertEqual(numbers("dmpm_rejections_total", reason=reason), 1, reason)
            self.assertGreaterEqual(numbers("dmpm_rejections_total", reason="no_worker") +
                                    numbers("dmpm_rejections_total", reason="start_failed"), 1)
            self.assertGreaterEqual(numbers("dmpm_group_worker_failures_total", group="bob"), 1)
            self.assertEqual(numbers.requests("bob", "5xx"), 1)

    def test_cold_groups_are_there(self):
        groups = {**harness.two_sites(), "carol": python_worker(CAROL)}
        with Dmpm(groups=groups, metrics=ON) as dmpm:
            dmpm.get("a.test")
            numbers = Scrape.of(dmpm)
            self.assertEqual(numbers("dmpm_groups"), 3)
            self.assertEqual(numbers("dmpm_virtual_hosts"), 2)
            for group in ("bob", "carol"):
                self.assertEqual(numbers.requests(group, "2xx"), 0)
                self.assertEqual(numbers("dmpm_group_workers", group=group, state="running"), 0)
                self.assertEqual(numbers("dmpm_group_worker_starts_total", group=group), 0)

    def test_prometheus_understands_them(self):
        if not shutil.which("promtool"):
            self.skipTest("no promtool")
        with Dmpm(metrics=ON) as dmpm:
            dmpm.get("a.test")
            text = Scrape.of(dmpm).text
        checked = subprocess.run(["promtool", "check", "metrics"], input=text, text=True,
                                 capture_output=True, check=False)
        self.assertEqual((checked.returncode, checked.stdout + checked.stderr), (0, ""))


class Lives(unittest.TestCase):
    """Numbers outlive who counts and who tells."""

    def never_fell(self, before, after):
        self.assertEqual({key: (number, after.numbers.get(key))
                          for key, number in before.counters().items()
                          if after.numbers.get(key, -1) < number}, {})

    def test_a_dispatcher_that_dies_takes_none_along(self):
        with Dmpm(metrics=ON) as dmpm:
            for _ in range(3):
                dmpm.get("a.test")
            with dmpm.connect() as client:
                client.send_request("GET", "a.test", "/hang")
                eventually(lambda: Scrape.of(dmpm)("dmpm_group_requests_in_flight", group="alice"),
                           "a request is in flight")
                before = Scrape.of(dmpm)
                os.kill(dmpm.services("dispatcher")[0], signal.SIGKILL)
                dmpm.get("a.test")
            after = Scrape.of(dmpm)
            self.never_fell(before, after)
            self.assertEqual(after.requests("alice", "2xx"), 4)
            self.assertEqual(after("dmpm_group_requests_in_flight", group="alice"), 0)
            self.assertEqual(after("dmpm_process_starts_total", process="dispatcher 0"), 2)
            self.assertEqual(after("dmpm_process_failures_total", process="dispatcher 0"), 1)

    def test_several_dispatchers_are_added_up(self):
        dispatcher = {"processes": 2, "user": PROXY, "group": PROXY}
        with Dmpm(metrics=ON, dispatcher=dispatcher) as dmpm:
            for _ in range(20):
                dmpm.get("a.test")
            numbers = Scrape.of(dmpm)
            self.assertEqual(numbers.requests("alice", "2xx"), 20)
            self.assertEqual(numbers("dmpm_process_up", process="dispatcher 1"), 1)

    def test_it_is_started_again_itself(self):
        with Dmpm(metrics=ON) as dmpm:
            dmpm.get("a.test")
            (old,) = dmpm.services("metrics")
            before = Scrape.of(dmpm)
            os.kill(old, signal.SIGKILL)
            eventually(lambda: dmpm.services("metrics") not in ([], [old]), "a new one")
            after = Scrape.of(dmpm)
            self.never_fell(before, after)
            self.assertEqual(after.requests("bob", "2xx"), 0)  # it knows the names again
            self.assertEqual(after("dmpm_process_starts_total", process="metrics"), 2)

    def test_a_reload_adds_and_removes(self):
        with Dmpm(metrics=ON) as dmpm:
            dmpm.get("a.test")
            dmpm.get("b.test")
            whole = dict(dmpm.settings["groups"]), list(dmpm.settings["virtual_hosts"])
            dmpm.add_group("carol", python_worker(CAROL))
            dmpm.add_host("c.test", "carol")
            del dmpm.settings["groups"]["bob"]
            dmpm.settings["virtual_hosts"] = [
                host for host in dmpm.settings["virtual_hosts"] if host["group"] != "bob"]
            # Another worker: for dispatchers it is another group, for who counts the same.
            dmpm.settings["groups"]["alice"]["worker"]["environment"] = {"NEW": "1"}
            dmpm.write_config()
            self.assertEqual(dmpm.command("reload").returncode, 0)
            dmpm.get("a.test")
            dmpm.get("c.test")
            numbers = Scrape.of(dmpm)
            self.assertEqual(numbers.requests("alice", "2xx"), 2)
            self.assertEqual(numbers.requests("carol", "2xx"), 1)
            self.assertEqual(
                [key for key in numbers.numbers if any("bob" in v for _, v in key[1])], [])
            # It comes back, and counts on where it was.
            dmpm.settings["groups"], dmpm.settings["virtual_hosts"] = whole
            dmpm.write_config()
            self.assertEqual(dmpm.command("reload").returncode, 0)
            dmpm.get("b.test")
            self.assertEqual(Scrape.of(dmpm).requests("bob", "2xx"), 2)

    def test_an_upgrade_takes_them_along(self):
        with Dmpm(metrics=ON) as dmpm:
            dmpm.get("a.test")
            before, (old,) = Scrape.of(dmpm), dmpm.services("metrics")
            self.assertEqual(dmpm.command("upgrade").returncode, 0)
            eventually(lambda: dmpm.services("metrics") not in ([], [old]), "a new one")
            dmpm.get("a.test")
            dmpm.get("b.test")
            after = Scrape.of(dmpm)
            self.never_fell(before, after)
            self.assertEqual(after.requests("alice", "2xx"), 2)
            self.assertEqual(after.requests("bob", "2xx"), 1)
            self.assertEqual(after("dmpm_group_workers", group="alice", state="running"), 1)
            # Once more: the first dispatcher's number is used again.
            self.assertEqual(dmpm.command("upgrade").returncode, 0)
            self.never_fell(after, Scrape.of(dmpm))

    def test_workers_that_end_are_counted_out(self):
        with Dmpm(groups=harness.two_sites(idle_timeout="200ms"), metrics=ON) as dmpm:
            dmpm.get("a.test")
            gone = {"running": 0}
            eventually(lambda: {
                dict(labels)["state"]: number
                for labels, number in Scrape.of(dmpm).all("dmpm_group_workers").items()
                if ("group", "alice") in labels} == gone, "no worker is counted anywhere")
            self.assertEqual(Scrape.of(dmpm)("dmpm_group_worker_failures_total", group="alice"), 0)


class Switch(unittest.TestCase):
    def test_it_is_off_by_default(self):
        with Dmpm() as dmpm:
            self.assertEqual(dmpm.get("a.test").status, 200)
            self.assertEqual(dmpm.services("metrics"), [])
            self.assertFalse((dmpm.runtime / "metrics.sock").exists())

    def test_a_reload_does_not_change_it_an_upgrade_does(self):
        with Dmpm() as dmpm:
            dmpm.get("a.test")
            port = free_port()
            dmpm.settings["metrics"] = {**ON, "port": port}
            dmpm.write_config()
            answer = dmpm.command("reload")
            self.assertEqual(answer.returncode, 1)
            self.assertIn("dmpm upgrade", answer.stdout + answer.stderr)
            self.assertEqual(dmpm.command("upgrade").returncode, 0)
            # What was counted while nobody could look is there.
            for options in ({}, {"port": port}):
                self.assertEqual(Scrape.of(dmpm, **options).requests("alice", "2xx"), 1)
            # The sockets are the same ones after another upgrade, and closed when it is off again.
            self.assertEqual(dmpm.command("upgrade").returncode, 0)
            self.assertEqual(Scrape.of(dmpm, port=port).requests("alice", "2xx"), 1)
            del dmpm.settings["metrics"]
            dmpm.write_config()
            self.assertEqual(dmpm.command("upgrade").returncode, 0)
            eventually(lambda: not dmpm.services("metrics"), "it has gone")
            self.assertFalse((dmpm.runtime / "metrics.sock").exists())
            with self.assertRaises(ConnectionRefusedError):
                ask(dmpm, port=port)
            self.assertEqual(dmpm.get("a.test").status, 200)

    def test_a_port_that_is_taken_keeps_a_start_back_but_no_upgrade(self):
        with socket.create_server(("127.0.0.1", 0)) as taken, Dmpm() as dmpm:
            dmpm.settings["metrics"] = {**ON, "port": taken.getsockname()[1]}
            dmpm.write_config()
            self.assertEqual(dmpm.command("upgrade").returncode, 0)
            self.assertIn('"metrics": cannot listen on 127.0.0.1', dmpm.stderr_text())
            self.assertEqual(dmpm.get("a.test").status, 200)
            self.assertEqual(dmpm.services("metrics"), [])


class Access(harness.SharedDmpm):
    @classmethod
    def options(cls):
        cls.port = free_port()
        return {"metrics": {**ON, "port": cls.port}}

    def test_the_socket_is_its_groups(self):
        found = os.stat(self.dmpm.runtime / "metrics.sock")
        self.assertEqual(stat.S_IMODE(found.st_mode), 0o660)
        self.assertEqual((found.st_uid, found.st_gid), (0, grp.getgrnam(METRICS).gr_gid))

    def test_the_process_has_nothing(self):
        (pid,) = self.dmpm.services("metrics")
        self.assertEqual(harness.owner(pid), harness.uid(METRICS))
        for field, value in (("Groups", ""), ("CapEff", "0" * 16), ("NoNewPrivs", "1"),
                             ("Seccomp", "2")):
            self.assertEqual(harness.status_field(pid, field).strip(), value, field)
        self.assertEqual(os.readlink(f"/proc/{pid}/root"), str(self.dmpm.runtime / "empty"))
        # Its channel, two listening sockets, and its loop's own; no memory file is open any more.
        def kinds(kind):
            return [what for number, what in harness.descriptors(pid).items()
                    if number > 2 and kind in what]
        eventually(lambda: len(kinds("socket:")) == 3, "those who asked have gone")
        self.assertEqual(kinds("memfd"), [])

    def test_what_it_maps_can_only_be_read(self):
        (pid,) = self.dmpm.services("metrics")
        with open(f"/proc/{pid}/maps", encoding="ascii") as file:
            mapped = [line.split()[1] for line in file if "dmpm-metrics" in line and "memfd" in line]
        self.assertEqual((len(mapped), set(mapped)), (65, {"r--s"}))

    def test_only_get_is_answered(self):
        for method, path, status in (("POST", "/metrics", 405), ("HEAD", "/metrics", 405),
                                     ("GET", "/", 404), ("GET", "/metrics/", 404),
                                     ("GET", "/metrics?x=1", 200)):
            self.assertEqual(ask(self.dmpm, path, method)[0], status, (method, path))

    def test_a_page_of_elsewhere_gets_nothing_by_another_name(self):
        for host, status in (("evil.test", 421), (f"evil.test:{self.port}", 421),
                             (f"localhost:{self.port}", 200), ("127.0.0.1", 200),
                             ("127.0.0.1.evil.test", 421)):
            self.assertEqual(ask(self.dmpm, port=self.port, headers={"Host": host})[0], status, host)

    def test_many_who_never_finish_do_not_keep_out_who_does(self):
        idle = [socket.create_connection(("127.0.0.1", self.port)) for _ in range(30)]
        try:
            for sock in idle:
                sock.sendall(b"GET /metrics HTTP/1.1\r\n")
            for sock in idle:
                sock.close()
            self.assertEqual(ask(self.dmpm, port=self.port)[0], 200)
        finally:
            for sock in idle:
                sock.close()

    def test_who_reads_nothing_is_left(self):
        with socket.create_connection(("127.0.0.1", self.port)) as sock:
            sock.sendall(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n")
            self.assertEqual(ask(self.dmpm)[0], 200)


if __name__ == "__main__":
    harness.main()
