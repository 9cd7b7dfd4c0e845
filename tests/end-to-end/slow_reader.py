#!/usr/bin/python3
"""Many connections that each take 1 KB a second of one long answer; a process of its own, so that it shares
no interpreter with who measures.

  slow_reader.py PORT HOST PATH COUNT [AUTHORITY]     AUTHORITY: over TLS, checked with that file

Says "served" when each has the beginning of its answer. Answers each line of its input with what was taken
so far (JSON); closes all and ends with the end of its input.

There is no poll: each connection has its turn once a second, and takes what its pace allows and the kernel
has. So 1,000 of them cost 1,000 system calls a second. TLS records are taken as they come and never opened:
else OpenSSL would take a whole one, and then leave the socket alone for 16 seconds.
"""
import json
import os
import resource
import select
import socket
import ssl
import sys
import time

PACE = 1024  # bytes a second, each
TURNS = 100  # in a second
SERVED = 2 * PACE  # more than a handshake's last words, or an error page
SEGMENT = 1460  # what Ethernet has: loopback's 64 KB are more than the window ever has
RECEIVE_BUFFER = 2048


class Reader:
    def __init__(self, port, host, request, context):
        self.sock = socket.socket()
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, SEGMENT)
        self.sock.connect(("127.0.0.1", port))
        if context:
            self.sock = context.wrap_socket(self.sock, server_hostname=host)
        self.sock.sendall(request)
        self.sock.setblocking(False)
        self.start, self.taken, self.lost = None, 0, False

    def take(self):
        allowed = SERVED - self.taken
        if self.start is not None:
            allowed += int(PACE * (1 + time.monotonic() - self.start))  # at its turn: for the second to come
        if allowed <= 0 or self.lost:
            return
        try:
            size = len(os.read(self.sock.fileno(), allowed))
        except BlockingIOError:
            return
        except ConnectionError:
            size = 0
        self.taken += size
        self.lost = size == 0


def report(readers):
    used = resource.getrusage(resource.RUSAGE_SELF)
    return {"taken": [reader.taken for reader in readers], "lost": sum(r.lost for r in readers),
            "cpu": used.ru_utime + used.ru_stime}


def begin(readers):
    """Until each is served."""
    waiting = readers
    while waiting:
        for reader in waiting:
            reader.take()
        if any(reader.lost for reader in waiting):
            sys.exit("slow_reader.py: a connection was closed instead of served")
        waiting = [reader for reader in waiting if reader.taken < SERVED]
        # Its input says nothing yet but that it has ended.
        if select.select([sys.stdin], [], [], 1 / TURNS)[0]:
            sys.exit(0)
    for reader in readers:
        reader.start = time.monotonic()
    print("served", flush=True)


def read(readers):
    """Until the input ends."""
    turn, due = 0, time.monotonic()
    while True:
        now = time.monotonic()
        if select.select([sys.stdin], [], [], max(0, due - now))[0]:
            if not sys.stdin.readline():
                return
            print(json.dumps(report(readers)), flush=True)
            continue
        # What a busy machine has missed is not made up for in a hurry: each has its own account.
        due = max(due + 1 / TURNS, now)
        turn = (turn + 1) % TURNS
        for reader in readers[turn::TURNS]:
            reader.take()


def main():
    port, host, path, count, *authority = sys.argv[1:]
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    context = ssl.create_default_context(cafile=authority[0]) if authority else None
    request = f"GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()
    readers = [Reader(int(port), host, request, context) for _ in range(int(count))]
    begin(readers)
    read(readers)


if __name__ == "__main__":
    main()
