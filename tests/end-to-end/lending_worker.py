#!/usr/bin/python3
"""A worker that lends its listening socket (descriptor 3) to the test, which then plays the worker.

Sends the descriptor over the Unix socket that is named by its argument, and ends with that."""
import socket
import sys


def main():
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as lender:
        lender.connect(sys.argv[1])
        socket.send_fds(lender, [b"listener"], [3])
        lender.recv(1)


if __name__ == "__main__":
    main()
