#!/usr/bin/python3
"""Sites that do everything wrong, beside one that must not notice: its every answer is checked."""
import json
import os
import pathlib
import resource
import tempfile
import unittest
import unittest.mock

import harness
from harness import ALICE, BOB, CAROL, Dmpm, eventually, group, uid

# What bob's server does, as a program for python3 -c; {fd 3} is its socket.
BAD = {
    "crashes": "import sys; sys.exit('cannot start')",
    "hangs": "import time; time.sleep(1000)",
    "forks": "import os, time\n"
             "while True:\n"
             "    try: os.fork()\n"
             "    except OSError: time.sleep(0.05)",
    "eats memory": "a = []\n"
                   "while True: a.append(bytearray(1 << 20))",
    "floods its log": "import os\n"
                      "line = b'nonsense ' * 400 + b'\\n'\n"
                      "while True: os.write(2, line)",
    "answers garbage": "import socket\n"
                       "listener = socket.socket(fileno=3)\n"
                       "listener.setblocking(True)\n"
                       "while True:\n"
                       "    s, _ = listener.accept()\n"
                       "    s.recv(65536)\n"
                       "    s.sendall(b'\\0HTTP/9 nonsense\\r\\n\\r\\n' * 100)\n"
                       "    s.close()",
    "leaves daemons": "import os, sys\n"
                      "for _ in range(20):\n"
                      "    if os.fork() == 0:\n"
                      "        os.setsid()\n"
                      "        if os.fork(): os._exit(0)\n"
                      "        os.setsid()\n"
                      "        import time; time.sleep(1000)\n"
                      "sys.exit('cannot start')",
}


def bad_group(program):
    bad = group(BOB, ["/usr/bin/python3", "-IS", "-c", program], idle_timeout="1s",
                start_timeout="1s", stop_timeout="500ms", queue_timeout="2s")
    bad["permissions"]["resource_limits"] = {"processes": 64, "address_space": "256M"}
    return bad


def processes_in(directory):
    """By where they are: other tests may have processes of the same user."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            if os.readlink(f"/proc/{pid}/cwd").startswith(str(directory)):
                found.append(int(pid))
        except OSError:
            pass
    return found


def limit_descriptors(pid, more):
    """Leaves the process `more` descriptors than it has; its limits before."""
    before = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    most = max(map(int, os.listdir(f"/proc/{pid}/fd"))) + 1 + more
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (most, before[1]))
    return before


class BadSites(unittest.TestCase):
    def check_neighbour(self, client, times=20):
        for i in range(times):
            answer = client.get("a.test", f"/?{i}", headers=[("X-Token", f"t{i}")])
            self.assertEqual((answer.status, answer.header("x-token")), (200, f"t{i}"))
            self.assertEqual(answer.json()["uid"], uid(ALICE))

    def test_each_is_its_own_trouble(self):
        for name, program in BAD.items():
            with self.subTest(name):
                groups = {"alice": harness.python_worker(ALICE), "bob": bad_group(program)}
                with Dmpm(groups=groups) as dmpm, dmpm.connect() as client:
                    self.check_neighbour(client)
                    with dmpm.connect("b.test") as victim:
                        for _ in range(2):
                            victim.send_request("GET", "b.test", "/")
                            self.check_neighbour(client)
                            answer = victim.answer()
                            self.assertIn(answer.status, (502, 503, 504))
                            error = answer.header("x-error-id")
                            eventually(lambda: error in dmpm.log_text(), "the reason is in the log")
                    self.check_neighbour(client)
                # And nothing of it is left.
                eventually(lambda: not processes_in(dmpm.directory), "all of its processes have gone")

    def test_a_site_file_that_is_wrong_from_the_start(self):
        dmpm = Dmpm(groups={"alice": harness.python_worker(ALICE)}, hosts={"a.test": "alice"})
        self.addCleanup(dmpm.kill)
        sites = dmpm.directory / "sites"
        sites.mkdir(mode=0o755)
        dmpm.settings["include"] = [f"{sites}/*.json"]
        broken = {"groups": {"bob": harness.python_worker("dmpm-t-nobody")},
                  "virtual_hosts": [{"names": ["b.test"], "group": "bob",
                                     "tls": dmpm.authority.certificate("b.test")}]}
        (sites / "b.json").write_text(json.dumps(broken))
        (sites / "c.json").write_text("{ this is no JSON")
        with dmpm:
            self.assertIn("there is no user \"dmpm-t-nobody\"", dmpm.stderr_text())
            self.assertEqual(dmpm.get("a.test").status, 200)
            answer = dmpm.get("b.test")
            self.assertEqual(answer.status, 503)
            error = answer.header("x-error-id")
            eventually(lambda: error in dmpm.log_text(), "the reason is in the log")

    def test_the_dispatcher_runs_out_of_descriptors_and_recovers(self):
        with tempfile.TemporaryDirectory() as directory:
            few = pathlib.Path(directory) / "dmpm"
            few.write_text(f'#!/bin/sh\nulimit -n 256\nexec {harness.BIN.resolve()}/dmpm "$@"\n')
            few.chmod(0o755)
            with unittest.mock.patch.object(harness, "BIN", few.parent):
                dmpm = Dmpm()
                self.addCleanup(dmpm.kill)
                dmpm.write_config()
                dmpm.start()
        with dmpm.connect() as client:
            self.check_neighbour(client, 3)
            services = dmpm.services("dispatcher")
            held = [harness.socket.create_connection(("127.0.0.1", dmpm.port)) for _ in range(300)]
            self.check_neighbour(client, 3)
            for sock in held:
                sock.close()
            # Without a restart; bob's worker needs descriptors, too.
            self.assertEqual(dmpm.get("b.test").status, 200)
            self.assertEqual(dmpm.services("dispatcher"), services)
        dmpm.stop()
        dmpm.check_end()

    def test_the_master_runs_out_of_descriptors_and_recovers(self):
        with Dmpm() as dmpm, dmpm.connect() as client:
            self.check_neighbour(client, 3)
            before = limit_descriptors(dmpm.master(), 1)
            answer = client.get("b.test")
            self.assertEqual(answer.status, 503)
            eventually(lambda: "Too many open files" in dmpm.log_text(), "the reason")
            self.assertIn(answer.header("x-error-id"), dmpm.log_text())
            self.check_neighbour(client, 3)
            resource.prlimit(dmpm.master(), resource.RLIMIT_NOFILE, before)
            eventually(lambda: client.get("b.test").status == 200, "bob's worker starts")

    def test_a_full_disk_for_logs_costs_lines_and_says_how_many(self):
        dmpm = Dmpm()
        self.addCleanup(dmpm.kill)
        dmpm.logs.mkdir()
        harness.run("mount", "-t", "tmpfs", "-o", "size=256k,mode=755", "tmpfs", dmpm.logs)
        self.addCleanup(harness.run, "umount", "-l", dmpm.logs)  # before what is below it is removed
        with dmpm, dmpm.connect() as client:
            self.assertEqual(client.get("a.test", "/write-stderr?before").status, 200)
            eventually(lambda: " before\n" in dmpm.log_text("workers/alice.log"), "the first line")
            filler = dmpm.logs / "filler"
            with open(filler, "wb", buffering=0) as file:
                try:
                    while True:
                        file.write(bytes(4096))
                except OSError:
                    pass
            for i in range(100):  # more than what is left of the log's last page
                self.assertEqual(client.get("a.test", "/write-stderr?" + "x" * 100).status, 200)
            self.check_neighbour(client)
            filler.unlink()
            eventually(lambda: "lines were lost: No space left on device" in
                       dmpm.log_text("workers/alice.log"), "what was lost is told")
            self.assertEqual(client.get("a.test", "/write-stderr?after").status, 200)
            eventually(lambda: " after\n" in dmpm.log_text("workers/alice.log"), "the last line")

    def test_the_process_limit_is_told_and_left_behind(self):
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
            dmpm.settings["groups"]["carol"] = harness.json.loads(
                harness.json.dumps(dmpm.settings["groups"]["alice"]).replace(ALICE, CAROL).replace(
                    str(dmpm.home("alice")), str(dmpm.home("carol"))))
            dmpm.write_config()
            dmpm.signal(harness.signal.SIGHUP)
            dmpm.wait_for_line(r"reload done")
            self.assertEqual(dmpm.get("c.test").json()["uid"], uid(CAROL))


if __name__ == "__main__":
    harness.main()
