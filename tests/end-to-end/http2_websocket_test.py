#!/usr/bin/python3
"""WebSockets through both protocols, to a real worker: RFC 8441 and Upgrade."""
import base64
import os
import signal
import unittest

import harness
from harness import ALICE, eventually, uid
from http2_frames import Connection, NO_ERROR, data
from http2_site import Site


def ws_frame(payload, opcode=2):
    """RFC 6455 5.2, masked with zeros: the bytes are opaque to dmpm, but real."""
    size = len(payload)
    head = bytes([0x80 | opcode])
    if size < 126:
        head += bytes([0x80 | size])
    elif size < 65536:
        head += bytes([0x80 | 126]) + size.to_bytes(2, "big")
    else:
        head += bytes([0x80 | 127]) + size.to_bytes(8, "big")
    return head + bytes(4) + payload


def extended_connect(client, path="/ws", authority="a.test", more=()):
    return client.open("", authority, end_stream=False, fields=[
        (":method", "CONNECT"), (":protocol", "websocket"), (":scheme", "https"), (":path", path),
        (":authority", authority), ("sec-websocket-version", "13"), ("origin", f"https://{authority}"),
        *more])


class WebSockets(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.dmpm = Site().__enter__()

    @classmethod
    def tearDownClass(cls):
        cls.dmpm.__exit__(None, None, None)

    def accepted(self, client, path="/ws", authority="a.test", more=()):
        number = extended_connect(client, path, authority, more)
        stream = client.stream(number)
        client.wait(lambda: stream.fields or stream.over, "the answer")
        self.assertEqual(stream.status, 200, stream)
        self.assertFalse(stream.over)
        for name in ("sec-websocket-accept", "upgrade", "connection", "content-length",
                     "transfer-encoding"):
            self.assertIsNone(stream.field(name))
        return number, stream

    def test_echo(self):
        with Connection(self.dmpm) as client:
            number, stream = self.accepted(client)
            self.assertEqual(stream.field("x-worker-uid"), str(uid(ALICE)))
            said = b""
            for i in range(50):
                said += ws_frame(b"message %d" % i)
                client.send(data(ws_frame(b"message %d" % i), number, end_stream=False))
                client.wait(lambda: stream.body == said, "the echo")
            client.send(data(b"", number))
            client.answer(number)
            self.assertEqual((stream.body, stream.reset), (said, None))

    def test_bytes_before_the_answer_are_kept(self):
        with Connection(self.dmpm) as client:
            number = extended_connect(client)
            client.send(data(b"early", number, end_stream=False))
            stream = client.stream(number)
            client.wait(lambda: stream.body == b"early", "the echo")
            self.assertEqual(stream.status, 200)

    def test_a_big_message(self):
        message = ws_frame(os.urandom(5_000_000))
        with Connection(self.dmpm) as client:
            number, stream = self.accepted(client)
            client.upload(number, message)
            client.answer(number)
            self.assertEqual(stream.body == message, True, f"{len(stream.body)} of {len(message)}")
            self.assertIn(stream.reset, (None, NO_ERROR))

    def test_the_workers_half_ends_first(self):
        rest = self.dmpm.home("alice") / "tunnel.rest"
        with Connection(self.dmpm) as client:
            number, stream = self.accepted(client, "/ws-bye")
            client.wait(lambda: stream.ended, "the worker's end")
            self.assertEqual(stream.body, b"bye")
            client.check_ping()
            self.assertIsNone(stream.reset, "the client's half is still open")
            client.send(data(b"still ", number, end_stream=False))
            client.check_ping()
            client.send(data(b"here", number))
            eventually(rest.exists, "the worker got the rest", 5)
            self.assertEqual(rest.read_bytes(), b"still here")
            rest.unlink()
            self.assertIsNone(stream.reset)

    def test_the_workers_end_ends_the_stream_when_it_takes_no_more(self):
        with Connection(self.dmpm) as client:
            number, stream = self.accepted(client, "/ws-bye")
            client.wait(lambda: stream.ended, "the worker's end")
            for worker in self.dmpm.workers(ALICE):
                os.kill(worker, signal.SIGKILL)

            def is_reset():
                # What comes while the worker is dying is still taken.
                client.send(data(b"nobody reads this", number, end_stream=False))
                client.check_ping()
                return stream.reset is not None
            eventually(is_reset, "the stream's end")
            self.assertEqual(stream.reset, NO_ERROR)
            client.check_alive()

    def test_the_clients_half_ends_before_the_answer(self):
        with Connection(self.dmpm) as client:
            number = extended_connect(client)
            client.send(data(b"early", number))
            stream = client.answer(number)
            self.assertEqual((stream.status, stream.body, stream.reset), (200, b"early", None))

    def test_the_workers_half_ends_first_over_http_1(self):
        rest = self.dmpm.home("alice") / "tunnel.rest"
        with self.dmpm.connect() as client:
            self.upgrade(client, "/ws-bye")
            while b"bye" not in client.buffer:
                client._fill()
            client.send(b"still here")
            client.close()
        eventually(rest.exists, "the worker got the rest", 5)
        rest.unlink()

    def test_a_reset_ends_the_workers_side(self):
        with Connection(self.dmpm) as client:
            number, _ = self.accepted(client)
            client.send(__import__("http2_frames").reset(number))
            client.check_alive()

    def test_a_refusal(self):
        with Connection(self.dmpm) as client:
            stream = client.answer(extended_connect(client, "/ws-refused"))
            self.assertEqual(stream.status, 403)
            client.check_alive()

    def test_many_on_one_connection_to_both_sites(self):
        with Connection(self.dmpm) as client:
            open_ones = [self.accepted(client, authority=f"{'ab'[i % 2]}.test") for i in range(40)]
            for i, (number, _) in enumerate(open_ones):
                client.send(data(b"%d" % i, number, end_stream=False))
            for i, (number, stream) in enumerate(open_ones):
                client.wait(lambda: stream.body == b"%d" % i, "the echo")
            self.assertEqual(client.request("GET", "a.test").status, 200)

    def test_what_the_worker_is_asked(self):
        with Connection(self.dmpm) as client:
            stream = client.answer(extended_connect(client, "/ws-refused?q=1",
                                                    more=[("sec-websocket-key", "mine"),
                                                          ("sec-websocket-protocol", "chat"),
                                                          ("cookie", "a=1")]))
            got = stream.json()
            fields = {}
            for name, value in got["headers"]:
                fields.setdefault(name.lower(), []).append(value)
            self.assertEqual(got["line"], "GET /ws-refused?q=1 HTTP/1.1")
            self.assertEqual(fields["upgrade"], ["websocket"])
            self.assertEqual(fields["connection"], ["Upgrade"])
            self.assertEqual(fields["host"], ["a.test"])
            self.assertEqual(fields["sec-websocket-protocol"], ["chat"])
            self.assertEqual(fields["sec-websocket-version"], ["13"])
            self.assertEqual(len(fields["sec-websocket-key"]), 1)
            self.assertEqual(len(base64.b64decode(fields["sec-websocket-key"][0])), 16)
            for name in ("transfer-encoding", "content-length", ":protocol"):
                self.assertNotIn(name, fields)

    def upgrade(self, client, path="/ws"):
        client.send(f"GET {path} HTTP/1.1\r\nHost: a.test\r\nUpgrade: websocket\r\n"
                    "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                    "Sec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n\r\n".encode())
        head = client._until(b"\r\n\r\n").decode()
        self.assertTrue(head.startswith("HTTP/1.1 101 "), head)
        self.assertIn("sec-websocket-accept:", head.lower())

    def test_echo_over_http_1(self):
        message = os.urandom(3_000_000)
        with self.dmpm.connect() as client:
            self.upgrade(client)
            frame = ws_frame(message)
            self.assertEqual(client.send_and_read(frame, len(frame)) == frame, True)


if __name__ == "__main__":
    harness.main()
