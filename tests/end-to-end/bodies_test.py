#!/usr/bin/python3
"""Bodies arrive whole, both ways, however they are framed."""
import hashlib
import random
import threading

import harness
from harness import Dmpm

MIB = 1024 * 1024
PATTERN = bytes(range(251))


def pattern(size):
    return (PATTERN * (size // len(PATTERN) + 1))[:size]


class Bodies(harness.SharedDmpm):
    def check_upload(self, client, body, **options):
        answer = client.request("POST", "a.test", "/upload", body=body, **options)
        whole = b"".join(body) if isinstance(body, list) else body
        self.assertEqual(answer.status, 200, answer)
        received = answer.json()
        self.assertEqual(received["body_size"], len(whole))
        self.assertEqual(received["body_sha256"], hashlib.sha256(whole).hexdigest())
        return answer

    def upload(self, client, body, **options):
        """One thread alone: OpenSSL's connections cannot be read and written at the same time. The worker
        answers when it has everything."""
        client.send_request("POST", "a.test", "/upload", body=body, **options)
        return client.answer("POST")

    def test_uploads_by_content_length(self):
        with self.dmpm.connect() as client:
            for size in (0, 1, 16 * 1024, 100_000, MIB):
                with self.subTest(size=size):
                    answer = self.check_upload(client, pattern(size))
                    self.assertEqual(answer.received("content-length"), [str(size)])

    def test_chunked_uploads(self):
        with self.dmpm.connect() as client:
            cases = {"empty": [], "one": [b"x"], "small": [b"a"] * 1000,
                     "mixed": [pattern(n) for n in (1, 70_000, 3, 16_384, 250_000)]}
            for name, pieces in cases.items():
                with self.subTest(name):
                    answer = self.check_upload(client, pieces, chunked=True)
                    self.assertEqual(answer.received("content-length") +
                                     answer.received("transfer-encoding"),
                                     ["chunked"] if answer.json()["framing"] == "chunked" else ["0"])

    def test_ten_mebibytes_both_ways(self):
        body = random.Random(1).randbytes(10 * MIB)
        digest = hashlib.sha256(body).hexdigest()
        with self.dmpm.connect() as client:
            for options in ({}, {"chunked": True}):
                self.assertEqual(self.upload(client, body, **options).json()["body_sha256"], digest)
            for query, framing in (("", "content-length"), ("&chunked=1", "chunked")):
                answer = client.get("a.test", f"/big?n={10 * MIB}{query}")
                self.assertEqual(answer.framing, framing)
                self.assertEqual(answer.body, pattern(10 * MIB))
            # The connection is where it should be.
            self.assertEqual(client.get("b.test").status, 200)

    def test_many_big_bodies_at_once(self):
        problems = []

        def download(size):
            with self.dmpm.connect() as client:
                if client.get("b.test", f"/big?n={size}&chunked=1").body != pattern(size):
                    problems.append(size)

        threads = [threading.Thread(target=download, args=(MIB + i,)) for i in range(12)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(problems, [])

    def test_head_and_answers_without_a_body(self):
        with self.dmpm.connect() as client:
            answer = client.request("HEAD", "a.test", "/big?n=1000")
            self.assertEqual((answer.status, answer.header("content-length"), answer.body),
                             (200, "1000", b""))
            self.assertEqual(client.get("a.test").status, 200)

    def test_expect_100_continue(self):
        with self.dmpm.connect() as client:
            answer = client.request("POST", "a.test", "/", headers=[("Expect", "100-continue")],
                                    body=b"hello")
            self.assertEqual(answer.json()["body_size"], 5)
            self.assertEqual(client.get("a.test").status, 200)

    def test_a_client_that_goes_away_in_its_upload_disturbs_nobody(self):
        with self.dmpm.connect() as client:
            client.send(b"POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 1000000\r\n\r\n" +
                        pattern(50_000))
        with self.dmpm.connect() as client:
            for _ in range(5):
                self.check_upload(client, pattern(1000))


if __name__ == "__main__":
    harness.main()
