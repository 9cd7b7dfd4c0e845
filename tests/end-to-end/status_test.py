#!/usr/bin/python3
"""dmpm status: what it tells of groups that work, sleep and fail; chosen, sorted, coloured, live."""
import json
import signal
import termios
import unittest

import harness
from harness import ALICE, BOB, Dmpm, eventually, group, python_worker
from terminal import Terminal


# A worker whose child has most of the memory.
LARGE = """
import os, socket, time
listener = socket.socket(fileno=3)
if os.fork() == 0:
    block = b'x' * (64 << 20)
    open('ready', 'w').close()
    time.sleep(1000)
while True:
    s, _ = listener.accept()
    s.recv(65536)
    s.sendall(b'HTTP/1.1 200 OK\\r\\nContent-Length: 0\\r\\n\\r\\n')
    s.close()
"""


def status_of(dmpm, *arguments):
    answer = dmpm.command("status", "--json", *arguments)
    if answer.returncode != 0:
        raise AssertionError(answer.stderr)
    return json.loads(answer.stdout)


def group_of(dmpm, name):
    return next(each for each in status_of(dmpm)["groups"] if each["name"] == name)


def names(dmpm, *arguments):
    return [each["name"] for each in status_of(dmpm, *arguments)["groups"]]


def shown(dmpm, *arguments, rows=24, **environment):
    return Terminal(harness.BIN / "dmpm", "status", "--runtime-directory", dmpm.runtime, *arguments,
                    rows=rows, **environment)


class Status(harness.SharedDmpm):
    @classmethod
    def options(cls):
        return {
            "groups": {
                "alice": python_worker(ALICE),
                "bob": python_worker(BOB),
                "shop-1": python_worker(ALICE, idle_timeout="100ms"),
                "broken": group(BOB, ["/usr/bin/false"]),
                "large": group(BOB, ["/usr/bin/python3", "-IS", "-c", LARGE]),
            },
            "hosts": {"a.test": "alice", "b.test": "bob", "shop.test": "shop-1",
                      "broken.test": "broken", "large.test": "large"},
        }

    def test_memory_and_processor_time(self):
        pid = self.dmpm.get("a.test").json()["pid"]
        alice = group_of(self.dmpm, "alice")
        anonymous = int(harness.status_field(pid, "RssAnon").split()[0]) * 1024
        self.assertGreaterEqual(alice["memory_bytes"], anonymous / 2)
        self.assertLess(alice["memory_bytes"], anonymous * 2 + (64 << 20))
        self.assertGreater(alice["cpu_ms"], 0)
        self.assertEqual([worker["pid"] for worker in alice["workers"]], [pid])

    def test_a_group_that_sleeps_is_still_told_of(self):
        self.assertEqual(self.dmpm.get("shop.test").status, 200)
        eventually(lambda: group_of(self.dmpm, "shop-1")["state"] == "asleep", "it sleeps")
        asleep = group_of(self.dmpm, "shop-1")
        self.assertEqual((asleep["workers"], asleep["memory_bytes"]), ([], 0))
        self.assertGreaterEqual(asleep["starts"], 1)
        if "without cgroups" not in self.dmpm.log_text():
            self.assertGreater(asleep["cpu_ms"], 0)  # Python's start alone takes 10 ms
            self.assertEqual(self.dmpm.get("shop.test").status, 200)
            self.assertGreater(group_of(self.dmpm, "shop-1")["cpu_ms"], asleep["cpu_ms"])

    def test_requests_in_flight(self):
        with self.dmpm.connect("b.test") as client:
            client.send_request("GET", "b.test", "/wait/go")
            eventually((self.dmpm.home("bob") / "go.seen").exists, "the request arrived")
            eventually(lambda: group_of(self.dmpm, "bob")["in_flight"] == 1, "it is counted")
            (self.dmpm.home("bob") / "go").touch()
            self.assertEqual(client.answer().status, 200)
        eventually(lambda: group_of(self.dmpm, "bob")["in_flight"] == 0, "it is over")

    def test_chosen_and_sorted(self):
        self.dmpm.get("broken.test")
        self.dmpm.get("a.test")
        everything = ["alice", "bob", "broken", "large", "shop-1"]
        self.assertEqual(names(self.dmpm), everything)
        self.assertEqual(names(self.dmpm, "--group", "b*"), ["bob", "broken"])
        self.assertIn("alice", names(self.dmpm, "--state", "awake"))
        # Between two tries; after the last one that somebody asked for it sleeps.
        eventually(lambda: self.dmpm.get("broken.test").status == 503 and
                   "broken" in names(self.dmpm, "--state", "backing-off"), "it backs off")
        self.assertNotIn("alice", names(self.dmpm, "--state", "backing-off"))
        self.assertEqual(names(self.dmpm, "--sort", "failures")[0], "broken")
        self.assertEqual(sorted(names(self.dmpm, "--sort", "memory")), everything)
        self.assertEqual(names(self.dmpm, "--group", "none"), [])
        text = self.dmpm.command("status", "--group", "alice", "--workers").stdout
        self.assertRegex(text, r"(?m)^  worker \d+ running, pid \d+, \d+s$")
        self.assertRegex(text, r"(?m)^5 groups: .*; 1 shown, with .* of memory$")
        self.assertNotIn("bob", text)

    def test_colours_on_a_terminal_only(self):
        self.dmpm.get("broken.test")
        self.assertNotIn("\x1b", self.dmpm.command("status").stdout)
        with shown(self.dmpm) as terminal:
            self.assertEqual(terminal.end(), 0)
            self.assertIn(b"\x1b[", terminal.said)
        for environment in ({"NO_COLOR": "1"}, {"TERM": "dumb"}):
            with self.subTest(environment), shown(self.dmpm, **environment) as terminal:
                self.assertEqual(terminal.end(), 0)
                self.assertNotIn(b"\x1b", terminal.said)

    def test_the_live_screen(self):
        self.dmpm.get("a.test")
        with shown(self.dmpm, "--watch") as terminal:
            terminal.wait_for(r"alice +awake.*sorted by name")
            self.assertTrue(terminal.said.startswith(b"\x1b[?1049h"))
            self.assertFalse(termios.tcgetattr(terminal.slave)[3] & termios.ECHO)
            terminal.press(b"s")
            terminal.wait_for("sorted by state")
            # By itself, too: a group that was asleep shows up as it wakes.
            at = len(terminal.said)
            self.dmpm.get("b.test")
            terminal.wait_for(r"bob +awake", at)
            terminal.press(b"q")
            self.assertEqual(terminal.end(), 0)
            self.assertTrue(terminal.said.endswith(b"\x1b[?1049l"))
            self.assertEqual(termios.tcgetattr(terminal.slave), terminal.before)

    def test_the_live_screen_fits_and_moves(self):
        # Nine rows are for the processes, one is for the titles and one for the keys: two are left.
        with shown(self.dmpm, "--watch", rows=13) as terminal:
            terminal.wait_for("sorted by name")
            first = terminal.said.split(b"\x1b[J")[0]
            self.assertEqual(first.count(b"\r\n"), 12)
            self.assertNotIn(b"shop-1", first)
            terminal.press(b" ")
            terminal.wait_for("large")
            terminal.press(b"j")
            terminal.wait_for("shop-1")
            at = len(terminal.said)
            terminal.press(b"\x1b[H")
            terminal.wait_for("alice", at)

    def test_the_terminal_is_given_back_whatever_ends_it(self):
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            with self.subTest(number), shown(self.dmpm, "--watch") as terminal:
                terminal.wait_for("sorted by name")
                terminal.process.send_signal(number)
                self.assertEqual(terminal.end(), 0)
                self.assertTrue(terminal.said.endswith(b"\x1b[?1049l"))
                self.assertEqual(termios.tcgetattr(terminal.slave), terminal.before)

    def test_a_workers_children_count(self):
        """By its cgroup, or by descent."""
        self.assertEqual(self.dmpm.get("large.test").status, 200)
        eventually((self.dmpm.home("large") / "ready").exists, "the child is there")
        self.assertGreater(group_of(self.dmpm, "large")["memory_bytes"], 64 << 20)


class TheEnd(unittest.TestCase):
    def test_a_live_screen_outlives_dmpm(self):
        with Dmpm() as dmpm, shown(dmpm, "--watch") as terminal:
            terminal.wait_for("sorted by name")
            self.assertEqual(dmpm.stop(), 0)
            terminal.wait_for("no dmpm runs with the runtime directory")
            terminal.press(b"q")
            self.assertEqual(terminal.end(), 0)


if __name__ == "__main__":
    harness.main()
