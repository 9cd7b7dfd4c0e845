#!/usr/bin/python3
"""A well-behaved client: asks b.test for a small page at a steady rate on one connection, HTTP/1.1 or
HTTP/2, and writes down how long each answer took.

    http2_good_client.py h1|h2 PORT CA RATE FILE [ADDRESS]

FILE gets pairs of doubles: when the request was sent (CLOCK_MONOTONIC) and the seconds to its answer's
end; a negative number where there was no answer. Until SIGTERM.
"""
import signal
import socket
import ssl
import struct
import sys
import time

import http2_frames as h2

PER_CONNECTION = 20_000  # then a new one, between two requests


def connect(port, authority, protocol, address):
    context = ssl.create_default_context(cafile=authority)
    context.set_alpn_protocols([protocol])
    sock = socket.create_connection(("127.0.0.1", port), 10, source_address=(address, 0))
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return context.wrap_socket(sock, server_hostname="b.test")


class Http1:
    protocol = "http/1.1"

    def __init__(self, sock):
        self.sock, self.left = sock, PER_CONNECTION

    def request(self):
        self.left -= 1
        self.sock.sendall(b"GET / HTTP/1.1\r\nHost: b.test\r\n\r\n")
        got = b""
        while (at := got.find(b"\r\n\r\n")) < 0:
            got += self.receive()
        head = got[:at].lower()
        if not head.startswith(b"http/1.1 200"):
            raise ConnectionError(head)
        size = int(head.split(b"content-length: ")[1].split(b"\r\n")[0])
        missing = at + 4 + size - len(got)
        while missing > 0:
            missing -= len(self.receive())

    def receive(self):
        piece = self.sock.recv(65536)
        if not piece:
            raise ConnectionError("closed")
        return piece


class Http2(Http1):
    protocol = "h2"

    def __init__(self, sock):
        super().__init__(sock)
        self.block = h2.encode(h2.request(authority="b.test"))
        self.stream, self.buffer = -1, b""
        sock.sendall(h2.PREFACE + h2.settings() + h2.window_update((1 << 31) - 65536) +
                     h2.settings(flags=h2.ACK))

    def request(self):
        self.left -= 1
        self.stream += 2
        self.sock.sendall(h2.headers(self.block, self.stream))
        while True:
            kind, flags, stream = self.frame()
            if kind in (h2.RST_STREAM, h2.GOAWAY):
                raise ConnectionError(f"frame {kind}")
            if stream == self.stream and kind in (h2.DATA, h2.HEADERS) and flags & h2.END_STREAM:
                return

    def frame(self):
        while len(self.buffer) < 9 or \
                len(self.buffer) < 9 + int.from_bytes(self.buffer[:3], "big"):
            self.buffer += self.receive()
        head = self.buffer[:9]
        self.buffer = self.buffer[9 + int.from_bytes(head[:3], "big"):]
        return head[3], head[4], int.from_bytes(head[5:], "big")


class Stopped(Exception):
    pass


def run(make, rate, out):
    due, client = time.monotonic(), None
    while True:
        due += 1 / rate
        time.sleep(max(0.0, due - time.monotonic()))
        if client is None or client.left == 0:
            client = None
            client = make()
        begun = time.monotonic()
        due = max(due, begun - 1 / rate)  # a late answer leaves no backlog
        try:
            client.request()
            took = time.monotonic() - begun
        except (OSError, ValueError, IndexError) as problem:
            print(f"{make.__name__}: {problem!r}", file=sys.stderr)
            client, took, due = None, -1.0, time.monotonic()
        out.write(struct.pack("dd", begun, took))


def main():
    kind, port, authority, rate, file = sys.argv[1:6]
    address = sys.argv[6] if len(sys.argv) > 6 else "127.0.0.1"
    protocol = {"h1": Http1, "h2": Http2}[kind]

    def make():
        return protocol(connect(int(port), authority, protocol.protocol, address))

    def stop(*_):
        raise Stopped

    signal.signal(signal.SIGTERM, stop)
    with open(file, "wb", buffering=1 << 20) as out:
        try:
            run(make, float(rate), out)
        except Stopped:
            pass


if __name__ == "__main__":
    main()
