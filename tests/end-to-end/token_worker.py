#!/usr/bin/python3
"""A worker whose every answer carries its request's token, on the listening socket that is descriptor 3.

The request has X-Token, and a body that is the token over and over. The answer has X-Token, X-Uid,
X-Host, X-Pid and the same body; framed as the path says: /length, /chunked, /close.
"""
import os
import socket
import sys
import threading


def read_request(stream):
    lines = []
    while (line := stream.readline()) not in (b"\r\n", b""):
        lines.append(line.decode("latin-1").rstrip("\r\n"))
    if not lines:
        return None
    fields = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines[1:])}
    if fields.get("transfer-encoding") == "chunked":
        body = b""
        while size := int(stream.readline(), 16):
            body += stream.read(size)
            stream.readline()
        stream.readline()
    else:
        body = stream.read(int(fields.get("content-length", 0)))
    return lines[0].split(" "), fields, body


def check(fields, body):
    """A request that is not whole or not itself is the worst that could happen: it is told."""
    token = fields["x-token"].encode()
    return not body or body == token * (len(body) // len(token))


def serve(sock):
    try:
        with sock, sock.makefile("rb", 65536) as stream:
            while request := read_request(stream):
                (method, path, _), fields, body = request
                if not check(fields, body):
                    print("MIXED UP", method, path, fields, body[:200], file=sys.stderr, flush=True)
                    os._exit(9)
                head = (f"HTTP/1.1 200 OK\r\nX-Token: {fields['x-token']}\r\nX-Uid: {os.getuid()}\r\n"
                        f"X-Host: {fields['host']}\r\nX-Pid: {os.getpid()}\r\n").encode()
                if not body:
                    body = fields["x-token"].encode()
                if path == "/chunked":
                    half = len(body) // 2
                    pieces = [p for p in (body[:half], body[half:]) if p]
                    sock.sendall(head + b"Transfer-Encoding: chunked\r\n\r\n")
                    for piece in pieces:
                        sock.sendall(b"%x\r\n%s\r\n" % (len(piece), piece))
                    sock.sendall(b"0\r\n\r\n")
                elif path == "/close":
                    sock.sendall(head + b"\r\n" + body)
                    return
                else:
                    sock.sendall(head + b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
    except OSError:
        pass


def main():
    listener = socket.socket(fileno=3)
    listener.setblocking(True)
    while True:
        sock, _ = listener.accept()
        threading.Thread(target=serve, args=(sock,), daemon=True).start()


if __name__ == "__main__":
    main()
