#!/usr/bin/python3
"""dmpm upgrade and SIGUSR2: the master becomes another version of itself, and no client notices."""
import json
import os
import pathlib
import shutil
import signal
import unittest

import harness
from harness import ALICE, BOB, Dmpm, eventually, python_worker
from websocket_test import WebSocket


class Installed(Dmpm):
    """A dmpm with program files of its own, which a test may exchange."""

    def __init__(self, **options):
        super().__init__(**options)
        self.bin = self.directory / "bin"
        self.bin.mkdir()
        for path in harness.BIN.glob("dmpm*"):
            shutil.copy(path, self.bin)
        self.program = self.bin / "dmpm"

    def install(self, name, text):
        """Another program in place of `name`, as a package does it."""
        new = self.bin / f"{name}.new"
        new.write_text(text)
        new.chmod(0o755)
        os.replace(new, self.bin / name)


class Upgrade(unittest.TestCase):
    def processes(self, dmpm):
        return {name: set(dmpm.services(name)) for name in ("dispatcher", "logger")}

    def upgrade(self, dmpm):
        """And waits until nothing is left of what was before but the workers."""
        before = self.processes(dmpm)
        answer = dmpm.command("upgrade")
        self.assertEqual((answer.returncode, answer.stderr), (0, ""), answer)
        self.assertIn("new dispatchers serve", answer.stdout)

        def exchanged():
            now = self.processes(dmpm)
            return all(now[name] and not now[name] & before[name] for name in now)
        eventually(exchanged, "the services are new ones")

    def test_everything_goes_on(self):
        with Dmpm() as dmpm, dmpm.connect() as client:
            worker = client.get("a.test").json()["pid"]
            master, port = dmpm.master(), dmpm.port
            client.get("a.test", "/write-stderr?before")
            for i in range(3):
                self.upgrade(dmpm)
                self.assertEqual((dmpm.master(), dmpm.port), (master, port))
                self.assertEqual(dmpm.get("a.test", f"/write-stderr?after{i}").status, 200)
                self.assertEqual(dmpm.get("a.test").json()["pid"], worker)
            self.assertEqual(dmpm.get("b.test").status, 200)
            for line in ("before", "after0", "after1", "after2"):
                eventually(lambda line=line: f" {line}\n" in dmpm.log_text("workers/alice.log"), line)
            # The worker is still the master's: its death is noticed.
            os.kill(worker, signal.SIGKILL)
            self.assertNotEqual(dmpm.get("a.test").json()["pid"], worker)
            status = json.loads(dmpm.command("status", "--json").stdout)
            self.assertEqual([group["name"] for group in status["groups"]], ["alice", "bob"])

    def test_what_is_in_flight_is_finished_by_the_old_dispatcher(self):
        with Dmpm() as dmpm, dmpm.connect() as slow, dmpm.connect() as upload:
            slow.send_request("GET", "a.test", "/wait/go")
            upload.send(b"POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 10\r\n\r\n01234")
            home = dmpm.home("alice")
            eventually((home / "go.seen").exists, "the request arrived")
            (old,) = dmpm.services("dispatcher")
            self.assertEqual(dmpm.command("upgrade").returncode, 0)
            self.assertIn(old, dmpm.services("dispatcher"))
            with dmpm.connect() as client:  # by the new one
                self.assertEqual(client.get("b.test").status, 200)
            (home / "go").touch()
            upload.send(b"56789")
            for client in (slow, upload):
                answer = client.answer()
                self.assertEqual((answer.status, answer.header("connection")), (200, "close"))
            eventually(lambda: old not in dmpm.services("dispatcher"), "the old dispatcher has gone")

    def test_requests_that_wait_for_a_worker_get_it(self):
        groups = {"alice": python_worker(ALICE, start_timeout="20s")}
        # Starts when told.
        groups["alice"]["worker"]["command"] = [
            "/bin/sh", "-c", "while ! test -e {home}/go; do sleep 0.02; done; "
            "exec /usr/bin/python3 -IS {top}/worker.py"]
        with Dmpm(groups=groups, hosts={"a.test": "alice"}) as dmpm, dmpm.connect() as client:
            client.send_request("GET", "a.test")
            eventually(lambda: dmpm.workers(ALICE), "the start")
            self.assertEqual(dmpm.command("upgrade").returncode, 0)
            (dmpm.home("alice") / "go").touch()
            self.assertEqual(client.answer().status, 200)

    def test_a_client_that_is_idle_is_answered_and_told(self):
        with Dmpm() as dmpm, dmpm.connect() as client:
            client.get("a.test")
            self.assertEqual(dmpm.command("upgrade").returncode, 0)
            answer = client.get("a.test")
            self.assertEqual((answer.status, answer.header("connection")), (200, "close"))
            self.assertTrue(client.at_end())

    def test_a_changed_group_gets_a_new_worker(self):
        with Dmpm() as dmpm:
            alice, bob = (dmpm.get(host).json()["pid"] for host in ("a.test", "b.test"))
            dmpm.settings["groups"]["alice"]["worker"]["environment"] = {"NEW": "1"}
            dmpm.write_config()
            self.upgrade(dmpm)
            self.assertNotEqual(dmpm.get("a.test").json()["pid"], alice)
            self.assertEqual(dmpm.get("b.test").json()["pid"], bob)
            eventually(lambda: harness.has_gone(alice), "the old worker has gone")

    def test_sigusr2(self):
        with Dmpm() as dmpm:
            (old,) = dmpm.services("dispatcher")
            dmpm.signal(signal.SIGUSR2)
            eventually(lambda: dmpm.services("dispatcher") and old not in dmpm.services("dispatcher"),
                       "another dispatcher")
            self.assertEqual(dmpm.get("a.test").status, 200)

    def test_descriptors_and_children_do_not_grow(self):
        with Dmpm() as dmpm:
            dmpm.get("a.test")
            self.upgrade(dmpm)
            before = len(harness.descriptors(dmpm.master()))
            for _ in range(3):
                self.upgrade(dmpm)
            eventually(lambda: len(harness.descriptors(dmpm.master())) <= before,
                       "as many descriptors as before")

    # -- what must not happen --

    def refused(self, dmpm, reason):
        """The upgrade is, and everything is as it was."""
        before, workers = self.processes(dmpm), dmpm.workers()
        answer = dmpm.command("upgrade")
        self.assertEqual((answer.returncode, answer.stdout), (1, ""))
        self.assertRegex(answer.stderr, reason)
        self.assertRegex(answer.stderr, "upgrade failed: the running version goes on\n$")
        self.assertEqual(dmpm.get("a.test").status, 200)
        self.assertEqual((self.processes(dmpm), dmpm.workers()), (before, workers))

    def test_a_version_that_does_not_start_changes_nothing(self):
        with Installed() as dmpm:
            dmpm.get("a.test")
            good = (dmpm.bin / "dmpm-master").read_bytes()
            dmpm.install("dmpm-master", "#!/bin/sh\necho no luck >&2\nexit 3\n")
            self.refused(dmpm, "no luck\n.*exited with status 3")
            dmpm.install("dmpm-master", "#!/bin/sh\nkill -SEGV $$\n")
            self.refused(dmpm, "was killed by SIGSEGV")
            (dmpm.bin / "dmpm-master").unlink()
            self.refused(dmpm, "No such file or directory")
            pathlib.Path(dmpm.bin / "dmpm-master").write_bytes(good)
            (dmpm.bin / "dmpm-master").chmod(0o755)
            self.upgrade(dmpm)
            self.assertEqual(dmpm.get("a.test").status, 200)

    def test_dispatchers_that_do_not_start_leave_the_old_ones_serving(self):
        with Installed() as dmpm:
            worker = dmpm.get("a.test").json()["pid"]
            (old,) = dmpm.services("dispatcher")
            good = (dmpm.bin / "dmpm-dispatcher").read_bytes()
            dmpm.install("dmpm-dispatcher", "#!/bin/sh\nexit 1\n")
            dmpm.signal(signal.SIGUSR2)
            dmpm.wait_for_line(r"dispatcher 1: .*exited with status 1")
            self.assertEqual(dmpm.get("a.test").json()["pid"], worker)
            self.assertEqual(dmpm.get("b.test").status, 200)  # it is even given new workers
            self.assertIn(old, dmpm.services("dispatcher"))
            (dmpm.bin / "dmpm-dispatcher.new").write_bytes(good)
            (dmpm.bin / "dmpm-dispatcher.new").chmod(0o755)
            os.replace(dmpm.bin / "dmpm-dispatcher.new", dmpm.bin / "dmpm-dispatcher")
            eventually(lambda: old not in dmpm.services("dispatcher"), "the old one has gone")
            self.assertEqual(dmpm.get("a.test").json()["pid"], worker)

    def test_a_configuration_that_is_wrong_or_cannot_be_had_in_place_is_said(self):
        with Dmpm() as dmpm:
            dmpm.get("a.test")
            settings = json.loads(json.dumps(dmpm.settings))
            dmpm.write_config('{ "listen": 7 }')
            self.refused(dmpm, "dmpm.json:1:")
            for key, value, reason in (
                    ("log_directory", str(dmpm.directory / "other"), "the log directory"),
                    ("listen", [{"address": "127.0.0.1:1", "tls": True}], "reload first"),
                    ("include", ["/nonexistent/x.json"], "x.json")):
                dmpm.settings = {**settings, key: value}
                dmpm.write_config()
                self.refused(dmpm, reason)
            dmpm.settings = settings
            dmpm.write_config()
            self.upgrade(dmpm)


class WebSocketsAcross(unittest.TestCase):
    def test_a_websocket_has_the_drain_deadline(self):
        groups = {"alice": harness.group(ALICE, ["/usr/bin/python3", "-IS", "{top}/websocket_worker.py"])}
        dmpm = Dmpm(groups=groups, hosts={"a.test": "alice"})
        shutil.copy(harness.HERE / "websocket_worker.py", dmpm.directory)
        with dmpm, dmpm.connect() as client:
            socket = WebSocket(client, "/echo")
            self.assertEqual(dmpm.command("upgrade").returncode, 0)
            socket.send(b"still there")
            self.assertIn(b"still there", socket.receive())
            with dmpm.connect() as other:
                WebSocket(other, "/echo").send(b"new")


if __name__ == "__main__":
    harness.main()
