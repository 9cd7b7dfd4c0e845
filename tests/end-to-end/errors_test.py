#!/usr/bin/python3
"""What clients see when something is wrong: the right status, an error id, and a connection that
lives on where it can."""
import re

import harness
from harness import ALICE, BOB, Dmpm, eventually, group, python_worker

ERROR_ID = re.compile(r"[0-9A-Za-z-]{6,}")


class Errors(harness.SharedDmpm):
    @classmethod
    def options(cls):
        return {
            "listen": [{"address": "127.0.0.1:0", "tls": True}, {"address": "127.0.0.1:0"}],
            "groups": {
                "alice": python_worker(ALICE, response_timeout="500ms"),
                "bob": python_worker(BOB),
                "missing": group(ALICE, ["/nonexistent/server"]),
                "dies": python_worker(BOB, "--exit-at-start", start_timeout="2s"),
            },
            "hosts": {"a.test": "alice", "b.test": "bob", "missing.test": "missing",
                      "dies.test": "dies"},
        }

    def check_error(self, answer, status):
        self.assertEqual(answer.status, status, answer)
        self.assertIn("text/html", answer.header("content-type"))
        self.assertRegex(answer.body.decode(), ERROR_ID)
        self.assertLess(len(answer.body), 2000)
        return answer

    def error_id(self, answer):
        match = re.search(r"[Ee]rror id:?\s*(?:<[^>]*>)*\s*([0-9A-Za-z-]+)", answer.body.decode())
        self.assertTrue(match, answer.body)
        return match[1]

    def test_unknown_host(self):
        with self.dmpm.connect() as client:
            self.check_error(client.get("unknown.test"), 421)
            self.assertEqual(client.get("a.test").status, 200)
        with self.dmpm.connect_plain() as client:
            self.check_error(client.get("unknown.test"), 404)
            answer = client.get("a.test")
            self.assertEqual(answer.status, 200)
            self.assertEqual(answer.received("x-forwarded-proto"), ["http"])

    def test_a_worker_that_cannot_be_started(self):
        for host in ("missing.test", "dies.test"):
            with self.subTest(host), self.dmpm.connect() as client:
                # One that starts and dies may have had the first request already: that is a 502.
                self.assertIn(client.get(host).status, (502, 503))
                answer = self.check_error(client.get(host), 503)
                self.assertGreaterEqual(int(answer.header("retry-after")), 1)
                identity = self.error_id(answer)
                # The operator finds the reason by the id that the client was given.
                eventually(lambda: identity in self.dmpm.log_text(), f"{identity} in dmpm.log")
                self.assertEqual(client.get("b.test").status, 200)

    def test_a_worker_that_breaks_off(self):
        for path in ("/close", "/garbage"):
            with self.subTest(path), self.dmpm.connect() as client:
                self.error_id(self.check_error(client.get("b.test", path), 502))
                self.assertEqual(client.get("b.test").status, 200)

    def test_a_truncated_answer_is_not_presented_as_whole(self):
        with self.dmpm.connect() as client, self.assertRaises(OSError):
            client.get("b.test", "/partial")

    def test_a_worker_that_never_answers(self):
        with self.dmpm.connect() as client:
            self.error_id(self.check_error(client.get("a.test", "/hang"), 504))
            self.assertEqual(client.get("a.test").status, 200)

    def test_a_worker_that_crashes_is_replaced(self):
        with self.dmpm.connect() as client:
            before = client.get("b.test").json()["pid"]
            # Not idempotent, so not tried again with the next worker.
            self.check_error(client.request("POST", "b.test", "/crash", body=b""), 502)
            self.assertNotEqual(client.get("b.test").json()["pid"], before)

    def test_statuses_of_workers_pass(self):
        with self.dmpm.connect() as client:
            for status in (201, 301, 400, 404, 418, 500, 503):
                self.assertEqual(client.get("a.test", f"/status/{status}").status, status)

    def test_malformed_requests(self):
        cases = {
            "two lengths": b"POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 1\r\n"
                           b"Content-Length: 2\r\n\r\nab",
            "length and chunked": b"POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 1\r\n"
                                  b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            "no host": b"GET / HTTP/1.1\r\n\r\n",
            "two hosts": b"GET / HTTP/1.1\r\nHost: a.test\r\nHost: b.test\r\n\r\n",
            "space before colon": b"GET / HTTP/1.1\r\nHost: a.test\r\nX : y\r\n\r\n",
            "bare line feeds": b"GET / HTTP/1.1\nHost: a.test\n\n",
            "folded": b"GET / HTTP/1.1\r\nHost: a.test\r\nX: a\r\n b\r\n\r\n",
            "not HTTP": b"\x01\x02\x03\r\n\r\n",
        }
        for name, request in cases.items():
            with self.subTest(name), self.dmpm.connect() as client:
                client.send(request)
                self.assertEqual(client.answer().status, 400)
                self.assertTrue(client.at_end())


if __name__ == "__main__":
    harness.main()
