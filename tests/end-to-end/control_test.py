#!/usr/bin/python3
"""The control socket: dmpm reload, status and stop; who may use it, and that nobody can hold it."""
import json
import os
import signal
import socket
import stat
import struct
import subprocess
import time
import unittest

import harness
from harness import ALICE, BOB, Dmpm, eventually, group, python_worker

STATUS = struct.pack("=II", 1, 3)


def control(dmpm):
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    sock.connect(str(dmpm.runtime / "control.sock"))
    sock.settimeout(harness.DEADLINE)
    return sock


class Control(unittest.TestCase):
    def test_reload_waits_and_says_what_changed(self):
        with Dmpm(groups={"alice": python_worker(ALICE)}, hosts={"a.test": "alice"}) as dmpm:
            with dmpm.connect() as client:
                self.assertEqual(client.get("b.test").status, 421)
                dmpm.add_group("bob", python_worker(BOB))
                dmpm.add_host("b.test", "bob")
                dmpm.write_config()
                answer = dmpm.command("reload")
                self.assertEqual((answer.returncode, answer.stderr), (0, ""))
                self.assertEqual(answer.stdout,
                                 "reload done: 1 groups changed, 1 virtual hosts changed\n")
                # In force, on a connection that was open before: nothing to wait for.
                self.assertEqual(client.get("b.test").status, 200)

    def test_reload_says_why_nothing_changed(self):
        with Dmpm() as dmpm:
            dmpm.write_config('{\n  "listen": [],\n  "nonsense": 1\n}\n')
            answer = dmpm.command("reload")
            self.assertEqual((answer.returncode, answer.stdout), (1, ""))
            self.assertRegex(answer.stderr, rf"(?m)^{dmpm.config_file}:3:3: .*nonsense")
            self.assertRegex(answer.stderr, r"\nreload failed: nothing was changed\n$")
            dmpm.settings["logger"] = {"user": harness.ALICE}
            dmpm.settings["groups"], dmpm.settings["virtual_hosts"] = {}, []
            dmpm.settings["listen"] = [{"address": "127.0.0.1:0"}]
            dmpm.write_config()
            answer = dmpm.command("reload")
            self.assertEqual(answer.returncode, 1)
            self.assertIn("logger's user or group cannot be changed while dmpm runs", answer.stderr)

    def test_status(self):
        groups = harness.two_sites()
        groups["broken"] = group(ALICE, ["/usr/bin/false"])
        hosts = {**harness.TWO_HOSTS, "c.test": "broken"}
        with Dmpm(groups=groups, hosts=hosts) as dmpm:
            worker = dmpm.get("a.test").json()["pid"]
            self.assertEqual(dmpm.get("c.test").status, 503)
            (dispatcher,) = dmpm.services("dispatcher")
            os.kill(dispatcher, signal.SIGKILL)
            eventually(lambda: dmpm.services("dispatcher") not in ([], [dispatcher]), "a successor")
            status = json.loads(dmpm.command("status", "--json").stdout)
            self.assertEqual(status["master"]["pid"], dmpm.master())
            self.assertEqual(status["master"]["phase"], "serving")
            self.assertEqual(status["master"]["configuration_file"], str(dmpm.config_file))
            services = {service["name"]: service for service in status["services"]}
            self.assertEqual(services["logger"]["failures"], 0)
            self.assertEqual([services["dispatcher 0"]["pid"]], dmpm.services("dispatcher"))
            self.assertEqual(services["dispatcher 0"]["failures"], 1)
            self.assertEqual(services["dispatcher 0"]["last_failure"],
                             f"pid {dispatcher} was killed by SIGKILL")
            self.assertEqual([group["name"] for group in status["groups"]], ["alice", "bob", "broken"])
            alice, bob, broken = status["groups"]
            self.assertEqual([w["pid"] for w in alice["workers"]], [worker])
            self.assertEqual((alice["state"], alice["starts"], alice["failures"]), ("awake", 1, 0))
            self.assertEqual((bob["state"], bob["workers"], bob["starts"]), ("asleep", [], 0))
            self.assertEqual(broken["state"], "backing off")
            self.assertGreater(broken["failures"], 1)
            self.assertIn("exited with status 1", broken["last_failure"])
            text = dmpm.command("status").stdout
            self.assertRegex(text, rf"(?m)^dmpm: serving, {dmpm.config_file}$")
            self.assertRegex(text, rf"(?m)^master +{dmpm.master()} +\d+s +0$")
            self.assertRegex(text, rf"(?m)^dispatcher 0 .* 1  pid {dispatcher} was killed by SIGKILL$")
            self.assertRegex(text, r"(?m)^alice +awake +1 ")
            self.assertRegex(text, r"(?m)^broken +backing off \S+ .*  exited with status 1 ")

    def test_stop_waits_for_the_end(self):
        with Dmpm() as dmpm, dmpm.connect() as slow:
            slow.send_request("GET", "a.test", "/wait/go")
            home = dmpm.home("alice")
            eventually((home / "go.seen").exists, "the request arrived")
            with subprocess.Popen([harness.BIN / "dmpm", "stop", "--runtime-directory", dmpm.runtime],
                                  stdout=subprocess.PIPE, text=True) as stop:
                dmpm.wait_for_line("stopping")
                dmpm.stopping = True
                self.assertIsNone(stop.poll())
                (home / "go").touch()
                self.assertEqual(slow.answer().status, 200)
                self.assertIn("stopping", stop.stdout.read())
                self.assertEqual(stop.wait(harness.DEADLINE), 0)
            self.assertEqual(dmpm.process.wait(harness.DEADLINE), 0)
            answer = dmpm.command("status")
            self.assertEqual(answer.returncode, 1)
            self.assertIn("no dmpm runs with the runtime directory", answer.stderr)

    def test_only_root(self):
        with Dmpm() as dmpm:
            path = dmpm.runtime / "control.sock"
            found = path.stat()
            self.assertEqual((stat.S_IMODE(found.st_mode), found.st_uid), (0o600, 0))
            answer = dmpm.get("a.test", f"/connect?{path}").json()
            self.assertNotEqual(answer.get("connected"), True, answer)
            other = subprocess.run(
                ["setpriv", "--reuid", ALICE, "--clear-groups", harness.BIN / "dmpm", "status",
                 "--runtime-directory", dmpm.runtime], capture_output=True, text=True, check=False)
            self.assertEqual(other.returncode, 1)
            self.assertIn("Permission denied", other.stderr)

    def test_who_says_nothing_or_nonsense_holds_nobody(self):
        with Dmpm() as dmpm:
            silent = [control(dmpm) for _ in range(10)]
            for nonsense in (b"x", b"y" * 9, b"z" * 100_000):
                with control(dmpm) as sock:
                    sock.send(nonsense)
                    self.assertEqual(sock.recv(10), b"")
            with control(dmpm) as sock:
                sock.send(struct.pack("=II", 9, 3))
                self.assertIn(b"another version", sock.recv(1000))
            with control(dmpm) as sock:
                sock.send(struct.pack("=II", 1, 99))
                self.assertIn(b"does not know that command", sock.recv(1000))
            unread = control(dmpm)
            unread.send(STATUS)  # and never reads the answer
            self.assertEqual(dmpm.command("status").returncode, 0)
            self.assertEqual(dmpm.get("a.test").status, 200)
            for sock in silent:  # their time to say something is over
                self.assertEqual(sock.recv(10), b"")
                sock.close()
            unread.close()

    def test_status_of_10_000_groups(self):
        with Dmpm(groups={}, hosts={}, listen=[{"address": "127.0.0.1:0"}]) as dmpm:
            one = group(ALICE, ["/usr/bin/false"])
            one["worker"]["directory"] = "/"
            dmpm.settings["groups"] = {f"group-{i:05}": one for i in range(10_000)}
            dmpm.write_config()
            self.assertEqual(dmpm.command("reload").returncode, 0)
            started = time.monotonic()
            with control(dmpm) as sock:
                sock.send(STATUS)
                received = []
                while not received or not self.is_done(received[-1]):
                    received.append(sock.recv(1 << 17))
            print(f"{sum(map(len, received))} bytes in {time.monotonic() - started:.3f} s")
            self.assertEqual(b"".join(received).count(b"group-"), 10_000)
            status = json.loads(dmpm.command("status", "--json").stdout)
            self.assertEqual(len(status["groups"]), 10_000)

    @staticmethod
    def is_done(message):
        return message[-8:] == struct.pack("=II", 2, 1)


if __name__ == "__main__":
    harness.main()
