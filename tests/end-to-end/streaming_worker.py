#!/usr/bin/python3
"""A worker for bodies of any size, on the listening socket that is descriptor 3; keeps none of them.

POST /            takes the body; answers with its length and SHA-256
GET /FRAMING/N    N bytes that repeat BLOCK; FRAMING is length, chunked or close
"""
import hashlib
import socket
import threading

BLOCK = bytes(range(256)) * 255 + b"and so on"  # of a length that divides nothing


class Connection:
    def __init__(self, sock):
        self.sock, self.stream = sock, sock.makefile("rb", 1 << 18)

    def serve(self):
        try:
            while head := self.head():
                method, target = head[0].split(" ")[:2]
                fields = dict(line.lower().split(": ", 1) for line in head[1:])
                if method == "POST":
                    self.upload(fields)
                else:
                    _, framing, size = target.split("/")
                    self.download(framing, int(size))
                    if framing == "close":
                        break
        except (OSError, EOFError):
            pass
        self.sock.shutdown(socket.SHUT_RDWR)
        self.sock.close()

    def head(self):
        lines = []
        while (line := self.stream.readline().decode("latin-1")) not in ("\r\n", ""):
            lines.append(line.rstrip("\r\n"))
        return lines

    def upload(self, fields):
        digest, total = hashlib.sha256(), 0
        for size in self.pieces(fields):
            while size > 0:
                piece = self.stream.read1(min(size, 1 << 18))
                if not piece:
                    raise EOFError
                digest.update(piece)
                size -= len(piece)
                total += len(piece)
        body = f"{total} {digest.hexdigest()}".encode()
        self.sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))

    def pieces(self, fields):
        if fields.get("transfer-encoding") != "chunked":
            yield int(fields["content-length"])
            return
        while size := int(self.stream.readline(), 16):
            yield size
            self.stream.readline()
        self.stream.readline()

    def download(self, framing, size):
        field = {"length": f"Content-Length: {size}\r\n", "close": "",
                 "chunked": "Transfer-Encoding: chunked\r\n"}[framing]
        self.sock.sendall(f"HTTP/1.1 200 OK\r\n{field}\r\n".encode())
        while size > 0:
            piece = BLOCK[:size]
            size -= len(piece)
            self.sock.sendall(b"%x\r\n%s\r\n" % (len(piece), piece) if framing == "chunked" else piece)
        if framing == "chunked":
            self.sock.sendall(b"0\r\n\r\n")


def main():
    listener = socket.socket(fileno=3)
    listener.setblocking(True)
    while True:
        sock, _ = listener.accept()
        threading.Thread(target=Connection(sock).serve, daemon=True).start()


if __name__ == "__main__":
    main()
