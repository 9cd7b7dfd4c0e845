#!/usr/bin/python3
"""A worker that keeps the raw bytes of every request, on the listening socket that is descriptor 3.

Answers every request with 200; GET /take-recorded answers with the bytes of all requests since the last
such, in the order in which they came, and forgets them.
"""
import socket
import threading

recorded = []


class Reader:
    def __init__(self, sock):
        self.sock, self.buffer, self.raw = sock, b"", b""

    def take(self, size):
        piece, self.buffer = self.buffer[:size], self.buffer[size:]
        self.raw += piece
        return piece

    def fill(self):
        data = self.sock.recv(65536)
        if not data:
            raise EOFError
        self.buffer += data

    def line(self):
        while (at := self.buffer.find(b"\r\n")) < 0:
            self.fill()
        return self.take(at + 2)[:-2]

    def exactly(self, size):
        while len(self.buffer) < size:
            self.fill()
        self.take(size)

    def request(self):
        """The request's line and raw bytes."""
        self.raw = b""
        first = self.line()
        fields = {}
        while line := self.line():
            name, value = line.split(b":", 1)
            fields[name.lower()] = value.strip()
        if b"expect" in fields:
            self.sock.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        if b"transfer-encoding" in fields:
            while size := int(self.line(), 16):
                self.exactly(size + 2)
            while self.line():
                pass
        else:
            self.exactly(int(fields.get(b"content-length", 0)))
        return first, self.raw


def serve(sock):
    reader = Reader(sock)
    try:
        while True:
            first, raw = reader.request()
            body = b""
            if first.startswith(b"GET /take-recorded "):
                body = b"".join(recorded)
                recorded.clear()
            else:
                recorded.append(raw)
            head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body)
            sock.sendall(head + (b"" if first.startswith(b"HEAD ") else body))
    except (EOFError, OSError):
        sock.close()


def main():
    listener = socket.socket(fileno=3)
    listener.setblocking(True)
    while True:
        sock, _ = listener.accept()
        threading.Thread(target=serve, args=(sock,), daemon=True).start()


if __name__ == "__main__":
    main()
