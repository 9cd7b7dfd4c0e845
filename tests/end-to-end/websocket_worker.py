#!/usr/bin/python3
"""A WebSocket server (RFC 6455) as a worker, on the listening socket that is descriptor 3.

/echo      every message back; answers a close frame with one and ends
/raw       after the 101, every byte back as it is, until the other side ends; then "end", and ends
/talk?N    speaks at once: N bytes follow the 101 in the same packet
/flood?N   sends a message of N bytes, then echoes
/stall     reads nothing until the file "go" exists in the worker's directory, then echoes
/last      ends its own side at once, then writes what still comes to the file "heard"
/refuse    403, and the connection stays open
/number    (no upgrade) this connection's number and how many requests came on it
"""
import base64
import hashlib
import os
import socket
import struct
import threading
import time

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


def mask_bytes(key, data):
    if not data:
        return data
    size = len(data)
    keys = (key * (size // 4 + 1))[:size]
    return (int.from_bytes(data, "big") ^ int.from_bytes(keys, "big")).to_bytes(size, "big")


def frame(opcode, data, mask=b""):
    """One frame with FIN; masked when there is a key, as clients must."""
    bit, size = 0x80 if mask else 0, len(data)
    if size < 126:
        head = struct.pack("!BB", 0x80 | opcode, bit | size)
    elif size < 65536:
        head = struct.pack("!BBH", 0x80 | opcode, bit | 126, size)
    else:
        head = struct.pack("!BBQ", 0x80 | opcode, bit | 127, size)
    return head + mask + (mask_bytes(mask, data) if mask else data)


def read_frame(exactly):
    """(opcode, data); `exactly(n)` gives n bytes."""
    first, second = exactly(2)
    size = second & 0x7f
    if size == 126:
        (size,) = struct.unpack("!H", exactly(2))
    elif size == 127:
        (size,) = struct.unpack("!Q", exactly(8))
    key = exactly(4) if second & 0x80 else b""
    data = exactly(size)
    return first & 0x0f, mask_bytes(key, data) if key else data


class Connection:
    def __init__(self, sock, number):
        self.sock, self.number, self.requests = sock, number, 0
        self.stream = sock.makefile("rb", 1 << 16)

    def exactly(self, size):
        data = self.stream.read(size)
        if len(data) < size:
            raise EOFError
        return data

    def serve(self):
        try:
            while self.request():
                pass
        except (OSError, EOFError):
            pass
        finally:
            self.stream.close()
            self.sock.close()

    def request(self):
        """False when the connection is through."""
        lines = []
        while (line := self.stream.readline()) not in (b"\r\n", b""):
            lines.append(line.decode("latin-1").strip())
        if not lines:
            return False
        self.requests += 1
        path, _, query = lines[0].split(" ")[1].partition("?")
        fields = {k.lower(): v for k, v in (line.split(": ", 1) for line in lines[1:])}
        self.stream.read(int(fields.get("content-length", 0)))
        if path == "/refuse":
            self.plain("403 Forbidden", b"not here")
        elif fields.get("upgrade") != "websocket" or fields.get("connection") != "Upgrade":
            self.plain("200 OK", f"{self.number} {self.requests}".encode())
        else:
            getattr(self, "do_" + path.strip("/"))(self.accept(fields), query)
            return False
        return True

    def plain(self, status, body):
        self.sock.sendall(b"HTTP/1.1 %s\r\nX-Connection: %d\r\nContent-Length: %d\r\n\r\n%s" %
                          (status.encode(), self.number, len(body), body))

    def accept(self, fields):
        key = fields["sec-websocket-key"].encode()
        token = base64.b64encode(hashlib.sha1(key + GUID).digest())
        return (b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                b"Sec-WebSocket-Accept: %s\r\nX-Connection: %d\r\n\r\n" % (token, self.number))

    def do_echo(self, head, _):
        self.sock.sendall(head)
        while True:
            opcode, data = read_frame(self.exactly)
            self.sock.sendall(frame(opcode, data))
            if opcode == 8:
                return

    def do_raw(self, head, _):
        self.sock.sendall(head)
        while data := self.stream.read1(65536):
            self.sock.sendall(data)
        self.sock.sendall(b"end")

    def do_talk(self, head, query):
        self.do_echo(head + frame(2, b"t" * int(query)), query)

    def do_flood(self, head, query):
        self.do_echo(head + frame(2, b"f" * int(query)), query)

    def do_stall(self, head, query):
        self.sock.sendall(head)
        while not os.path.exists("go"):
            time.sleep(0.005)
        self.do_echo(b"", query)

    def do_last(self, head, _):
        self.sock.sendall(head + b"the worker's last word")
        self.sock.shutdown(socket.SHUT_WR)
        heard = self.stream.read()
        with open("heard.new", "wb") as file:
            file.write(heard)
        os.rename("heard.new", "heard")


def main():
    listener = socket.socket(fileno=3)
    listener.setblocking(True)
    for number in range(1 << 62):
        sock, _ = listener.accept()
        threading.Thread(target=Connection(sock, number).serve, daemon=True).start()


if __name__ == "__main__":
    main()
