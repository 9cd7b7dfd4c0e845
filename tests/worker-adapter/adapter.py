"""Runs dmpm-worker-adapter as the master would: with a listening Unix socket as descriptor 3.

As root, it runs as nobody: what it does must need no privilege.
"""
import contextlib
import os
import pathlib
import pwd
import select
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import unittest

BIN = pathlib.Path(os.environ.get("DMPM_BIN", "build/debug/bin")).resolve()
ADAPTER = BIN / "dmpm-worker-adapter"
DEADLINE = 20


def eventually(condition, what):
    end = time.monotonic() + DEADLINE
    while not (result := condition()):
        if time.monotonic() > end:
            raise AssertionError(f"not within {DEADLINE} s: {what}")
        time.sleep(0.005)
    return result


class AdapterTest(unittest.TestCase):
    def setUp(self):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="dmpm-adapter."))
        self.addCleanup(shutil.rmtree, self.directory)
        self.user = {}
        if os.geteuid() == 0:
            nobody = pwd.getpwnam("nobody")
            os.chown(self.directory, nobody.pw_uid, nobody.pw_gid)
            self.user = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
        self.path = self.directory / "socket"
        self.listener = socket.socket(socket.AF_UNIX)
        self.addCleanup(self.listener.close)
        self.listener.bind(str(self.path))
        self.listener.listen(1024)
        self.stderr = self.directory / "stderr"
        self.stderr.touch()
        self.stderr.chmod(0o666)  # /dev/stderr can be opened anew, as in a worker

    def start(self, *words, **environment):
        """The adapter, or what it has become."""
        with open(self.stderr, "ab") as stderr:
            process = subprocess.Popen(
                ["/bin/sh", "-c", 'LISTEN_PID=$$ exec "$0" "$@"', ADAPTER, *map(str, words)], stdin=subprocess.DEVNULL, stdout=stderr, stderr=stderr,
                cwd=self.directory, start_new_session=True, pass_fds=[self.listener.fileno(), 3],
                preexec_fn=self._take_three, **self.user,
                env={"PATH": "/usr/bin:/bin", "HOME": str(self.directory), "LISTEN_FDS": "1",
                     "LISTEN_FDNAMES": "test", "TMPDIR": str(self.directory), **environment})
        self.addCleanup(self.end, process)
        return process

    def _take_three(self):
        if self.listener.fileno() != 3:
            os.dup2(self.listener.fileno(), 3)
            os.close(self.listener.fileno())

    def end(self, process):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def said(self):
        return self.stderr.read_text(errors="replace")

    def connect(self):
        sock = socket.socket(socket.AF_UNIX)
        self.addCleanup(sock.close)
        sock.settimeout(DEADLINE)
        sock.connect(str(self.path))
        return sock

    def exchange(self, data):
        """What comes for it, to the end."""
        sock = self.connect()
        sock.sendall(data)
        return read_all(sock)

    def get(self, path="/"):
        answer = self.exchange(b"GET %s HTTP/1.0\r\nHost: a.test\r\nX-Forwarded-For: 192.0.2.7\r\n"
                               b"X-Forwarded-Proto: https\r\n\r\n" % path.encode())
        head, _, body = answer.partition(b"\r\n\r\n")
        return head.decode("latin-1"), body


def read_all(sock):
    pieces = []
    while piece := sock.recv(1 << 20):
        pieces.append(piece)
    return b"".join(pieces)
