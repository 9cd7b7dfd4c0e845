#!/usr/bin/python3
"""Clients that are slow, or that send too much: the right answer, nobody else held up, memory freed.

Many that read slowly: slow_readers_test.py."""
import select

import harness
from client_sockets import client_sockets
from harness import Client, eventually
from memory import bounded, resident

LISTEN = [{"address": "127.0.0.1:0", "tls": True}, {"address": "127.0.0.1:0"}]
KIB = 1024


class Limits(harness.SharedDmpm):
    """Every limit short, so that it is met soon."""

    @classmethod
    def options(cls):
        return {"listen": LISTEN,
                "limits": {"handshake_timeout": "1s", "head_timeout": "1s", "body_timeout": "1s",
                           "idle_timeout": "2s", "send_timeout": "1s", "body_size": 200_000,
                           "head_size": 16 * KIB, "head_fields": 50, "target_size": 4 * KIB}}

    def connections(self):
        return (self.dmpm.connect, self.dmpm.connect_plain)

    def refused(self, client, status):
        answer = client.answer()
        self.assertEqual(answer.status, status, answer)
        self.assertRegex(answer.header("x-error-id") or "", r"^[0-9a-z]{12}$")
        self.assertIn(answer.header("x-error-id").encode(), answer.body)
        self.assertEqual(answer.header("connection"), "close")
        self.assertTrue(client.at_end())

    @staticmethod
    def drip(client, pieces, pause=0.05):
        """Sends piece by piece until there is an answer; how many it sent."""
        sent = 0
        client.sock.settimeout(pause)
        for piece in pieces:
            try:
                client.buffer += client.sock.recv(65536)
                break
            except TimeoutError:
                client.send(piece)
                sent += 1
        client.sock.settimeout(harness.DEADLINE)
        return sent

    def test_slow_heads(self):
        for connect in self.connections():
            for start in (b"", b"GET / HTTP/1.1\r\nHost: a.test\r\n"):
                with self.subTest(connect=connect.__name__, start=start), connect() as client:
                    client.send(start + b"X")
                    self.assertLess(self.drip(client, [b"x"] * 200), 200)
                    self.refused(client, 408)

    def test_a_slow_head_behind_an_answer(self):
        for connect in self.connections():
            with self.subTest(connect.__name__), connect() as client:
                self.assertEqual(client.get("a.test").status, 200)
                client.send(b"GET / HTTP/1.1\r\nHost")
                self.refused(client, 408)

    def test_slow_bodies(self):
        for connect in self.connections():
            for head, pieces in ((b"Content-Length: 1000", [b"x"] * 200),
                                 (b"Content-Length: 150000", [b"x" * 10] * 200),
                                 (b"Transfer-Encoding: chunked", [b"1\r\nx\r\n"] * 200)):
                with self.subTest(connect=connect.__name__, head=head), connect() as client:
                    client.send(b"POST / HTTP/1.1\r\nHost: a.test\r\n" + head + b"\r\n\r\n")
                    self.assertLess(self.drip(client, pieces), 200)
                    self.refused(client, 408)
        self.assertEqual(self.dmpm.get("a.test").status, 200)

    def test_a_body_that_is_slow_but_not_too_slow(self):
        for connect in self.connections():
            with self.subTest(connect.__name__), connect() as client:
                client.send(b"POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 15000\r\n\r\n")
                self.assertEqual(self.drip(client, [b"y" * 250] * 60), 60)
                self.assertEqual(client.answer("POST").json()["body_size"], 15_000)

    def test_idle_connections_end_without_a_word(self):
        for connect in self.connections():
            for requests in (0, 1):
                with self.subTest(connect=connect.__name__, requests=requests), connect() as client:
                    for _ in range(requests):
                        self.assertEqual(client.get("a.test").status, 200)
                    self.assertTrue(client.at_end())

    def test_a_handshake_that_does_not_come(self):
        for start in (b"", b"\x16\x03\x01\x02\x00\x01"):
            with Client(self.dmpm.port, None) as client:
                client.send(start)
                self.assertTrue(client.at_end())

    def test_a_client_that_takes_nothing_is_given_up(self):
        (dispatcher,) = self.dmpm.services("dispatcher")
        eventually(lambda: client_sockets(dispatcher) == 0, "earlier clients have gone")
        with self.dmpm.connect_plain() as client:
            client.send_request("GET", "a.test", "/big?n=50000000")
            eventually(lambda: select_readable(client.sock), "it is being served")
            self.assertEqual(client_sockets(dispatcher), 1)
            eventually(lambda: client_sockets(dispatcher) == 0, "it was given up")
            # Cut off, and not presented as whole.
            with self.assertRaises(OSError):
                client.answer()

    def test_too_much(self):
        line = b"GET / HTTP/1.1\r\nHost: a.test\r\n"
        cases = {
            "target": (414, b"GET /" + b"u" * 4096 + b" HTTP/1.1\r\nHost: a.test\r\n\r\n"),
            "endless target": (414, b"GET /" + b"u" * 30_000),
            "one field": (431, line + b"X: " + b"v" * 17_000 + b"\r\n\r\n"),
            "endless field": (431, line + b"X: " + b"v" * 30_000),
            "endless name": (431, line + b"X" * 30_000),
            "many bytes": (431, line + b"X: vvvvvvvvvvvvvvvvvvv\r\n" * 1000 + b"\r\n"),
            "many fields": (431, line + b"X: v\r\n" * 50 + b"\r\n"),
            "length": (413, b"POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 200001\r\n\r\n"),
            "length, with some body": (413, b"POST / HTTP/1.1\r\nHost: a.test\r\n"
                                            b"Content-Length: 999999999\r\n\r\n" + b"x" * 100_000),
            "chunks": (413, b"POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n" +
                       b"10000\r\n" + b"x" * 65536 + b"\r\n" + b"20D41\r\n" + b"x" * 0x20d41),
        }
        for connect in self.connections():
            for name, (status, data) in cases.items():
                with self.subTest(connect=connect.__name__, what=name), connect() as client:
                    client.send(data)
                    self.refused(client, status)

    def test_just_enough(self):
        for connect in self.connections():
            with self.subTest(connect.__name__), connect() as client:
                self.assertEqual(client.get("a.test", "/" + "u" * 4095).status, 200)
                self.assertEqual(client.get("a.test", headers=[("X", "v" * 15_000)]).status, 200)
                self.assertEqual(client.get("a.test", headers=[("X", "v")] * 49).status, 200)
                for chunked in (False, True):
                    answer = client.request("POST", "a.test", body=b"x" * 200_000, chunked=chunked)
                    self.assertEqual(answer.json()["body_size"], 200_000)

    def test_plain_http_on_the_tls_port(self):
        for start in (b"GET / HTTP/1.1\r\nHost: a.test\r\n\r\n", b"POST / HTTP/1.0\r\n\r\n"):
            with Client(self.dmpm.port, None) as client:
                client.send(start)
                self.assertEqual(client.answer().status, 400)
                self.assertTrue(client.at_end())

    def test_memory_of_slow_heads_and_bodies_is_freed(self):
        (dispatcher,) = self.dmpm.services("dispatcher")
        for what, start in (("heads", b"GET / HTTP/1.1\r\nHost: a.test\r\nX: " + b"x" * 15_000),
                            ("bodies", b"POST / HTTP/1.1\r\nHost: a.test\r\n"
                                       b"Content-Length: 60000\r\n\r\n" + b"x" * 59_000)):
            sizes = [resident(dispatcher)]
            for _ in range(3):
                clients = [self.dmpm.connect_plain() for _ in range(300)]
                for client in clients:
                    client.send(start)
                sizes.append(resident(dispatcher))
                for client in clients:
                    self.assertEqual(client.answer().status, 408)
                    client.close()
                sizes.append(resident(dispatcher))
            print(f"\nslow {what}: dispatcher's KB with and without 300 clients: {sizes}")
            if not bounded():
                continue
            self.assertLess(sizes[-1] - sizes[0], 6000)
            self.assertLess(sizes[-1] - sizes[2], 1500, "it grows from round to round")


def select_readable(sock):
    poll = select.poll()
    poll.register(sock, select.POLLIN)
    return poll.poll(0)


if __name__ == "__main__":
    harness.main()
