#!/usr/bin/python3
"""Tries every attack of docs/security.md in each process's place, as the process is locked down and
as it would be without: the first has to end as the table says, the second has to succeed, or the
first would prove nothing. The table is read from the document, so that it cannot say anything else.
"""
import ctypes
import pathlib
import re
import subprocess
import unittest

import place
from place import harness

DOCUMENT = pathlib.Path(__file__).resolve().parent.parent.parent / "docs" / "security.md"
ASKING = "ask the master for a worker as one may"
LEAST = 40

# What may fail even for root without any lock-down, and why.
NOT_EVERYWHERE = {
    "open /proc/1/mem": "in a container, process 1 may be out of root's reach",
    "load a kernel module": "a kernel may be without modules",
    "load another kernel": "a kernel may be without kexec",
    "use I/O ports": "not on every machine",
    "make a 32-bit call": "a kernel may know one kind of calls only",
    "make an x32 call": "most kernels do not know them",
    "watch the kernel by perf": "a kernel may be without it",
    "handle page faults": "a kernel may be without it",
    "set up io_uring": "can be turned off",
}


def landlock_version():
    version = ctypes.CDLL(None, use_errno=True).syscall(444, None, ctypes.c_size_t(0), 1)
    return max(version, 0)


def table():
    """{attack: {place: cell}} of the document."""
    text = DOCUMENT.read_text(encoding="utf-8")
    lines = re.search(r"^\| attack \|.*?(?=\n\n)", text, re.MULTILINE | re.DOTALL)[0].splitlines()
    heads, *rows = ([cell.strip() for cell in line.strip("|").split("|")] for line in lines)
    return {row[0]: dict(zip(heads[1:], row[1:])) for row in rows[1:]}


def attacks():
    listed = subprocess.run([place.ATTACKER], capture_output=True, text=True, check=True).stdout
    names = listed.splitlines()
    return names[:names.index(ASKING)]


class RedTeam(unittest.TestCase):
    def test_the_document_lists_every_attack(self):
        self.assertEqual(list(table()), attacks())

    def test_the_dispatcher(self):
        with place.Dispatcher() as where:
            self.attack_all(where, "dispatcher")

    def test_the_keyholder(self):
        with place.Keyholder() as where:
            self.attack_all(where, "keyholder")

    def test_the_logger(self):
        with place.Logger() as where:
            self.attack_all(where, "logger")

    def test_the_metrics_process(self):
        with place.Metrics() as where:
            self.attack_all(where, "metrics")

    def test_a_worker(self):
        with place.Worker() as where:
            self.attack_all(where, "worker")

    def attack_all(self, where, column):
        version, tried = landlock_version(), 0
        for name, row in table().items():
            # "EPERM", or "EPERM (Landlock 6)": on a kernel that has it.
            cell = re.fullmatch(r"(killed|nothing|E[A-Z]+)(?: \(Landlock (\d+)\))?", row[column])
            if not cell or int(cell[2] or 0) > version:
                continue
            tried += 1
            with self.subTest(name):
                locked = where.attack(name, locked=True)
                if locked != "ENOSYS" or name not in NOT_EVERYWHERE:
                    self.assertEqual(locked, cell[1])
                free = where.attack(name, locked=False)
                if free != "succeeded" and name in NOT_EVERYWHERE:
                    print(f"  {name}: {free} for root too: {NOT_EVERYWHERE[name]}")
                else:
                    self.assertEqual(free, "succeeded", "without the lock-down")
        self.assertGreaterEqual(tried, LEAST)


class TalkToTheMaster(unittest.TestCase):
    """What somebody in the dispatcher's place can say to the master: it ends him, and goes on."""

    OFFENCES = {
        "ask the master for a worker of an unknown group": "names a group that never was",
        "ask the master for 100,000 workers": "",  # whichever limit comes first
        "send the master half a request": "sent a request of the wrong size",
        "send the master a huge message": "sent a request of the wrong size",
        "send the master an unknown request": "sent a request of unknown type",
        "send the master a request out of phase": "sent a request out of phase",
        "release a worker that never was": "worker",
        "call an unknown group's worker idle": "names a group that never was",
        "confirm a configuration that never came": "confirms a version out of turn",
    }

    def test_what_it_must_not_say(self):
        names = list(self.OFFENCES)
        # In two halves: a dispatcher that dies again and again is started more and more slowly.
        for half in (names[::2], names[1::2]):
            with place.Dispatcher() as where:
                self.say_all(where, half)

    def say_all(self, where, names):
        master = where.dmpm.master()
        self.assertEqual(where.attack(ASKING, locked=True), "succeeded")
        for name in names:
            with self.subTest(name):
                said = len(where.dmpm.log_text())
                # The master ends the dispatcher, that is the attacker's whole family.
                self.assertEqual(where.attack(name, locked=True), "")
                where.server.accept()
                line = where.dmpm.wait_for_line(rf"dispatcher 0.*{self.OFFENCES[name]}.*", said,
                                                where.dmpm.log_text)
                print(f"  {name}: {line[0]}")
                self.assertLessEqual(len(where.dmpm.workers(harness.ALICE)), 1)
                self.assertEqual(where.dmpm.master(), master)
        self.assertEqual(where.attack(ASKING, locked=True), "succeeded")


class TalkToTheKeyholder(unittest.TestCase):
    """What somebody in the dispatcher's place can ask the keyholder for: handshakes, and nothing else."""

    RIGHT = ("have a handshake signed as one may", "have a handshake of TLS 1.2 signed as one may")
    # How it ends, where that is not by a refusal.
    ENDINGS = {
        "have 100,000 bytes signed": "EBADMSG",
        "send the keyholder a huge message": "EBADMSG",
        "have something decrypted": "EBADMSG",
        "ask the keyholder for what it does not do": "EBADMSG",
        "send the keyholder each part of a request": "EBADMSG",
        "send the keyholder random bytes": "EBADMSG",
        "ask for 100,000 signatures": "EBUSY",
        "ask for 100,000 certificates": "EBADMSG",
    }
    TOLD = ("signatures of what is no TLS handshake of that key, refused", "malformed messages",
            "requests beyond its rate, refused")

    def test_what_it_signs(self):
        listed = subprocess.run([place.ATTACKER], capture_output=True, text=True, check=True).stdout
        names = listed.splitlines()
        names = names[names.index(self.RIGHT[0]) + len(self.RIGHT):]
        self.assertLessEqual(set(self.ENDINGS), set(names))
        with place.Dispatcher() as where:
            keyholder = where.other()
            where.server.connection.settimeout(120)  # 100,000 of something take their time
            self.may(where)
            for name in names:
                with self.subTest(name):
                    ended = where.attack(name, locked=True)
                    self.assertEqual(ended, self.ENDINGS.get(name, "EPERM"))
                    harness.eventually(lambda: where.attack(self.RIGHT[0], True) == "succeeded",
                                       "it signs again")
            self.may(where)
            self.assertEqual(where.dmpm.services("keyholder"), [keyholder])
            for told in self.TOLD:
                line = where.dmpm.wait_for_line(rf"dispatcher 0 at the keyholder: \d+ {told}", 0,
                                                where.dmpm.log_text)
                print(f"  {line[0]}")

    def may(self, where):
        for name in self.RIGHT:
            self.assertEqual(where.attack(name, locked=True), "succeeded")


if __name__ == "__main__":
    harness.main()
