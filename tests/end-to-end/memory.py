"""How much memory a process has, watched while something goes on."""
import os
import threading

# Kilobytes that HTTP/2 may make the dispatcher grow by (docs/architecture.md, Limits): what its connections
# share, and each one's own.
HTTP2_SHARED_KB = 24 * 1024
HTTP2_CONNECTION_KB = 31 * 1024


def _kilobytes(pid, what):
    with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as file:
        return next(int(line.split()[1]) for line in file if line.startswith(what + ":"))


def resident(pid):
    """Kilobytes that are its own or its part of what it shares (PSS)."""
    return _kilobytes(pid, "Pss")


def own(pid):
    """Kilobytes that it shares with nobody and that no file has."""
    return _kilobytes(pid, "Anonymous")


def bounded():
    """Whether bounds on memory can be checked: a sanitizer keeps what was freed for a while."""
    return not os.environ.get("DMPM_SANITIZED")


class Watch:
    """with Watch(pid) as watch: ...; then watch.grown is the most that it had more than at the start."""

    def __init__(self, pid, interval=0.05):
        self.pid, self.interval, self.stopping = pid, interval, threading.Event()
        self.samples = []
        self.thread = threading.Thread(target=self._look)

    def __enter__(self):
        self.samples.append(resident(self.pid))
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stopping.set()
        self.thread.join()
        self.samples.append(resident(self.pid))

    @property
    def grown(self):
        return max(self.samples) - self.samples[0]

    def __str__(self):
        return (f"{self.samples[0]} KB at the start, at most {max(self.samples)}, "
                f"{self.samples[-1]} at the end ({len(self.samples)} samples)")

    def _look(self):
        while not self.stopping.wait(self.interval):
            self.samples.append(resident(self.pid))
