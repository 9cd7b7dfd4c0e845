#!/usr/bin/python3
"""A worker with a keep-alive timeout of milliseconds. Arguments: seed, close|reset, the longest timeout.

Answers with the last part of the path. GET /counts: how often each POST was done, and how many idle
connections it has closed.
"""
import json
import random
import select
import socket
import struct
import sys
import threading

lock = threading.Lock()
counts = {"posts": {}, "closed": 0, "connections": 0}


def read_request(sock, buffer):
    while b"\r\n\r\n" not in buffer:
        data = sock.recv(65536)
        if not data:
            raise EOFError
        buffer += data
    head, _, rest = buffer.partition(b"\r\n\r\n")
    size = next((int(line[15:]) for line in head.split(b"\r\n")
                 if line.lower().startswith(b"content-length:")), 0)
    while len(rest) < size:
        data = sock.recv(65536)
        if not data:
            raise EOFError
        rest += data
    method, target = head.decode("latin-1").split(" ")[:2]
    return method, target.rsplit("/", 1)[1], rest[size:]


def answer(sock, method, token):
    body = token.encode()
    with lock:
        if method == "POST":
            counts["posts"][token] = counts["posts"].get(token, 0) + 1
        elif token == "counts":
            body = json.dumps(counts).encode()
    sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))


def serve(sock, reset, timeout):
    buffer = b""
    try:
        while True:
            if not buffer and not select.select([sock], [], [], timeout())[0]:
                with lock:
                    counts["closed"] += 1
                if reset:
                    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                break
            method, token, buffer = read_request(sock, buffer)
            answer(sock, method, token)
    except (EOFError, OSError):
        pass
    sock.close()


def main():
    generator, reset, longest = random.Random(int(sys.argv[1])), sys.argv[2] == "reset", sys.argv[3]
    listener = socket.socket(fileno=3)
    listener.setblocking(True)
    while True:
        sock, _ = listener.accept()
        with lock:
            counts["connections"] += 1
        first = [5.0]  # a new connection is not idle before its first request

        def timeout(first=first):
            return first.pop() if first else generator.uniform(0, int(longest) / 1000)
        threading.Thread(target=serve, args=(sock, reset, timeout), daemon=True).start()


if __name__ == "__main__":
    main()
