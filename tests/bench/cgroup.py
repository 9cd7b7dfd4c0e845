"""Processor time and memory of all processes of a server together, by a control group of their own."""
import os
import pathlib
import time

V1 = pathlib.Path("/sys/fs/cgroup/cpuacct")
V2 = pathlib.Path("/sys/fs/cgroup")


class Cgroup:
    """What it counts are its processes and all that they start, also after these have ended."""

    def __init__(self, name):
        self.is_v1 = (V1 / "cpuacct.usage").exists()
        self.top = V1 if self.is_v1 else self._own_v2()
        self.path = self.top / f"dmpm-bench-{os.getpid()}-{name}"
        self.path.mkdir()

    @staticmethod
    def _own_v2():
        for line in pathlib.Path("/proc/self/cgroup").read_text(encoding="ascii").splitlines():
            if line.startswith("0::/"):
                return V2 / line[4:]
        raise SystemExit("bench: neither the cpuacct controller nor cgroup v2 is mounted")

    def join(self):
        """Between fork and exec: the calling process and its children to come."""
        (self.path / "cgroup.procs").write_text("0", encoding="ascii")

    def put_out(self, pid):
        """Takes a process out: from here on it counts elsewhere."""
        (self.top / "cgroup.procs").write_text(str(pid), encoding="ascii")

    def microseconds(self):
        """User and system time since the beginning."""
        if self.is_v1:
            return int((self.path / "cpuacct.usage").read_text(encoding="ascii")) / 1000
        for line in (self.path / "cpu.stat").read_text(encoding="ascii").splitlines():
            if line.startswith("usage_usec "):
                return float(line.split()[1])
        raise OSError(f"{self.path}/cpu.stat says nothing")

    def processes(self):
        return [int(pid) for pid in (self.path / "cgroup.procs").read_text().split()]

    def kibibytes(self):
        """PSS of all: what is shared between them counts once."""
        total = 0
        for pid in self.processes():
            try:
                total += resident(pid)
            except (FileNotFoundError, ProcessLookupError):
                pass  # it ended meanwhile
        return total

    def remove(self):
        for _ in range(100):
            try:
                return self.path.rmdir()
            except OSError:  # what has just been killed is still in it
                time.sleep(0.02)
        return self.path.rmdir()


def resident(pid):
    with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as file:
        for line in file:
            if line.startswith("Pss:"):
                return int(line.split()[1])
    return 0  # it ended meanwhile
