#!/usr/bin/python3
"""Whose time it is: a body that its worker does not take, and clients that read slowly."""
import contextlib
import socket
import time
import unittest

import harness
from http2_frames import ENHANCE_YOUR_CALM, HEADERS, Connection, frame, request
from http2_site import Site


class ClientTimeouts(unittest.TestCase):
    def test_a_worker_that_takes_no_body(self):
        with Site(scale={"response_timeout": "1s"}) as dmpm:
            with Connection(dmpm) as client:
                for ends in (False, True):
                    number = client.open("POST", "a.test", "/unread", end_stream=False)
                    client.upload(number, bytes(2_000_000), end_stream=ends)
                    self.assertEqual(client.answer(number).status, 504)
                client.check_alive()
            with dmpm.connect() as client:
                client.send(b"POST /unread HTTP/1.1\r\nHost: a.test\r\nContent-Length: 50000000\r\n\r\n")
                with contextlib.suppress(OSError):  # it is answered, and ended, in the middle
                    client.send(bytes(50_000_000))
                self.assertEqual(client.answer().status, 504)

    def read_slowly(self, client, condition):
        """Some 3 MB a second, so that there always is output that waits."""
        end = time.monotonic() + harness.DEADLINE
        while not condition():
            self.assertLess(time.monotonic(), end, f"{client.streams}, GOAWAY {client.goaway}")
            for _ in range(4):
                client.read()
            time.sleep(0.02)

    def test_deadlines_hold_for_who_reads_slowly(self):
        with Site(limits={"head_timeout": "1s", "body_timeout": "1s"}) as dmpm, \
                Connection(dmpm, window=1 << 30) as client:
            client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16384)
            client.open("GET", "a.test", "/big?n=100000000")
            upload = client.stream(client.open("POST", "a.test", "/", end_stream=False))
            self.read_slowly(client, lambda: upload.status is not None)
            self.assertEqual(upload.status, 408)
            block = client.encoder.encode(request("GET", "/", "a.test"))
            client.auto = False  # nothing else may come before the head's end (RFC 9113 6.10)
            client.send(frame(HEADERS, 0, client.next_stream, block))
            self.read_slowly(client, lambda: client.goaway is not None)
            self.assertEqual(client.goaway, ENHANCE_YOUR_CALM)


if __name__ == "__main__":
    harness.main()
