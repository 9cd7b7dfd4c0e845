#!/usr/bin/python3
"""Descriptors, disk space and processes run out: dmpm says so, serves what it can, and recovers when there
are some again, without a restart."""
import contextlib
import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import tempfile
import unittest
import unittest.mock

import harness
from harness import ALICE, CAROL, MALLORY, Dmpm, eventually, group, uid


def set_descriptors(pid, most):
    """By its own user: root need not have the capability for others' processes."""
    harness.run("setpriv", "--reuid", harness.owner(pid), "--regid", harness.owner(pid, "Gid"), "--clear-groups",
                "prlimit", "--pid", pid, f"--nofile={most}:")


def limit_descriptors(pid, more):
    """Leaves the process `more` descriptors than it has; its limit before."""
    limits = pathlib.Path(f"/proc/{pid}/limits").read_text(encoding="ascii")
    before = int(re.search(r"^Max open files +(\d+)", limits, re.MULTILINE)[1])
    set_descriptors(pid, max(map(int, os.listdir(f"/proc/{pid}/fd"))) + 1 + more)
    return before


def sleeper(user):
    """A process of theirs that is none of dmpm's."""
    return subprocess.Popen(["/usr/bin/sleep", "100"], user=user)


@contextlib.contextmanager
def process_limit():
    """A new cgroup in which the number of processes can be limited; skips the test where there is none."""
    for top in ("/sys/fs/cgroup/pids", "/sys/fs/cgroup"):
        path = pathlib.Path(top, f"dmpm-test.{os.getpid()}")
        with contextlib.suppress(OSError):
            path.mkdir()
            if (path / "pids.max").exists():
                break
            path.rmdir()
    else:
        raise unittest.SkipTest("there is no pids controller")
    try:
        yield path
    finally:
        eventually(lambda: remove(path), "the cgroup is empty")


def remove(directory):
    with contextlib.suppress(OSError):
        directory.rmdir()
    return not directory.exists()


class Exhaustion(unittest.TestCase):
    NO_PROCESS = "Resource temporarily unavailable"
    SERVICES = ("logger", "keyholder", "dispatcher")

    def check(self, client, times=20):
        """Alice's site is served."""
        for i in range(times):
            answer = client.get("a.test", f"/?{i}", headers=[("X-Token", f"t{i}")])
            self.assertEqual((answer.status, answer.header("x-token")), (200, f"t{i}"))
            self.assertEqual(answer.json()["uid"], uid(ALICE))

    def check_unavailable(self, dmpm, client, host, reason):
        """It cannot be served, and the log says why."""
        answer = client.get(host)
        self.assertEqual(answer.status, 503)
        self.assertGreaterEqual(int(answer.header("retry-after")), 1)
        error = answer.header("x-error-id")
        (line,) = eventually(lambda: [line for line in dmpm.log_text().splitlines() if error in line],
                             "the error id")
        self.assertIn(reason, line)

    # ---- descriptors ----

    def test_the_dispatcher_runs_out_of_descriptors_and_recovers(self):
        with tempfile.TemporaryDirectory() as directory:
            few = pathlib.Path(directory) / "dmpm"
            few.write_text(f'#!/bin/sh\nulimit -n 320\nexec {harness.BIN.resolve()}/dmpm "$@"\n')
            few.chmod(0o755)
            with unittest.mock.patch.object(harness, "BIN", few.parent):
                dmpm = Dmpm()
                self.addCleanup(dmpm.kill)
                dmpm.write_config()
                dmpm.start()
        with dmpm.connect() as client:
            self.check(client, 3)
            services = dmpm.services("dispatcher")
            # Of many: one who breaks so many handshakes off is made to wait.
            held = [socket.create_connection(("127.0.0.1", dmpm.port),
                                             source_address=(f"127.0.9.{number % 10}", 0))
                    for number in range(400)]
            eventually(lambda: "no connection is accepted for the moment" in dmpm.log_text(), "the reason")
            self.check(client, 3)
            for sock in held:
                sock.close()
            # Without a restart; bob's worker needs descriptors, too.
            self.assertEqual(dmpm.get("b.test").status, 200)
            self.assertEqual(dmpm.services("dispatcher"), services)
        dmpm.stop()
        dmpm.check_end()

    def test_the_master_runs_out_of_descriptors_and_recovers(self):
        with Dmpm() as dmpm, dmpm.connect() as client:
            self.check(client, 3)
            before = limit_descriptors(dmpm.master(), 1)
            self.check_unavailable(dmpm, client, "b.test", "Too many open files")
            self.check(client, 3)
            set_descriptors(dmpm.master(), before)
            eventually(lambda: client.get("b.test").status == 200, "bob's worker starts")

    def test_the_logger_runs_out_of_descriptors_and_recovers(self):
        with Dmpm() as dmpm, dmpm.connect() as client:
            self.check(client, 3)
            (logger,) = dmpm.services("logger")
            before = limit_descriptors(logger, 0)
            self.assertEqual(client.get("b.test", "/write-stderr?meanwhile").status, 200)
            eventually(lambda: re.search("no log of group bob: .*Too many open files", dmpm.log_text()),
                       "the reason")
            set_descriptors(logger, before)
            eventually(lambda: " meanwhile\n" in dmpm.log_text("workers/bob.log"), "what bob's wrote")
            self.assertEqual(dmpm.services("logger"), [logger])

    # ---- disk ----

    def fill(self, file):
        with open(file, "wb", buffering=0) as filler, contextlib.suppress(OSError):
            while True:
                filler.write(bytes(4096))

    def test_a_full_disk_for_logs_costs_lines_and_says_how_many(self):
        dmpm = Dmpm(access_log={"file": "access.log"})
        self.addCleanup(dmpm.kill)
        dmpm.logs.mkdir()
        harness.run("mount", "-t", "tmpfs", "-o", "size=256k,mode=755", "tmpfs", dmpm.logs)
        self.addCleanup(harness.run, "umount", "-l", dmpm.logs)  # before what is below it is removed
        with dmpm, dmpm.connect() as client:
            self.assertEqual(client.get("a.test", "/write-stderr?before").status, 200)
            eventually(lambda: " before\n" in dmpm.log_text("workers/alice.log"), "the first line")
            filler = dmpm.logs / "filler"
            self.fill(filler)
            for i in range(100):  # more than what is left of the logs' last pages
                self.assertEqual(client.get("a.test", "/write-stderr?" + "x" * 100).status, 200)
                self.assertEqual(client.get("unknown.test").status, 421)
            # What the dispatcher has for the access log goes to the logger when it is a message full.
            self.check(client, 1000)
            filler.unlink()
            lost = "lines were lost: No space left on device"
            eventually(lambda: lost in dmpm.log_text("workers/alice.log"), "what alice's log lost")
            eventually(lambda: "warning logger: access.log: " in dmpm.log_text() and
                       re.search(rf"warning logger: [0-9]+ {lost}", dmpm.log_text()),
                       "what the access log and dmpm.log have lost")
            self.assertEqual(client.get("a.test", "/write-stderr?after").status, 200)
            eventually(lambda: " after\n" in dmpm.log_text("workers/alice.log"), "the last line")

    # ---- processes ----

    def test_a_customer_s_server_cannot_fork(self):
        groups = {"alice": harness.python_worker(ALICE),
                  "carol": group(CAROL, ["/bin/sh", "-c", "true & true & exec sleep 100"],
                                 idle_timeout="1s", start_timeout="1s")}
        groups["carol"]["permissions"]["resource_limits"] = {"processes": 1}
        hosts = {"a.test": "alice", "c.test": "carol"}
        with Dmpm(groups=groups, hosts=hosts) as dmpm:
            answer = dmpm.get("c.test")
            self.assertIn(answer.status, (502, 503, 504))
            eventually(lambda: "fork" in dmpm.log_text("workers/carol.log"), "the shell's words")
            self.assertEqual(dmpm.get("a.test").status, 200)
            dmpm.settings["groups"]["carol"] = json.loads(
                json.dumps(dmpm.settings["groups"]["alice"]).replace(ALICE, CAROL).replace(
                    str(dmpm.home("alice")), str(dmpm.home("carol"))))
            dmpm.write_config()
            dmpm.signal(signal.SIGHUP)
            dmpm.wait_for_line(r"reload done")
            self.assertEqual(dmpm.get("c.test").json()["uid"], uid(CAROL))

    def test_a_customer_has_as_many_processes_as_allowed(self):
        groups = {"alice": harness.python_worker(ALICE), "bob": harness.python_worker(MALLORY)}
        groups["bob"]["permissions"]["resource_limits"] = {"processes": 8}
        with contextlib.ExitStack() as stack:
            dmpm = stack.enter_context(Dmpm(groups=groups))
            client = stack.enter_context(dmpm.connect())
            others = [stack.enter_context(sleeper(MALLORY)) for _ in range(8)]
            # Some kernels refuse the exec, others the first thread.
            self.check_unavailable(dmpm, client, "b.test", "")
            self.assertRegex(dmpm.log_text() + dmpm.log_text("workers/bob.log"),
                             rf"{self.NO_PROCESS}|can't start new thread")
            self.check(client, 3)
            for other in others:
                other.kill()
                other.wait()
            eventually(lambda: client.get("b.test").status == 200, "bob's worker starts")

    def test_the_machine_has_no_room_for_more_processes(self):
        with process_limit() as cgroup:
            dmpm = Dmpm()
            self.addCleanup(dmpm.kill)
            dmpm.launcher = ["/bin/sh", "-c", f'echo $$ >{cgroup}/cgroup.procs && exec "$@"', "sh"]
            with dmpm, dmpm.connect() as client:
                self.check(client, 3)
                (cgroup / "pids.max").write_text("1", encoding="ascii")
                self.check_unavailable(dmpm, client, "b.test", self.NO_PROCESS)
                self.check(client, 3)
                for service in self.SERVICES:
                    os.kill(dmpm.services(service)[0], signal.SIGKILL)
                    eventually(lambda what=rf"{service}.*: .*{self.NO_PROCESS}":
                               re.search(what, dmpm.stderr_text() + dmpm.log_text()), "the reason")
                (cgroup / "pids.max").write_text("max", encoding="ascii")
                for service in self.SERVICES:
                    eventually(lambda service=service: dmpm.services(service), service)
                # What was connected has gone with its dispatcher.
                self.assertEqual(dmpm.get("a.test").status, 200)
                eventually(lambda: dmpm.get("b.test").status == 200, "bob's worker starts")


if __name__ == "__main__":
    harness.main()
