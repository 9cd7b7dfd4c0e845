#!/usr/bin/python3
"""Who runs as whom, with what in hand, and what they cannot reach. Seen in /proc, and tried."""
import grp
import os
import re

import harness
from harness import (ALICE, BOB, LOG, PROXY, descriptors, eventually, status_field, uid)


def ids(pid, field):
    return {int(number) for number in status_field(pid, field).split()}


class Privileges(harness.SharedDmpm):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.client = cls.dmpm.connect()
        cls.alice = cls.client.get("a.test").json()
        cls.bob = cls.client.get("b.test").json()

    @classmethod
    def tearDownClass(cls):
        cls.client.close()
        super().tearDownClass()

    def ask(self, path):
        """What alice's own program achieves."""
        return self.client.get("a.test", path).json()

    def check_service(self, pid, user, root):
        self.assertEqual(ids(pid, "Uid"), {uid(user)})
        self.assertEqual(ids(pid, "Gid"), {grp.getgrnam(user).gr_gid})
        self.assertEqual(status_field(pid, "Groups").strip(), "")
        for kind in ("CapEff", "CapPrm", "CapInh", "CapAmb"):
            self.assertEqual(int(status_field(pid, kind), 16), 0, kind)
        self.assertEqual(status_field(pid, "NoNewPrivs"), "1")
        self.assertEqual(os.readlink(f"/proc/{pid}/root"), str(root))
        # Not dumpable: what is in /proc belongs to root.
        self.assertEqual(os.stat(f"/proc/{pid}/maps").st_uid, 0)
        self.assertLessEqual(self.environment(pid), {"PATH", "LANG"})

    def environment(self, pid):
        """The names of the variables."""
        with open(f"/proc/{pid}/environ", "rb") as file:
            return {entry.split(b"=")[0].decode() for entry in file.read().split(b"\0") if entry}

    def test_the_dispatcher(self):
        (pid,) = self.dmpm.services("dispatcher")
        self.check_service(pid, PROXY, self.dmpm.runtime / "sockets")
        found = descriptors(pid)
        for number, what in found.items():
            if number <= 2:
                self.assertIn(what, {"/dev/null", str(self.dmpm.stderr)})
            elif what.startswith("pipe:"):
                # Both ends of its own: the event library's, for signals.
                self.assertEqual(list(found.values()).count(what), 2, what)
            else:
                self.assertTrue(what.startswith(("socket:", "anon_inode:")), (number, what))

    def test_the_logger(self):
        (pid,) = self.dmpm.services("logger")
        self.check_service(pid, LOG, self.dmpm.logs)
        for number, what in descriptors(pid).items():
            self.assertTrue(what.startswith(("socket:", "anon_inode:", "/dev/null", "/", "pipe:")),
                            (number, what))
            if what.startswith("/") and number > 2:
                self.assertTrue(what.startswith(str(self.dmpm.logs)), (number, what))

    def test_the_master_keeps_what_it_needs(self):
        """By name as in capabilities(7); what root does not have here it cannot keep either."""
        own = {"CHOWN": 0, "DAC_OVERRIDE": 1, "FOWNER": 3, "KILL": 5, "SETGID": 6, "SETUID": 7,
               "SETPCAP": 8, "NET_BIND_SERVICE": 10, "SYS_CHROOT": 18, "SYS_RESOURCE": 24}
        nobodys = {"LINUX_IMMUTABLE": 9, "SYS_MODULE": 16, "SYS_RAWIO": 17, "SYS_PTRACE": 19,
                   "SYS_PACCT": 20, "SYS_BOOT": 22, "SYS_TIME": 25, "SYS_TTY_CONFIG": 26,
                   "AUDIT_CONTROL": 30, "MAC_OVERRIDE": 32, "MAC_ADMIN": 33, "SYSLOG": 34,
                   "WAKE_ALARM": 35, "BLOCK_SUSPEND": 36, "AUDIT_READ": 37, "PERFMON": 38,
                   "BPF": 39, "CHECKPOINT_RESTORE": 40}

        def bits(capabilities):
            return sum(1 << number for number in capabilities.values())

        def had(kind):
            return int(status_field("self", kind), 16)

        master = self.dmpm.master()
        for kind in ("CapEff", "CapPrm"):
            self.assertEqual(int(status_field(master, kind), 16), bits(own) & had(kind), kind)
        self.assertEqual(int(status_field(master, "CapInh"), 16), 0)
        left = had("CapBnd") & ~bits(nobodys)
        for pid in (master, *self.dmpm.services("dispatcher"), self.alice["pid"]):
            self.assertEqual(int(status_field(pid, "CapBnd"), 16), left)

    def test_the_filters_are_there(self):
        for name in ("dispatcher", "logger"):
            (pid,) = self.dmpm.services(name)
            self.assertEqual(status_field(pid, "Seccomp"), "2", name)

    def test_a_workers_identity(self):
        for worker, user in ((self.alice, ALICE), (self.bob, BOB)):
            self.assertEqual((worker["uid"], worker["euid"]), (uid(user), uid(user)))
            self.assertEqual(worker["gid"], grp.getgrnam(user).gr_gid)
            self.assertEqual(set(worker["groups"]) - {worker["gid"]}, set())
            self.assertEqual(int(status_field(worker["pid"], "CapEff"), 16), 0)
            self.assertEqual(int(status_field(worker["pid"], "CapPrm"), 16), 0)

    def test_a_worker_holds_its_socket_and_its_log_and_nothing_else(self):
        found = descriptors(self.alice["pid"])
        self.assertEqual(found.pop(0), "/dev/null")
        pipe = found.pop(1)
        self.assertTrue(pipe.startswith(f"{self.dmpm.logs}/.pipes/"), pipe)
        self.assertEqual(found.pop(2), pipe)
        listener = found.pop(3)
        self.assertTrue(listener.startswith("socket:"))
        # What is left are the connections that it has accepted itself.
        mine = self.unix_sockets()
        inode = re.search(r"\d+", listener)[0]
        for number, what in found.items():
            accepted = re.search(r"socket:\[(\d+)\]", what)
            self.assertTrue(accepted, (number, what))
            self.assertEqual(mine[accepted[1]], mine[inode], (number, what))

    def unix_sockets(self):
        """{inode: path} of all Unix sockets."""
        with open("/proc/net/unix", encoding="utf-8") as file:
            lines = [line.split() for line in file][1:]
        return {line[6]: line[7] if len(line) > 7 else "" for line in lines}

    def test_the_workers_environment_is_clean(self):
        names = self.environment(self.alice["pid"])
        self.assertLessEqual({"LISTEN_FDS", "LISTEN_PID"}, names)
        self.assertEqual({name for name in names if "SAN" in name or "DMPM" in name}, set())

    def test_a_worker_cannot_reach_another_groups_things(self):
        secret = self.dmpm.home("bob") / "secret"
        secret.write_text("bob's")
        os.chown(secret, uid(BOB), uid(BOB))
        secret.chmod(0o600)
        sockets = sorted((self.dmpm.runtime / "sockets").iterdir())
        self.assertEqual(len([path for path in sockets if path.is_socket()]), 2, sockets)
        cases = [f"/open?{secret}", f"/open?/proc/{self.bob['pid']}/mem",
                 f"/open?/proc/{self.bob['pid']}/environ", f"/open?{self.dmpm.logs}/dmpm.log",
                 f"/open?{self.dmpm.logs}/workers/bob.log",
                 f"/open?{self.dmpm.authority.directory}/b.test.key",
                 f"/open?{self.dmpm.authority.directory}/a.test.key",
                 f"/signal?{self.bob['pid']}", f"/signal?{self.dmpm.services('dispatcher')[0]}"]
        cases += [f"/connect?{path}" for path in sockets]
        for case in cases:
            with self.subTest(case):
                self.assertEqual(self.ask(case), {"error": "PermissionError"})

    def test_a_worker_cannot_replace_its_own_socket(self):
        directory = self.dmpm.runtime / "sockets"
        mode = directory.stat()
        self.assertEqual(mode.st_uid, 0)
        self.assertEqual(mode.st_mode & 0o022, 0)
        for path in directory.iterdir():
            self.assertEqual(path.stat().st_mode & 0o777, 0o660, path)
            self.assertNotIn(path.stat().st_gid, {self.alice["gid"], self.bob["gid"]})

    def test_alice_can_read_what_is_hers(self):
        mine = self.dmpm.home("alice") / "mine"
        mine.write_text("alice's")
        os.chown(mine, uid(ALICE), uid(ALICE))
        mine.chmod(0o600)
        self.assertEqual(self.ask(f"/open?{mine}"), {"done": "alice's"})

    def test_logs_are_not_for_everybody(self):
        self.client.get("a.test", "/write-stderr?hello")
        eventually(lambda: "hello" in self.dmpm.log_text("workers/alice.log"), "the line")
        for path in (self.dmpm.logs / "dmpm.log", self.dmpm.logs / "workers" / "alice.log"):
            self.assertEqual(path.stat().st_mode & 0o777, 0o640)
            self.assertEqual(path.stat().st_uid, uid(LOG))


if __name__ == "__main__":
    harness.main()
