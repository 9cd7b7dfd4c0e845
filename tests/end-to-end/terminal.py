"""A program on a terminal of its own, as an operator sits at it."""
import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import termios
import time

import harness

SEQUENCE = re.compile(rb"\x1b\[[0-9;?]*[A-Za-z]")


class Terminal:
    def __init__(self, *command, rows=24, columns=120, **environment):
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.slave = slave
        self.before = termios.tcgetattr(slave)
        self.said = b""
        self.process = subprocess.Popen([str(part) for part in command], stdin=slave, stdout=slave,
                                        stderr=slave, start_new_session=True,
                                        env={"TERM": "xterm", "PATH": os.environ["PATH"], **environment})

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(self.slave)
        os.close(self.master)

    def press(self, keys):
        os.write(self.master, keys)

    def read(self, seconds):
        if select.select([self.master], [], [], seconds)[0]:
            self.said += os.read(self.master, 65536)

    def wait_for(self, pattern, after=0):
        """The match in what was shown behind `after`, without control sequences; where that ends."""
        end = time.monotonic() + harness.DEADLINE
        while True:
            text = SEQUENCE.sub(b"", self.said[after:]).decode("utf-8", "replace")
            if match := re.search(pattern, text, re.DOTALL):
                return match
            if time.monotonic() > end:
                raise AssertionError(f"not shown: {pattern!r}; but {text[-3000:]!r}")
            self.read(0.1)

    def end(self):
        """The exit status, with all that was said read."""
        end = time.monotonic() + harness.DEADLINE
        while self.process.poll() is None and time.monotonic() < end:
            self.read(0.05)
        self.read(0)
        return self.process.wait(harness.DEADLINE)
