"""The sockets that a process has for its clients: how many, and what the kernel takes of their output.

Not by its descriptors alone: idle connections to workers are kept, and are Unix sockets.
"""
import ctypes
import os
import socket

from harness import descriptors

LISTENING = "0A"
PIDFD_GETFD = 438  # the same on all machines


def client_sockets(pid):
    """How many TCP connections it holds, in whatever state."""
    return sum(state != LISTENING for _, state in tcp_sockets(pid))


def tcp_sockets(pid):
    """(descriptor, state) of each."""
    states = {}
    for table in ("tcp", "tcp6"):
        with open(f"/proc/{pid}/net/{table}", encoding="ascii") as file:
            for line in file.readlines()[1:]:
                fields = line.split()
                states[f"socket:[{fields[9]}]"] = fields[3]
    return [(number, states[what]) for number, what in descriptors(pid).items() if what in states]


def limit_send_buffers(pid, size):
    """Of the connections that it will accept. Without it the kernel takes what it thinks best, by what it
    has learned of earlier connections: hundreds of kilobytes, or a few."""
    pidfd = os.pidfd_open(pid)
    for number, state in tcp_sockets(pid):
        if state == LISTENING:
            copy = ctypes.CDLL(None, use_errno=True).syscall(PIDFD_GETFD, pidfd, number, 0)
            if copy < 0:
                raise OSError(ctypes.get_errno(), "pidfd_getfd")
            with socket.socket(fileno=copy) as listener:
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, size)
    os.close(pidfd)
