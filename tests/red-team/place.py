"""Puts dmpm-attacker where a process of dmpm's stands, and has it try one attack after the other.

    with Dispatcher() as place:
        place.attack("read /etc/passwd", locked=True)     # "killed"
        place.attack("read /etc/passwd", locked=False)    # "succeeded"

The place is the real one: the real master starts the attacker as dmpm-dispatcher or dmpm-logger with
the real descriptors, or the real dmpm-worker-start as a group's worker. Who is not locked is a process of root's that stands
nowhere.
"""
import hashlib
import os
import pathlib
import shutil
import socket
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "end-to-end"))
import harness  # noqa: E402 (its folder must be known first)
from harness import ALICE, BOB, DEADLINE, LOG  # noqa: E402

BIN = harness.BIN
ATTACKER = BIN / "dmpm-attacker"


class Server:
    """Where attackers report: each connection is a process of dmpm-attacker in its place."""

    def __init__(self, path):
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.listener.bind(str(path))
        os.chmod(path, 0o666)
        self.listener.listen(16)
        self.listener.settimeout(DEADLINE)
        self.connection = None
        self.pid = 0

    def accept(self):
        """The process that comes next, in the last one's stead."""
        if self.connection:
            self.connection.close()
        self.connection, _ = self.listener.accept()
        self.connection.settimeout(DEADLINE)
        self.pid = int(self.connection.recv(64))

    def attack(self, name, targets):
        """How it ended; "" when the attacker's process has ended with it."""
        lines = "".join(f"{key}={value}\n" for key, value in targets.items())
        self.connection.send(f"{name}\n{lines}".encode())
        try:
            return self.connection.recv(256).decode()
        except ConnectionResetError:
            return ""

    def close(self):
        if self.connection:
            self.connection.close()
        self.listener.close()


class Place:
    """A running dmpm with an attacker in it, and everything that the attacks aim at."""

    STAND_INS = ()  # programs that the attacker replaces

    def __enter__(self):
        self.open, self.nobody = [], None
        self.dmpm = harness.Dmpm(groups=self.groups(), metrics={"user": harness.METRICS})
        try:
            self._install()
            self._make_targets()
            self._start_free()
            self.server = self.keep(Server(self.server_path()))
            harness.BIN, self.dmpm.program = self.bin, self.bin / "dmpm"
            self._start()
        except BaseException:
            self.__exit__(*sys.exc_info())
            raise
        return self

    def __exit__(self, kind, value, trace):
        try:
            if self.nobody:
                self.free.close()
                self.nobody.wait(DEADLINE)
            if self.dmpm.process:
                self.dmpm.__exit__(kind, value, trace)
        finally:
            harness.BIN = BIN
            for resource in self.open:
                resource.close()
            self.dmpm.kill()

    def keep(self, resource):
        self.open.append(resource)
        return resource

    def attack(self, name, locked):
        server = self.server if locked else self.free
        return server.attack(name, self.targets(locked))

    # -- what a subclass says --

    def groups(self):
        return {"alice": harness.python_worker(ALICE), "bob": harness.python_worker(BOB)}

    def server_path(self):
        raise NotImplementedError

    def targets(self, locked):
        raise NotImplementedError

    # -- steps --

    def _install(self):
        self.bin = self.dmpm.directory / "bin"
        self.bin.mkdir(mode=0o755)
        for program in ("dmpm", "dmpm-master", "dmpm-worker-start", "dmpm-dispatcher",
                        "dmpm-keyholder", "dmpm-logger", "dmpm-metrics"):
            shutil.copy(ATTACKER if program in self.STAND_INS else BIN / program, self.bin / program)
        shutil.copy(ATTACKER, self.bin / "dmpm-attacker")

    def _start(self):
        self.dmpm.__enter__()
        self.server.accept()

    def _start_free(self):
        path = self.dmpm.directory / "free"
        self.free = self.keep(Server(path))
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.keep(ours)
        with theirs:
            self.channel = theirs.fileno()
            self.nobody = subprocess.Popen([self.bin / "dmpm-attacker", "serve", path],
                                           pass_fds=[self.channel])
        self.free.accept()

    def _make_targets(self):
        """What is the same in every place."""
        self.port = self.keep(socket.create_server(("127.0.0.1", 0), backlog=64))
        self.outside = self.keep(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM))
        path = self.dmpm.directory / "outside.socket"
        self.outside.bind(str(path))
        os.chmod(path, 0o666)
        self.outside.listen(64)
        self.abstract = self.keep(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM))
        self.abstract.bind(f"\0dmpm-red-team-{os.getpid()}")
        self.abstract.listen(64)
        self.secret = self.dmpm.home("bob") / "secret"
        self.secret.write_text("bob's", encoding="ascii")
        shutil.chown(self.secret, BOB, BOB)
        self.secret.chmod(0o600)
        self.common = {
            "port": self.port.getsockname()[1],
            "outside_socket": path,
            "abstract_socket": f"dmpm-red-team-{os.getpid()}",
            "site_file": self.secret,
            "key": self.dmpm.authority.directory / "b.test.key",
            "configuration": self.dmpm.config_file,
            "channel": 4,
            "runtime": self.dmpm.runtime,
            "sockets": self.dmpm.runtime / "sockets",
            "logs": self.dmpm.logs,
        }


def _make_socket(directory):
    """One to be removed, renamed, ... by the attacks; as it was before the last one."""
    path = directory / "removable"
    for old in (path, directory / "removable.x"):
        old.unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(str(path))
    return path


def _seen_from(root, path):
    return "/" + str(pathlib.Path(path).relative_to(root))


class Service(Place):
    """A process whose root directory is ROOT."""

    def root(self):
        raise NotImplementedError

    def server_path(self):
        return self.bin / f"{self.STAND_INS[0]}.socket"

    def own_files(self):
        """{target: path} of what lies in the root directory; made anew for each attack. The logs lie
        outside of it, but for the logger."""
        removable = _make_socket(self.root())
        log = self.dmpm.logs / "dmpm.log"
        old = self.dmpm.directory / "old.log"
        old.write_text("what was said\n", encoding="ascii")
        self.common |= {"log": log, "other_log": log, "old_log": old, "other_pipe": log}
        return {"removable": removable, "other_socket": removable, "own_socket": removable}

    def targets(self, locked):
        own = self.own_files()
        if locked:
            own = {key: _seen_from(self.root(), path) for key, path in own.items()}
        else:
            own["channel"] = self.channel
        return {**self.common, "master": self.dmpm.master(), "other": self.other(), **own}

    def other(self):
        """Another process than the master."""
        raise NotImplementedError

    def _service(self, name):
        return harness.eventually(lambda: self.dmpm.services(name), f"the {name}")[0]


class Dispatcher(Service):
    STAND_INS = ("dmpm-dispatcher",)

    def root(self):
        return self.dmpm.runtime / "sockets"

    def _start(self):
        # Of the certificate with the number 1, as the keyholder names its key.
        public = subprocess.run(["openssl", "pkey", "-in", self.common["key"].parent / "a.test.key",
                                 "-pubout", "-outform", "DER"], capture_output=True, check=True)
        self.fingerprint = hashlib.sha256(public.stdout).hexdigest()
        super()._start()

    def targets(self, locked):
        return {**super().targets(locked), "fingerprint": self.fingerprint}

    def other(self):
        """The one that has something worth having."""
        return self._service("keyholder")


class Keyholder(Service):
    STAND_INS = ("dmpm-keyholder",)

    def root(self):
        return self.dmpm.runtime / "empty"

    def other(self):
        return self._service("dispatcher")


class Metrics(Keyholder):
    STAND_INS = ("dmpm-metrics",)


class Logger(Service):
    STAND_INS = ("dmpm-logger",)

    def root(self):
        return self.dmpm.logs

    def own_files(self):
        log = self.root() / "old.log"
        log.write_text("what was said\n", encoding="ascii")
        (self.root() / "old.log.x").unlink(missing_ok=True)
        removable = _make_socket(self.root())
        for path in (log, removable):
            shutil.chown(path, LOG, LOG)
        return {"log": log, "other_log": log, "old_log": log, "other_pipe": log,
                "removable": removable, "other_socket": removable, "own_socket": removable}

    def other(self):
        return self._service("dispatcher")


class Worker(Place):
    """alice's worker, beside bob's."""

    def groups(self):
        return {"alice": harness.group(ALICE, ["{top}/bin/dmpm-attacker", "serve", "{top}/worker"]),
                "bob": harness.python_worker(BOB)}

    def server_path(self):
        return self.dmpm.directory / "worker"

    def _start(self):
        self.dmpm.__enter__()
        with self.dmpm.connect("b.test") as client:
            self.bob = client.get("b.test").json()
            client.get("b.test", "/write-stderr?hello")
        harness.eventually(lambda: self.dmpm.log_text("workers/bob.log"), "bob's log")
        # alice's server never answers: the request only starts it.
        waiting = self.keep(self.dmpm.connect("a.test"))
        waiting.send(b"GET / HTTP/1.1\r\nHost: a.test\r\n\r\n")
        self.server.accept()

    def targets(self, locked):
        sockets = self.dmpm.runtime / "sockets"
        removable = _make_socket(sockets)
        pipes = sorted((self.dmpm.logs / ".pipes").iterdir())
        return {**self.common, "master": self.dmpm.master(), "other": self.bob["pid"],
                "log": self.dmpm.logs / "dmpm.log",
                "other_log": self.dmpm.logs / "workers" / "bob.log",
                "old_log": self._log(), "other_pipe": next(p for p in pipes if "bob" in p.name),
                "removable": removable, "own_socket": self._socket("alice"),
                "other_socket": self._socket("bob")}

    def _log(self):
        log = self.dmpm.logs / "old.log"
        (self.dmpm.logs / "old.log.x").unlink(missing_ok=True)
        log.write_text("what was said\n", encoding="ascii")
        shutil.chown(log, LOG, LOG)
        return log

    def _socket(self, group):
        return next((self.dmpm.runtime / "sockets").glob(f"{group}.*"))
