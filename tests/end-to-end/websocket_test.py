#!/usr/bin/python3
"""WebSockets through a real worker: the tunnel passes everything, both ways, and is never used again."""
import base64
import hashlib
import os
import random
import select
import shutil
import signal
import socket
import ssl
import threading

import harness
from harness import ALICE, eventually, group
from memory import Watch, bounded
from websocket_worker import GUID, frame, read_frame

KEY = base64.b64encode(b"sixteen bytes ok")
MIB = 1024 * 1024
TEXT, BINARY, CLOSE, PING = 1, 2, 8, 9


def handshake(path, fields=b""):
    return (b"GET %s HTTP/1.1\r\nHost: a.test\r\nConnection: keep-alive, Upgrade\r\n"
            b"Upgrade: websocket\r\nSec-WebSocket-Key: %s\r\nSec-WebSocket-Version: 13\r\n%s\r\n"
            % (path.encode(), KEY, fields))


class WebSocket:
    """A client's end. `early`: bytes that are sent along with the handshake."""

    def __init__(self, client, path, early=b""):
        self.client = client
        client.send(handshake(path) + early)
        head = client._until(b"\r\n\r\n").decode().split("\r\n")
        self.fields = dict(line.lower().split(": ", 1) for line in head[1:])
        self.status = int(head[0].split(" ")[1])
        if self.status == 101:
            accept = base64.b64encode(hashlib.sha1(KEY + GUID).digest()).decode()
            assert self.fields["sec-websocket-accept"] == accept.lower(), head
            assert self.fields["upgrade"] == "websocket", head
            assert self.fields["connection"] == "upgrade", head

    def send(self, data, opcode=BINARY):
        self.client.send(frame(opcode, data, os.urandom(4)))

    def receive(self):
        return read_frame(self.client._exactly)

    def ends(self):
        return self.client.at_end()


class Duplex:
    """Sends while it reads; from one thread, since two must not use a TLS socket at the same time."""

    def __init__(self, sock, outgoing):
        self.sock, self.outgoing, self.incoming = sock, memoryview(outgoing), bytearray()
        sock.setblocking(False)

    def exactly(self, size):
        while len(self.incoming) < size:
            moved = self.read() | self.write()
            if not moved and not self.wait():
                raise TimeoutError
        data = bytes(self.incoming[:size])
        del self.incoming[:size]
        return data

    def wait(self):
        writing = [self.sock] if self.outgoing else []
        return any(select.select([self.sock], writing, [], harness.DEADLINE))

    def read(self):
        try:
            data = self.sock.recv(65536)
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return False
        if not data:
            raise ConnectionError("closed in the middle")
        self.incoming += data
        return True

    def write(self):
        if not self.outgoing:
            return False
        try:
            self.outgoing = self.outgoing[self.sock.send(self.outgoing[:4000]):]
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return False
        return True


def over_tls_and_plain(test):
    """Runs test(self, client) with a connection of either kind."""
    def run(self):
        for connect in (self.dmpm.connect, self.dmpm.connect_plain):
            with self.subTest(connect.__name__), connect() as client:
                test(self, client)
    return run


class WebSockets(harness.SharedDmpm):
    @classmethod
    def setUpClass(cls):
        workers = group(ALICE, ["/usr/bin/python3", "-IS", "{top}/websocket_worker.py"])
        cls.dmpm = harness.Dmpm(
            groups={"alice": workers}, hosts={"a.test": "alice"},
            listen=[{"address": "127.0.0.1:0", "tls": True}, {"address": "127.0.0.1:0"}])
        shutil.copy(harness.HERE / "websocket_worker.py", cls.dmpm.directory)
        cls.dmpm.__enter__()

    @over_tls_and_plain
    def test_messages_of_many_sizes(self, client):
        websocket = WebSocket(client, "/echo")
        for size in (0, 1, 125, 126, 65535, 65536, MIB):
            data = random.Random(size).randbytes(size)
            websocket.send(data)
            self.assertEqual(websocket.receive(), (BINARY, data))
        websocket.send(b"are you there?", PING)
        self.assertEqual(websocket.receive(), (PING, b"are you there?"))

    @over_tls_and_plain
    def test_many_messages_both_ways_at_once(self, client):
        websocket = WebSocket(client, "/echo")
        messages = [f"message {i} {'.' * (i % 700)}".encode() for i in range(5000)]

        duplex = Duplex(client.sock, b"".join(frame(TEXT, m, b"mask") for m in messages))
        self.assertEqual([read_frame(duplex.exactly)[1] for _ in messages], messages)

    @over_tls_and_plain
    def test_close_handshake_ends_both_connections(self, client):
        websocket = WebSocket(client, "/echo")
        websocket.send(b"\x03\xe8bye", CLOSE)
        self.assertEqual(websocket.receive(), (CLOSE, b"\x03\xe8bye"))
        self.assertTrue(websocket.ends())

    @over_tls_and_plain
    def test_the_workers_first_words_come_with_the_101(self, client):
        for size in (1, 100_000):
            with self.dmpm.connect() as another:
                self.assertEqual(WebSocket(another, f"/talk?{size}").receive(),
                                 (BINARY, b"t" * size))

    def test_the_clients_first_words_come_with_the_request(self):
        for size in (5, 10_000, 100_000):
            for connect in (self.dmpm.connect, self.dmpm.connect_plain):
                with self.subTest(early=size), connect() as client:
                    websocket = WebSocket(client, "/echo", frame(BINARY, b"e" * size, b"mask"))
                    self.assertEqual(websocket.receive(), (BINARY, b"e" * size))

    @over_tls_and_plain
    def test_what_looks_like_a_request_in_a_tunnel_is_none(self, client):
        websocket = WebSocket(client, "/raw")
        evil = b"GET /number HTTP/1.1\r\nHost: a.test\r\n\r\n\x00\xff\n\n"
        websocket.client.send(evil)
        self.assertEqual(websocket.client._exactly(len(evil)), evil)

    def test_a_client_that_ends_its_side_still_hears_the_worker(self):
        with self.dmpm.connect_plain() as client:
            websocket = WebSocket(client, "/raw")
            client.send(b"x" * 100_000)
            client.sock.shutdown(socket.SHUT_WR)
            self.assertEqual(client._exactly(100_003), b"x" * 100_000 + b"end")
            self.assertTrue(websocket.ends())

    def test_a_worker_that_ends_its_side_still_hears_the_client(self):
        heard = self.dmpm.home("alice") / "heard"
        with self.dmpm.connect_plain() as client:
            websocket = WebSocket(client, "/last")
            self.assertEqual(client._exactly(22), b"the worker's last word")
            self.assertTrue(websocket.ends())
            client.send(b"y" * 300_000)
            client.sock.shutdown(socket.SHUT_WR)
            eventually(heard.exists, "the worker has heard it all")
        self.assertEqual(heard.read_bytes(), b"y" * 300_000)

    def test_a_worker_that_does_not_read_holds_up_the_client(self):
        (dispatcher,) = self.dmpm.services("dispatcher")
        data = random.Random(3).randbytes(48 * MIB)
        with self.dmpm.connect() as client:
            websocket = WebSocket(client, "/stall")
            with Watch(dispatcher) as watch:
                sender = threading.Thread(target=websocket.send, args=(data,))
                sender.start()
                eventually(lambda: self.rests(dispatcher), "the dispatcher has stopped reading")
                self.assertTrue(sender.is_alive())
                (self.dmpm.home("alice") / "go").touch()
                sender.join()
                self.assertEqual(websocket.receive(), (BINARY, data))
        if bounded():
            self.assertLess(watch.grown, 4096, str(watch))

    def test_a_client_that_does_not_read_holds_up_the_worker(self):
        (dispatcher,) = self.dmpm.services("dispatcher")
        size = 48 * MIB
        with self.dmpm.connect() as client, Watch(dispatcher) as watch:
            websocket = WebSocket(client, f"/flood?{size}")
            eventually(lambda: self.rests(dispatcher), "the dispatcher has stopped reading")
            self.assertEqual(websocket.receive(), (BINARY, b"f" * size))
            websocket.send(b"and now?")
            self.assertEqual(websocket.receive(), (BINARY, b"and now?"))
        if bounded():
            self.assertLess(watch.grown, 4096, str(watch))

    @staticmethod
    def rests(pid):
        """True when the process did not use the processor for a while."""
        def ticks():
            with open(f"/proc/{pid}/stat", encoding="ascii") as file:
                return sum(map(int, file.read().rsplit(")", 1)[1].split()[11:13]))
        before = ticks()
        threading.Event().wait(0.3)
        return ticks() == before

    @over_tls_and_plain
    def test_a_refused_upgrade_is_an_ordinary_answer(self, client):
        client.send(handshake("/refuse"))
        answer = client.answer()
        self.assertEqual((answer.status, answer.body), (403, b"not here"))
        for _ in range(3):
            self.assertEqual(client.get("a.test", "/number").status, 200)
        # And the next one may still be granted.
        websocket = WebSocket(client, "/echo")
        websocket.send(b"hello")
        self.assertEqual(websocket.receive(), (BINARY, b"hello"))

    def test_a_refused_upgrade_with_early_bytes_does_no_harm(self):
        with self.dmpm.connect() as client:
            client.send(handshake("/refuse") + frame(BINARY, b"early", b"mask"))
            self.assertEqual(client.answer().status, 403)
            self.assertEqual(client.answer().status, 400)
            self.assertTrue(client.at_end())

    @over_tls_and_plain
    def test_only_a_get_without_a_body_is_upgraded(self, client):
        upgrade = [("Connection", "Upgrade"), ("Upgrade", "websocket"),
                   ("Sec-WebSocket-Key", KEY.decode())]
        for method, body in (("POST", b"x"), ("GET", b"x"), ("POST", b""), ("HEAD", None)):
            answer = client.request(method, "a.test", "/echo", headers=upgrade, body=body)
            self.assertEqual(answer.status, 200, (method, body))

    def test_a_workers_connection_is_not_used_again(self):
        used = set()
        with self.dmpm.connect() as plain:
            for _ in range(20):
                with self.dmpm.connect() as client:
                    websocket = WebSocket(client, "/echo")
                    used.add(int(websocket.fields["x-connection"]))
                    websocket.send(b"", CLOSE)
                    websocket.receive()
                self.assertNotIn(int(plain.get("a.test", "/number").body.split()[0]), used)
        self.assertEqual(len(used), 20)

    def test_a_client_that_vanishes_ends_the_workers_side(self):
        for _ in range(20):
            with self.dmpm.connect_plain() as client:
                WebSocket(client, "/echo").send(b"half a frame"[:3])
        # Each tunnel has a thread in the worker.
        (worker,) = self.dmpm.workers(ALICE)
        eventually(lambda: len(os.listdir(f"/proc/{worker}/task")) < 10, "the tunnels have ended")

    def test_killed_worker_ends_the_tunnel(self):
        with self.dmpm.connect() as client, self.dmpm.connect() as another:
            WebSocket(client, "/echo")
            (worker,) = self.dmpm.workers(ALICE)
            eventually(lambda: harness.age(worker) > 1.1, "the worker has grown up")
            os.kill(worker, signal.SIGKILL)
            self.assertTrue(client.at_end())
            websocket = WebSocket(another, "/echo")
            websocket.send(b"alive")
            self.assertEqual(websocket.receive(), (BINARY, b"alive"))


if __name__ == "__main__":
    harness.main()
