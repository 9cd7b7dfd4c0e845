#!/usr/bin/python3
"""A worker that a process of its own traces, in a session of its own: what waits for the worker's end waits for the
tracer as well. Answers one request after the other with "traced", or with why it is not."""
import ctypes
import os
import signal
import socket

PTRACE_SEIZE = 0x4206


def trace(pid):
    libc = ctypes.CDLL(None, use_errno=True)
    libc.ptrace.argtypes = [ctypes.c_long] * 4
    return libc.ptrace(PTRACE_SEIZE, pid, 0, 0) == 0 or os.strerror(ctypes.get_errno())


def main():
    ready, told = os.pipe()
    worker = os.getpid()
    if os.fork() == 0:
        os.setsid()
        seized = trace(worker)
        os.write(told, b"traced" if seized is True else str(seized).encode())
        while True:
            signal.pause()
    said = os.read(ready, 100)
    with socket.socket(fileno=3) as server:
        while True:
            client, _ = server.accept()
            while client.recv(65536):
                client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(said), said))
            client.close()


if __name__ == "__main__":
    main()
