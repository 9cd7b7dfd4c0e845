#!/usr/bin/python3
"""One client connection, many sites: it stays open whatever the workers do with theirs."""
import harness
from harness import ALICE, BOB, uid


class KeepAlive(harness.SharedDmpm):
    def test_one_connection_switches_between_sites(self):
        with self.dmpm.connect("a.test") as client:
            uids = [client.get(host).json()["uid"]
                    for host in ("a.test", "b.test", "a.test", "a.test", "b.test")]
        a, b = uid(ALICE), uid(BOB)
        self.assertEqual(uids, [a, b, a, a, b])

    def test_a_worker_that_closes_does_not_close_the_client(self):
        with self.dmpm.connect() as client:
            first = client.get("a.test", "/bye")
            self.assertEqual(first.status, 200)
            self.assertEqual(first.all_headers("connection"), [])
            second = client.get("a.test", "/")
            self.assertEqual(second.status, 200)
            self.assertNotEqual(first.json()["connection"], second.json()["connection"])

    def test_a_worker_connection_that_dies_idle_is_never_seen(self):
        with self.dmpm.connect() as client:
            for _ in range(20):
                self.assertEqual(client.get("a.test", "/drop-next").status, 200)
                self.assertEqual(client.get("a.test", "/").status, 200)

    def test_worker_connections_are_reused(self):
        with self.dmpm.connect() as client:
            answers = [client.get("b.test").json() for _ in range(5)]
        self.assertEqual(len({answer["connection"] for answer in answers}), 1)

    def test_connection_close_of_the_client_is_honoured(self):
        with self.dmpm.connect() as client:
            answer = client.get("a.test", headers=[("Connection", "close")])
            self.assertEqual(answer.header("connection"), "close")
            self.assertTrue(client.at_end())

    def test_http_1_0(self):
        for ask, closes in (("", True), ("Connection: keep-alive\r\n", False)):
            with self.subTest(ask=ask), self.dmpm.connect() as client:
                client.send(f"GET / HTTP/1.0\r\nHost: a.test\r\n{ask}\r\n".encode())
                answer = client.answer()
                self.assertEqual(answer.status, 200)
                self.assertEqual(answer.framing, "content-length")
                if closes:
                    self.assertTrue(client.at_end())
                else:
                    self.assertEqual(client.get("b.test").status, 200)

    def test_pipelined_requests_are_answered_in_order(self):
        with self.dmpm.connect() as client:
            tokens = [(("a.test", "b.test")[i % 2], f"t{i}") for i in range(12)]
            client.send("".join(f"GET /?{token} HTTP/1.1\r\nHost: {host}\r\nX-Token: {token}\r\n\r\n"
                                for host, token in tokens).encode())
            expected = {"a.test": uid(ALICE), "b.test": uid(BOB)}
            for host, token in tokens:
                answer = client.answer()
                self.assertEqual(answer.header("x-token"), token)
                self.assertEqual(answer.json()["uid"], expected[host])


if __name__ == "__main__":
    harness.main()
