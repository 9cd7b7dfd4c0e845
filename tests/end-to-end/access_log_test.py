#!/usr/bin/python3
"""Access logs: every request in the right files, whatever happens to the logger, and never at a
dispatcher's cost."""
import json
import os
import re
import signal
import unittest

import harness
from harness import Dmpm, eventually, run, state

FORMAT = "$server_name $group $status $request_uri"


def with_logs(main, **of_hosts):
    """A dmpm of two sites; `of_hosts`: a_test=..., b_test=..."""
    dmpm = Dmpm(access_log=main)
    for host in dmpm.settings["virtual_hosts"]:
        own = of_hosts.get(host["names"][0].replace(".", "_"))
        if own is not None:
            host["access_log"] = own
    return dmpm


def lines(dmpm, name="access.log"):
    return dmpm.log_text(name).splitlines()


def wait_for(dmpm, text, name="access.log"):
    eventually(lambda: text in dmpm.log_text(name), f"{text!r} in {name}")


def missing(dmpm):
    """How many requests dmpm.log says are missing from the access logs."""
    found = re.findall(r"(\d+) requests are missing from the access logs", dmpm.log_text())
    return sum(int(number) for number in found)


class AccessLog(unittest.TestCase):
    def test_one_for_all_and_one_for_each(self):
        with with_logs({"format": FORMAT, "per_virtual_host": True},
                       b_test={"file": "b.log", "format": "json"}) as dmpm:
            with dmpm.connect() as client:
                self.assertEqual(client.get("a.test", "/status/404").status, 404)
                client.get("b.test", "/b")
                client.get("unknown.test", "/u")
            wait_for(dmpm, "/u\n")
            self.assertEqual(lines(dmpm), ["a.test alice 404 /status/404", "b.test bob 200 /b",
                                           "- - 421 /u"])
            wait_for(dmpm, "/status/404\n", "sites/a.test.log")
            self.assertEqual(lines(dmpm, "sites/a.test.log"), ["a.test alice 404 /status/404"])
            wait_for(dmpm, "\n", "sites/b.log")
            (line,) = lines(dmpm, "sites/b.log")
            b = json.loads(line)
            self.assertEqual((b["host"], b["group"], b["status"], b["outcome"]),
                             ("b.test", "bob", 200, "complete"))
            self.assertEqual((b["server_protocol"], b["ssl_protocol"], b["remote_addr"]),
                             ("HTTP/1.1", "TLSv1.3", "127.0.0.1"))
            self.assertGreater(b["body_bytes_sent"], 0)
            self.assertEqual(b["connection_requests"], 2)
            self.assertNotIn("tls_time", b)  # that was the connection's first request

    def test_http2_and_http1_say_the_same(self):
        form = '"$request" $status $body_bytes_sent $outcome "$http_user_agent" $ssl_cipher'
        with with_logs({"format": form}) as dmpm:
            for version in ("--http1.1", "--http2"):
                run("curl", "-sS", version, "--cacert", dmpm.authority.file, "--ciphers",
                    "ECDHE-ECDSA-AES128-GCM-SHA256", "--tls-max", "1.2", "-A", 'a "quoted" \\ agent',
                    "--resolve", f"a.test:{dmpm.port}:127.0.0.1", "-o", "/dev/null",
                    f"https://a.test:{dmpm.port}/big?n=100000")
            wait_for(dmpm, "HTTP/2.0")
            agent = r"a \x22quoted\x22 \x5c agent"
            self.assertEqual(lines(dmpm), [
                f'"GET /big?n=100000 {protocol}" 200 100000 complete "{agent}" '
                "ECDHE-ECDSA-AES128-GCM-SHA256" for protocol in ("HTTP/1.1", "HTTP/2.0")])

    def test_a_failure_has_its_error_id_and_a_rejected_request_its_line(self):
        with with_logs({"format": '"$request" $status $error_id $outcome'}) as dmpm:
            with dmpm.connect() as client:
                client.send(b"GET / HTTP/1.1\r\nHost : a.test\r\n\r\n")
                answer = client.answer()
                self.assertEqual(answer.status, 400)
            first = f'"-" 400 {answer.header("x-error-id")} complete'
            wait_for(dmpm, first)
            with dmpm.connect() as client:
                answer = client.get("a.test", "/garbage")
                self.assertEqual(answer.status, 502)
            second = f'"GET /garbage HTTP/1.1" 502 {answer.header("x-error-id")} complete'
            wait_for(dmpm, second)
            self.assertEqual(lines(dmpm), [first, second])
            self.assertIn(answer.header("x-error-id"), dmpm.log_text())

    def test_a_client_that_leaves(self):
        with with_logs({"format": "$request_uri $status $outcome"}) as dmpm:
            with dmpm.connect() as client:
                client.send_request("GET", "a.test", "/wait/go")
                eventually((dmpm.home("alice") / "go.seen").exists, "the request arrived")
            wait_for(dmpm, "/wait/go 499 client_left\n")

    def test_off_is_off(self):
        with Dmpm() as dmpm:
            dmpm.get("a.test")
            dmpm.get("a.test", "/status/404")
        # The end has flushed everything.
        self.assertEqual([path for path in dmpm.logs.glob("**/*access*")], [])

    def test_a_site_that_wants_no_log(self):
        with with_logs({"format": FORMAT}, a_test=False) as dmpm:
            with dmpm.connect() as client:
                client.get("a.test", "/private")
                client.get("b.test", "/public")
            wait_for(dmpm, "/public\n")
            self.assertNotIn("/private", dmpm.log_text("access.log"))

    def test_what_was_said_last_is_written_at_the_end(self):
        with with_logs({"format": FORMAT}) as dmpm:
            with dmpm.connect() as client:
                for i in range(20):
                    client.get("a.test", f"/{i}")
            dmpm.stop()
            self.assertEqual(lines(dmpm), [f"a.test alice 200 /{i}" for i in range(20)])

    def test_a_reload_changes_format_and_files(self):
        with with_logs({"format": FORMAT}) as dmpm, dmpm.connect() as client:
            client.get("a.test", "/before")
            wait_for(dmpm, "/before\n")
            dmpm.settings["access_log"] = {"file": "new.log", "format": "new $request_uri",
                                           "per_virtual_host": True}
            dmpm.write_config()
            self.reload(dmpm)
            client.get("a.test", "/after")
            wait_for(dmpm, "new /after\n", "new.log")
            wait_for(dmpm, "new /after\n", "sites/a.test.log")
            self.assertEqual(lines(dmpm), ["a.test alice 200 /before"])
            # A site that is gone, with a request that is under way.
            with dmpm.connect("b.test") as slow:
                slow.send_request("GET", "b.test", "/wait/go")
                eventually((dmpm.home("bob") / "go.seen").exists, "the request arrived")
                del dmpm.settings["virtual_hosts"][1]
                dmpm.write_config()
                self.reload(dmpm)
                self.assertEqual(client.get("b.test").status, 421)
                (dmpm.home("bob") / "go").touch()
                self.assertEqual(slow.answer().status, 200)
            wait_for(dmpm, "new /wait/go\n", "sites/b.test.log")
            dmpm.settings["access_log"] = False
            dmpm.write_config()
            self.reload(dmpm)
            client.get("a.test", "/unseen")
            dmpm.stop()
            self.assertNotIn("/unseen", dmpm.log_text("new.log"))

    def reload(self, dmpm):
        before = len(dmpm.stderr_text())
        dmpm.signal(signal.SIGHUP)
        dmpm.wait_for_line("reload done", before)

    def test_a_wrong_format_names_its_place(self):
        with with_logs({"format": FORMAT}) as dmpm:
            dmpm.settings["access_log"] = {"format": "$stat"}
            dmpm.write_config()
            text = dmpm.config_file.read_text(encoding="utf-8")
            line = next(n for n, l in enumerate(text.splitlines(), 1) if '"$stat"' in l)
            answer = run(harness.BIN / "dmpm", "check", "--config", dmpm.config_file, check=False)
            self.assertRegex(answer.stdout + answer.stderr,
                             rf'{dmpm.config_file}:{line}:\d+: "format" must be .*"\$stat"')
            self.assertNotEqual(answer.returncode, 0)

    def test_rotation_loses_nothing(self):
        with with_logs({"format": "$request_uri"}) as dmpm, dmpm.connect() as client:
            sent, files = 0, 5
            for number in range(files):
                for _ in range(100):
                    client.get("a.test", f"/{sent}")
                    sent += 1
                eventually(lambda: (dmpm.logs / "access.log").exists(), "a new file")
                before = dmpm.log_text().count("reopened")
                (dmpm.logs / "access.log").rename(dmpm.logs / f"access.log.{number}")
                dmpm.signal(signal.SIGUSR1)
                eventually(lambda: dmpm.log_text().count("reopened") > before, "reopened")
            dmpm.stop()
            written = [line for number in range(files) for line in lines(dmpm, f"access.log.{number}")]
            self.assertEqual(written + lines(dmpm), [f"/{i}" for i in range(sent)])

    def test_a_killed_logger_is_replaced_and_the_channel_keeps_what_was_said(self):
        with with_logs({"format": FORMAT}) as dmpm, dmpm.connect() as client:
            client.get("a.test", "/before")
            wait_for(dmpm, "/before\n")
            (old,) = dmpm.services("logger")
            os.kill(old, signal.SIGKILL)
            for i in range(200):
                self.assertEqual(client.get("a.test", f"/{i}").status, 200)
            eventually(lambda: dmpm.services("logger") not in ([], [old]), "a new logger")
            wait_for(dmpm, "/199\n")
            self.assertEqual(lines(dmpm)[1:], [f"a.test alice 200 /{i}" for i in range(200)])

    def test_a_stopped_logger_stops_nobody(self):
        with with_logs({"format": "$request_uri"}) as dmpm:
            (logger,) = dmpm.services("logger")
            dmpm.get("a.test", "/first")
            wait_for(dmpm, "/first\n")
            os.kill(logger, signal.SIGSTOP)
            eventually(lambda: state(logger) == "T", "the logger stands still")
            # As large as a line gets, so that few fill what lies between.
            count, target = 400, "/" + "x" * 8000
            with dmpm.connect() as client:
                for _ in range(count):
                    self.assertEqual(client.get("a.test", target).status, 200)
            os.kill(logger, signal.SIGCONT)
            eventually(lambda: missing(dmpm) > 0, "dmpm.log says how many are missing")
            dmpm.get("a.test", "/last")
            wait_for(dmpm, "/last\n")
            eventually(lambda: len(lines(dmpm)) - 2 + missing(dmpm) == count,
                       "every request is there or counted")


if __name__ == "__main__":
    harness.main()
