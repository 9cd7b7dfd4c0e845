#!/usr/bin/python3
"""What systemd is told (sd_notify), its watchdog, and sockets that it has bound."""
import os
import signal
import socket
import sys
import unittest

import harness
from harness import Dmpm

LAUNCHER = """
import fcntl, os, sys
passed = [int(fd) for fd in sys.argv[1].split(",")]
copies = [fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 100) for fd in passed]
for fd in passed:
    os.close(fd)
for number, fd in enumerate(copies, 3):
    os.dup2(fd, number, inheritable=True)
os.environ["LISTEN_PID"] = str(os.getpid())
os.execv(sys.argv[2], sys.argv[2:])
"""


class Notified(Dmpm):
    """A dmpm whose service manager the test is."""

    def __init__(self, abstract=False, **options):
        super().__init__(**options)
        self.manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.manager.settimeout(harness.DEADLINE)
        address = f"\0dmpm-test-{os.getpid()}" if abstract else str(self.directory / "notify")
        self.manager.bind(address)
        self.environment["NOTIFY_SOCKET"] = address.replace("\0", "@")

    def told(self):
        """The next message but the watchdog's, as {name: value}."""
        while (message := self.manager.recv(4096).decode()) == "WATCHDOG=1":
            pass
        return dict(line.split("=", 1) for line in message.split("\n"))


class Notify(unittest.TestCase):
    def test_ready_reloading_upgrade_and_stopping(self):
        for abstract in (False, True):
            with self.subTest(abstract=abstract), Notified(abstract) as dmpm:
                self.assertEqual(dmpm.told()["READY"], "1")
                dmpm.signal(signal.SIGHUP)
                reloading = dmpm.told()
                self.assertEqual(reloading["RELOADING"], "1")
                self.assertGreater(int(reloading["MONOTONIC_USEC"]), 0)
                self.assertEqual(dmpm.told()["READY"], "1")
                dmpm.write_config("{")
                dmpm.signal(signal.SIGHUP)
                self.assertEqual(dmpm.told()["RELOADING"], "1")
                failed = dmpm.told()  # and it goes on
                self.assertEqual((failed["READY"], failed["STATUS"]),
                                 ("1", "serving; the last reload failed"))
                dmpm.write_config()
                self.assertEqual(dmpm.command("upgrade").returncode, 0)
                self.assertEqual(dmpm.told()["READY"], "1")
                dmpm.begin_stop()
                self.assertEqual(dmpm.told(), {"STOPPING": "1"})

    def test_the_watchdog_hears_of_a_loop_that_turns(self):
        dmpm = Notified()
        dmpm.environment["WATCHDOG_USEC"] = "40000"
        with dmpm:
            for _ in range(10):
                self.assertIn(dmpm.manager.recv(4096), (b"WATCHDOG=1", b"READY=1\nSTATUS=serving"))
            self.assertEqual(dmpm.command("upgrade").returncode, 0)
            dmpm.manager.setblocking(False)
            with self.assertRaises(BlockingIOError):
                while True:
                    dmpm.manager.recv(4096)
            dmpm.manager.settimeout(harness.DEADLINE)
            self.assertEqual(dmpm.manager.recv(4096), b"WATCHDOG=1")

    def test_somebody_elses_watchdog(self):
        dmpm = Notified()
        dmpm.environment |= {"WATCHDOG_USEC": "40000", "WATCHDOG_PID": "1"}
        with dmpm:
            self.assertEqual(dmpm.told()["READY"], "1")
            dmpm.signal(signal.SIGHUP)
            self.assertEqual(dmpm.manager.recv(4096)[:10], b"RELOADING=")


class Activated(unittest.TestCase):
    def listener(self):
        sock = socket.socket()
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(("127.0.0.1", 0))
        sock.listen(100)
        return sock, "127.0.0.1:%d" % sock.getsockname()[1]

    def test_passed_sockets_are_used_across_everything(self):
        (tls, tls_address), (plain, plain_address) = self.listener(), self.listener()
        stray, _ = self.listener()
        dmpm = Dmpm(listen=[{"address": tls_address, "tls": True}, {"address": plain_address}],
                    dispatcher={"processes": 2, "user": harness.PROXY, "group": harness.PROXY})
        passed = [plain.fileno(), stray.fileno(), tls.fileno()]
        dmpm.launcher = [sys.executable, "-c", LAUNCHER, ",".join(map(str, passed))]
        dmpm.pass_fds = passed
        dmpm.environment["LISTEN_FDS"] = "3"
        # Whoever connects before dmpm runs is served by it.
        early = socket.create_connection(plain.getsockname(), harness.DEADLINE)
        early.sendall(b"GET / HTTP/1.1\r\nHost: a.test\r\n\r\n")
        stray_address = stray.getsockname()
        with dmpm:
            self.assertTrue(early.recv(100).startswith(b"HTTP/1.1 200 "))
            self.assertIn("descriptor 4 was passed, but no \"listen\" has it", dmpm.stderr_text())
            for sock in (tls, plain, stray):  # systemd keeps them, the test does not need to
                sock.close()
            with self.assertRaises(ConnectionRefusedError):
                socket.create_connection(stray_address)
            worker = dmpm.get("a.test")
            self.assertEqual(worker.status, 200)
            self.assertEqual(dmpm.command("reload").returncode, 0)
            self.assertEqual(dmpm.command("upgrade").returncode, 0)
            with dmpm.connect_plain() as client:
                self.assertEqual(client.get("a.test").status, 200)
            for pid in dmpm.workers():
                with open(f"/proc/{pid}/environ", "rb") as file:
                    self.assertNotIn(b"NOTIFY_SOCKET", file.read())
        early.close()


if __name__ == "__main__":
    harness.main()
