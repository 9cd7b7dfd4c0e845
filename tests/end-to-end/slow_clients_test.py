#!/usr/bin/python3
"""Clients that are slow, or that send too much: the right answer, nobody else held up, memory freed."""
import os
import resource
import select
import socket
import threading
import time
import unittest

import harness
from harness import ALICE, BOB, Client, Dmpm, eventually, python_worker
from memory import bounded, resident

LISTEN = [{"address": "127.0.0.1:0", "tls": True}, {"address": "127.0.0.1:0"}]
KIB = 1024
SLOW_READERS = 1000


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
        before = len(list_descriptors(dispatcher))
        with self.dmpm.connect_plain() as client:
            client.send_request("GET", "a.test", "/big?n=50000000")
            eventually(lambda: select_readable(client.sock), "it is being served")
            eventually(lambda: len(list_descriptors(dispatcher)) <= before, "it was given up")
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


def list_descriptors(pid):
    return os.listdir(f"/proc/{pid}/fd")


class SlowReader:
    """1,000 connections that each take 1 KB a second of their answers, until told to stop."""

    def __init__(self, dmpm, host, path, count=SLOW_READERS):
        self.socks = []
        for _ in range(count):
            sock = socket.socket()
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
            sock.settimeout(harness.DEADLINE)
            sock.connect(("127.0.0.1", dmpm.http_port))
            sock.sendall(f"GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
            self.socks.append(sock)
        self.taken = [0] * count
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self._read)

    def __enter__(self):
        self.thread.start()
        # Each has its answer's beginning.
        eventually(lambda: all(self.taken), "all are being served")
        return self

    def __exit__(self, *_):
        self.stopping.set()
        self.thread.join()
        for sock in self.socks:
            sock.close()

    def _read(self):
        start = time.monotonic()
        while not self.stopping.is_set():
            for number, sock in enumerate(self.socks):
                if number % 20 == 0:
                    self.stopping.wait(0.001)
                allowed = 1024 * (time.monotonic() - start + 1)
                if self.taken[number] < allowed and select_readable(sock):
                    self.taken[number] += len(sock.recv(1024))


def select_readable(sock):
    poll = select.poll()
    poll.register(sock, select.POLLIN)
    return poll.poll(0)


@unittest.skipUnless(os.environ.get("DMPM_LONG"), "the readers share a processor with who measures")
class SlowReaders(unittest.TestCase):
    def served(self, dmpm, host, seconds=2):
        """How many requests one client gets answered meanwhile."""
        count, end = 0, time.monotonic() + seconds
        with dmpm.connect() as client:
            while time.monotonic() < end:
                self.assertEqual(client.get(host).status, 200)
                count += 1
        return count

    def compare(self, groups, slow_host, path, hosts):
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(soft, 8192)), hard))
        with Dmpm(groups=groups, listen=LISTEN) as dmpm:
            (dispatcher,) = dmpm.services("dispatcher")
            for host in ("a.test", "b.test"):
                dmpm.get(host)
            before = {host: self.served(dmpm, host) for host in hosts}
            sizes = [resident(dispatcher)]
            with SlowReader(dmpm, slow_host, path) as slow:
                sizes.append(resident(dispatcher))
                during = {host: self.served(dmpm, host) for host in hosts}
                taken = sum(slow.taken)
                sizes.append(resident(dispatcher))
            eventually(lambda: len(list_descriptors(dispatcher)) < 100, "all are gone")
            sizes.append(resident(dispatcher))
        print(f"\n{SLOW_READERS} slow readers of {slow_host}{path} took {taken} bytes; others' requests "
              f"before {before}, meanwhile {during}; dispatcher's KB {sizes}")
        for host in hosts:
            # The slow ones cost their share of two processors, and no more.
            self.assertGreater(during[host], before[host] / 4)
        self.assertLess(sizes[2] - sizes[0], SLOW_READERS * 80)
        self.assertLess(sizes[-1] - sizes[0], 12_000, "memory was not freed")

    def test_answers_that_fit_a_buffer_do_not_hold_the_worker(self):
        # Four at a time: were they held until the slow ones have read, nobody else would get any.
        self.compare({"alice": python_worker(ALICE, connections_per_worker=4),
                      "bob": python_worker(BOB)}, "a.test", "/big?n=60000", ("a.test", "b.test"))

    def test_big_answers_hold_up_no_other_site(self):
        self.compare({"alice": python_worker(ALICE, connections_per_worker=2000),
                      "bob": python_worker(BOB)}, "a.test", "/big?n=1000000", ("b.test",))


if __name__ == "__main__":
    harness.main()
