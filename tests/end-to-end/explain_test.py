#!/usr/bin/python3
"""dmpm explain: of an error id, what happened to its request; of a name, where it leads and why."""
import json
import os
import re
import unittest

import harness
from harness import ALICE, BOB, Dmpm, eventually, group, python_worker


def error_of(dmpm, answer):
    """Its id, as soon as the log has it."""
    identity = answer.header("x-error-id")
    eventually(lambda: f"error {identity}: " in dmpm.log_text(), "the reason is in the log")
    return identity


class Errors(harness.SharedDmpm):
    @classmethod
    def options(cls):
        return {
            "groups": {
                "alice": python_worker(ALICE, response_timeout="500ms"),
                "dies": group(BOB, ["/usr/bin/python3", "-c", "import sys; sys.exit('no database')"]),
            },
            "hosts": {"a.test": "alice", "dies.test": "dies"},
            "access_log": {"format": "json"},
        }

    def explain(self, *words):
        return self.dmpm.command("explain", *words)

    def test_a_worker_that_does_not_answer(self):
        with self.dmpm.connect() as client:
            self.assertEqual(client.get("a.test").status, 200)  # a new worker has start_timeout
            identity = error_of(self.dmpm, client.get("a.test", "/hang?x=%1b[2J"))
        eventually(lambda: identity in self.dmpm.log_text("access.log"), "the access log has it")
        worker = self.dmpm.command("status", "--json")
        worker = next(each for each in json.loads(worker.stdout)["groups"] if each["name"] == "alice")
        answer = self.explain(identity)
        self.assertEqual((answer.returncode, answer.stderr), (0, ""))
        text = answer.stdout
        self.assertRegex(text, rf"^error {identity}: status 504, at 20\d\d-\d\d-\d\dT[\d:.]+Z\n")
        number = worker["workers"][0]["number"]
        self.assertRegex(text, r"(?m)^  reason +no response head within response_timeout "
                               rf"\(worker {number}, after 0\.[5-9]\d\d s\)$")
        self.assertRegex(text, r"(?m)^  client +127\.0\.0\.1$")
        self.assertRegex(text, r"(?m)^  leads to +group alice, by the virtual host a\.test at "
                               rf"{re.escape(str(self.dmpm.config_file))}:\d+:\d+$")
        steps = re.findall(r"(?m)^  (\d\d:\d\d:\d\d\.\d{3}) ([a-z' ]+): (.*)$", text)
        self.assertEqual([step[0] for step in steps], sorted(step[0] for step in steps))
        said = [f"{who}: {what}" for _, who, what in steps]
        self.assertTrue(any(re.match(r"dispatcher: GET /hang\S* HTTP/1.1 came over https", s) for s in said), said)
        self.assertTrue(any(re.match(rf"master: worker {number} started, pid \d+", s) for s in said), said)
        self.assertTrue(said[-1].startswith("dispatcher: answered 504: "), said)
        self.assertRegex(text, r"(?m)^  meaning +.*response_timeout")
        self.assertRegex(text, r"(?m)^  now +awake, worker")

    def test_a_server_that_does_not_start(self):
        with self.dmpm.connect("dies.test") as client:
            client.get("dies.test")
            answer = client.get("dies.test")
        self.assertEqual(answer.status, 503)
        identity = error_of(self.dmpm, answer)
        eventually(lambda: "no database" in self.dmpm.log_text("workers/dies.log"), "its last words")
        text = self.explain(identity.upper()).stdout
        self.assertRegex(text, r"master: worker \d+ exited with status 1 ")
        self.assertRegex(text, "worker's log: no database")
        self.assertRegex(text, r"(?m)^  now +\S.* failures?, the last: exited with status 1 ")

    def test_a_request_that_was_refused(self):
        with self.dmpm.connect() as client:
            client.send(b"GET / HTTP/1.1\r\nHost: a.test\r\nX : y\r\n\r\n")
            identity = error_of(self.dmpm, client.answer())
        text = self.explain(identity).stdout
        self.assertRegex(text, r"(?m)^  host +unknown: the request was refused")
        self.assertRegex(text, r"(?m)^  meaning +The request was refused as it came")

    def test_a_name_that_could_be_anything(self):
        host = 'x", group "alice", host "y'
        with self.dmpm.connect() as client:
            client.send(f"GET / HTTP/1.1\r\nHost: {host}\r\n\r\n".encode("ascii"))
            answer = client.answer()
        text = self.explain(error_of(self.dmpm, answer)).stdout
        self.assertNotRegex(text, "leads to +group alice")
        with self.dmpm.connect() as client:
            identity = error_of(self.dmpm, client.get("unknown.test"))
        text = self.explain(identity).stdout
        self.assertRegex(text, r"(?m)^  reason +unknown host \(after 0\.\d{3} s\)$")
        self.assertRegex(text, r"(?m)^  leads to +no virtual host")

    def test_rotated_logs(self):
        with self.dmpm.connect() as client:
            identity = error_of(self.dmpm, client.get("unknown.test"))
        log = self.dmpm.logs / "dmpm.log"
        log.rename(self.dmpm.logs / "dmpm.log.1")
        (self.dmpm.logs / "dmpm.log.2.gz").write_bytes(b"not looked into")
        self.dmpm.signal(harness.signal.SIGUSR1)
        eventually(lambda: "reopened" in self.dmpm.log_text(), "the log is a new one")
        self.assertEqual(self.explain(identity).returncode, 0)
        answer = self.explain("0123456789ab")
        self.assertEqual((answer.returncode, answer.stdout), (1, ""))
        self.assertEqual(answer.stderr,
                         f"dmpm: no error 0123456789ab in {self.dmpm.logs}/dmpm.log*\n"
                         f"dmpm: not searched, since it is compressed: {self.dmpm.logs}/dmpm.log.2.gz\n")
        # One who took over the logger cannot make root print other files.
        (self.dmpm.logs / "dmpm.log.3").symlink_to("/etc/passwd")
        os.mkfifo(self.dmpm.logs / "dmpm.log.4")
        self.assertEqual(self.explain(identity).returncode, 0)
        self.assertEqual(self.explain("0123456789ab").returncode, 1)
        for name in ("dmpm.log.1", "dmpm.log.2.gz", "dmpm.log.3", "dmpm.log.4"):
            (self.dmpm.logs / name).unlink()

    def test_what_is_neither_an_id_nor_a_name(self):
        for word in ("", "a b", "\x1b[2J", "x" * 100_000, "../etc", "a..b", "a:b", "https://"):
            with self.subTest(word[:20]):
                answer = self.explain(word)
                self.assertEqual((answer.returncode, answer.stdout), (2, ""))
                self.assertNotIn("\x1b", answer.stderr)
                self.assertLess(len(answer.stderr), 400)
                self.assertIn("is neither an error id (12 letters and digits) nor a host name", answer.stderr)


class Hosts(unittest.TestCase):
    def setUp(self):
        self.dmpm = Dmpm()
        self.addCleanup(self.dmpm.kill)
        self.dmpm.settings["virtual_hosts"] = [
            {"names": ["*.test"], "group": "bob", "tls": self.dmpm.authority.certificate("*.test")},
            {"names": ["a.test", "*.a.test"], "group": "alice",
             "tls": self.dmpm.authority.certificate("a.test")},
            {"names": ["plain.test"], "group": "bob"},
        ]
        self.dmpm.write_config()

    def explain(self, host, *arguments):
        return self.dmpm.command("explain", host, "--config", self.dmpm.config_file, *arguments)

    def test_which_name_and_why(self):
        text = self.explain("A.Test.").stdout
        file = re.escape(str(self.dmpm.config_file))
        self.assertTrue(text.startswith("a.test\n\n"), text)
        self.assertRegex(text, r"(?m)^  matches +a\.test, exactly$")
        self.assertRegex(text, rf"(?m)^ +of the virtual host at {file}:\d+:\d+$")
        self.assertRegex(text, rf"(?m)^ +and not \*\.test at {file}:\d+:\d+: an exact name comes first$")
        self.assertRegex(text, rf"(?m)^  group +alice, at {file}:\d+:\d+$")
        self.assertRegex(text, rf"(?m)^  runs as +{ALICE}:{ALICE}, root directory /$")
        self.assertRegex(text, r"(?m)^  worker +/usr/bin/python3 -IS ")
        self.assertRegex(text, r"(?m)^  certificate +.*/a\.test\.crt$")
        self.assertRegex(text, r"(?m)^ +for a\.test$")
        self.assertRegex(text, r"(?m)^ +by dmpm test, until 20\d\d-\d\d-\d\d$")
        self.assertRegex(text, r"(?m)^ +warning: the certificate .* is not for \*\.a\.test, but for a\.test$")
        self.assertRegex(text, r"(?m)^  now +unknown: no dmpm runs with the runtime directory")
        deep = self.explain("x.y.a.test").stdout
        self.assertRegex(deep, r"(?m)^  matches +\*\.a\.test, the longest wildcard that fits$")
        self.assertRegex(deep, r"(?m)^ +and not \*\.test at .*: that is shorter$")
        self.assertRegex(self.explain("plain.test").stdout,
                         r"(?m)^  certificate +none of its own; over TLS that of \*\.test is shown$")

    def test_a_name_that_is_not_served(self):
        answer = self.explain("a.example")
        self.assertEqual(answer.returncode, 1)
        self.assertRegex(answer.stdout, r"^a\.example is not served here\n")
        self.assertRegex(answer.stdout, r"status 421, and the certificate of \*\.test")
        for address in ("a.example:443", "https://a.example", "https://a.example:8443/page?q=1:2"):
            self.assertEqual(self.explain(address).stdout, answer.stdout)

    def test_an_id_is_a_name_when_it_is_served(self):
        self.dmpm.settings["virtual_hosts"].append({"names": ["webserver012"], "group": "bob"})
        self.dmpm.write_config()
        self.assertRegex(self.explain("webserver012").stdout, "matches +webserver012")
        self.assertRegex(self.explain("webserver013").stderr, "no error webserver013")

    def test_a_wrong_site_file(self):
        site = self.dmpm.directory / "site.json"
        site.write_text('{ "groups": { "carol": { "nonsense": 1 } },\n'
                        '  "virtual_hosts": [ { "names": ["c.example"], "group": "carol" } ] }', encoding="ascii")
        site.chmod(0o644)
        self.dmpm.settings["include"] = [str(site)]
        self.dmpm.write_config()
        text = self.explain("c.example").stdout
        self.assertRegex(text, r"(?m)^  group +none: its site file is wrong")
        self.assertRegex(text, rf"(?m)^  problem +{re.escape(str(site))}:1:\d+: .*nonsense")
        self.dmpm.write_config('{ "nonsense": 1 }')
        answer = self.explain("a.test")
        self.assertEqual((answer.returncode, answer.stdout), (1, ""))
        self.assertIn("nothing is explained", answer.stderr)

    def test_with_a_dmpm_that_runs(self):
        with self.dmpm:
            self.assertEqual(self.dmpm.get("a.test").status, 200)
            text = self.dmpm.command("explain", "a.test").stdout  # the file is that of the one that runs
            self.assertRegex(text, r"(?m)^  now +awake, worker \d+ running \(pid \d+, \d+s\), 1 start, 0 failures$")
            self.dmpm.add_group("carol", python_worker(harness.CAROL))
            self.dmpm.add_host("c.example", "carol")
            self.dmpm.write_config()
            self.assertRegex(self.dmpm.command("explain", "c.example").stdout,
                             "(?m)^  now +unknown to the dmpm that runs: reload it$")


if __name__ == "__main__":
    harness.main()
