#!/usr/bin/python3
"""Sites that do everything wrong, beside one that must not notice: its every answer is checked."""
import json
import os
import re
import shutil
import unittest

import harness
from harness import ALICE, BOB, Dmpm, eventually, group, uid

# What a bad server does, as a program for python3 -c; {fd 3} is its socket.
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


def bad_group(program, user):
    bad = group(user, ["/usr/bin/python3", "-IS", "-c", program], idle_timeout="1s",
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


class BadSites(unittest.TestCase):
    def check_neighbour(self, client, times=20):
        for i in range(times):
            answer = client.get("a.test", f"/?{i}", headers=[("X-Token", f"t{i}")])
            self.assertEqual((answer.status, answer.header("x-token")), (200, f"t{i}"))
            self.assertEqual(answer.json()["uid"], uid(ALICE))

    def test_each_is_its_own_trouble(self):
        for name, program in BAD.items():
            with self.subTest(name):
                groups = {"alice": harness.python_worker(ALICE), "bob": bad_group(program, BOB)}
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

    @unittest.skipUnless(shutil.which("lighttpd"), "no lighttpd")
    def test_a_preset_that_hangs_before_its_server(self):
        preset = {"permissions": {"user": BOB},
                  "worker": {"preset": "static", "document_root": "{home}", "index": ["page"],
                             "private_directory": "{home}/own"},
                  "scale": {"start_timeout": "1s", "stop_timeout": "500ms", "idle_timeout": "100ms"}}
        dmpm = Dmpm(groups={"alice": harness.python_worker(ALICE), "bob": preset})
        page, pipe = dmpm.home("bob") / "page", dmpm.home("bob") / "own/worker.0/lighttpd.conf"
        page.write_text("bob's", encoding="utf-8")
        with dmpm, dmpm.connect() as client, dmpm.connect("b.test") as victim:
            self.assertEqual(victim.get("b.test").body, b"bob's")
            eventually(lambda: not dmpm.workers(BOB), "asleep")
            pipe.unlink()
            os.mkfifo(pipe)  # whoever opens it to read waits for a writer
            shutil.chown(pipe, BOB)
            victim.send_request("GET", "b.test", "/")
            self.check_neighbour(client)
            answer = victim.answer()
            self.assertEqual(answer.status, 503)
            said = (f"error {answer.header('x-error-id')}: status 503, could not be set up within "
                    "start_timeout")
            eventually(lambda: said in dmpm.log_text(), "the reason is in the log")
            self.assertEqual(len(re.findall(r"group bob: worker \d+ started", dmpm.log_text())), 1)
            pipe.unlink()
            eventually(lambda: victim.get("b.test").status == 200, "its time is over")

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


if __name__ == "__main__":
    harness.main()
