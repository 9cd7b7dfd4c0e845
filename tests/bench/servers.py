"""What all servers under test have in common, and dmpm and the floor. Each is started, reloaded and
stopped as its operators do it, in a control group of its own, on the processor that is its alone."""
import json
import os
import pathlib
import resource
import shutil
import signal
import socket
import subprocess
import sys
import time

from cgroup import Cgroup

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "end-to-end"))
import harness  # noqa: E402  (users and processes, as the end-to-end tests have them)

SERVER_CPU, LOAD_CPU = 1, 0


class BenchError(Exception):
    """What makes the whole run worthless: it ends with it."""


def raise_file_limit():
    """As far as it can be without a right to more: thousands of connections need it."""
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Sites:
    """The sites that all servers have: names, who answers for each, and where the certificates are."""

    def __init__(self, tools, backends, names, others=()):
        """`names` are a's sites and `others` are b's. More than a hundred are site-00000.test ..."""
        self.backends = backends
        self.backend_of = {**{name: "a" for name in names}, **{name: "b" for name in others}}
        self.certificates = backends.directory / f"certificates-{len(self.backend_of)}"
        if not self.certificates.exists():
            self.certificates.mkdir()
            many = len(self.backend_of) > 100
            tools.run("bench-sites", self.certificates,
                      *(["site-%05u.test", len(names)] if many else self.backend_of))

    def __iter__(self):
        return iter(self.backend_of.items())


class Backends:
    """Two of them, a and b, for the peers. dmpm starts the same program as its workers."""

    def __init__(self, tools, directory):
        self.directory = directory
        self.processes = {}
        for name in ("a", "b"):
            self.processes[name] = subprocess.Popen(
                [tools.path("bench-backend"), name, self.path(name)],
                preexec_fn=lambda: os.sched_setaffinity(0, {LOAD_CPU}))
            harness.eventually(lambda name=name: os.path.exists(self.path(name)), "backend")

    def path(self, name):
        return str(self.directory / f"{name}.sock")

    def stop(self):
        for process in self.processes.values():
            process.kill()
            process.wait()


class Server:
    """A subclass has `name`, write(), write_site() and command()."""

    name = ""
    http2 = True

    def __init__(self, tools, directory, sites, access_log=False):
        label = f"{self.name}{'-log' if access_log else ''}"
        self.tools, self.sites, self.access_log = tools, sites, access_log
        self.directory = directory / label
        self.directory.mkdir(mode=0o755)
        self.port = free_port()
        self.process = None
        self.cgroup = Cgroup(label)

    def start(self):
        """From here on it runs; answers() says when it answers."""
        self.write()
        self.process = self.spawn(self.command())

    def spawn(self, command):
        def enter():
            self.cgroup.join()
            os.sched_setaffinity(0, {SERVER_CPU})
            raise_file_limit()
        with open(self.directory / "stderr", "ab") as output:
            return subprocess.Popen([str(part) for part in command], stdin=subprocess.DEVNULL,
                                    stdout=output, stderr=output, preexec_fn=enter,
                                    env=self.environment(), cwd=self.directory)

    def environment(self):
        return {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}

    def answers(self, host, **options):
        """Waits until a request to `host` is answered; the time of that, seconds since the boot."""
        return self.tools.load("first", self, hosts=host, **options)["answered_us"] / 1e6

    def settle(self):
        """Before a measurement: what is not the proxy's must not count."""

    def reload(self):
        """Tells it to; returns at once."""
        self.process.send_signal(signal.SIGHUP)

    def stop(self):
        """At once: nothing of value is in it."""
        if self.process and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(2)
            except subprocess.TimeoutExpired:
                pass
        for _ in range(200):
            left = self.cgroup.processes()
            if not left:
                break
            for pid in left:
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
            harness.reap()
            time.sleep(0.02)
        if self.process:
            self.process.wait()
        self.cgroup.remove()
        shutil.rmtree(self.directory, ignore_errors=True)

    def said(self):
        """The end of what it wrote, for the reader of a failure."""
        files = [self.directory / "stderr", *self.directory.glob("*.error"),
                 *self.directory.glob("log/*.log")]
        return "\n".join(file.read_text(errors="replace")[-3000:] for file in files if file.exists())


class Floor(Server):
    """What TLS and copying alone cost (floor.cc). It knows no sites."""

    name, http2 = "floor", False

    @classmethod
    def version(cls):
        return "tests/bench/floor.cc"

    def write(self):
        pass

    def command(self):
        name, backend = next(iter(self.sites))
        base = self.sites.certificates / name
        return [self.tools.path("bench-floor"), self.port, f"{base}.crt", f"{base}.key",
                self.sites.backends.path(backend)]


class Dmpm(Server):
    """Its backends are workers of two customers, started by itself, which do not count: the peers'
    backends do not either. Each site is a file of its own in a directory that is included."""

    name = "dmpm"

    @classmethod
    def version(cls):
        done = subprocess.run(["git", "-C", HERE, "log", "-1", "--format=%h"], capture_output=True,
                              text=True, check=False)
        return done.stdout.strip() or "unknown"

    def settings(self):
        return {
            "runtime_directory": str(self.directory / "run"),
            "log_directory": str(self.directory / "log"),
            "private_directories": str(self.directory / "private"),
            "listen": [{"address": f"127.0.0.1:{self.port}", "tls": True}],
            "dispatcher": {"processes": 1, "user": harness.PROXY, "group": harness.PROXY},
            "keyholder": {"user": harness.KEYS},
            "logger": {"user": harness.LOG},
            # The generator is one client with as many connections as a crowd.
            "limits": {"requests_per_connection": 1_000_000_000,
                       "connections_per_address": 1_000_000},
            "groups": {"a": self.group("a", harness.ALICE), "b": self.group("b", harness.BOB)},
            "virtual_hosts": [],
            "include": [f"{self.directory}/sites.d/*.json"],
            **({"access_log": {"file": "access.log", "format": "combined"}} if self.access_log else {}),
        }

    def group(self, name, user, **scale):
        return {"permissions": {"user": user, "group": user},
                "worker": {"command": [str(self.tools.public("bench-backend")), name]},
                "scale": {"connections_per_worker": 4096, "queue": 4096, "idle_timeout": "24h",
                          **scale}}

    def write(self):
        (self.directory / "sites.d").mkdir()
        (self.directory / "dmpm.json").write_text(json.dumps(self.settings(), indent=2))
        for name, backend in self.sites:
            self.write_site(name, backend)

    def write_site(self, name, backend):
        self.write_site_file(name, {"virtual_hosts": [self.virtual_host(name, backend)]})

    def virtual_host(self, name, group, certificate=None):
        base = self.sites.certificates / (certificate or name)
        return {"names": [name], "group": group,
                "tls": {"certificate": f"{base}.crt", "key": f"{base}.key"}}

    def write_site_file(self, name, content):
        # By a rename: what is half written must not be read.
        file = self.directory / "sites.d" / f"{name}.new"
        file.write_text(json.dumps(content))
        file.rename(self.directory / "sites.d" / f"{name}.json")

    def command(self):
        return [self.tools.path("dmpm"), "run", "--config", self.directory / "dmpm.json"]

    def settle(self):
        """The workers go to the generator's processor and out of what is counted."""
        for pid in self.workers():
            self.cgroup.put_out(pid)
            os.sched_setaffinity(pid, {LOAD_CPU})

    def workers(self):
        return [pid for pid in harness.children(self.process_of("master"))
                if harness.comm(pid) == "bench-backend"]

    def process_of(self, name):
        """The process id of dmpm-NAME."""
        wanted = f"dmpm-{name}"[:15]
        return next(pid for pid in self.cgroup.processes() if harness.comm(pid) == wanted)

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.process.kill()
        super().stop()
