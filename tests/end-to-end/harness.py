"""Runs dmpm as its operator would and looks at it as a client would.

    with Dmpm(groups={"alice": python_worker()}, hosts={"a.test": "alice"}) as dmpm:
        with dmpm.connect() as client:
            answer = client.get("a.test", "/")

Needs root (the point of dmpm is to change users): without it a test ends with status 77, which ctest
counts as skipped. Everything made (users, directory, processes) is removed at the end, and the end is
checked: dmpm's exit status, no process left, no sanitizer's report.
"""
import atexit
import ctypes
import fcntl
import grp
import json
import os
import pathlib
import pwd
import re
import select
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time
import unittest

HERE = pathlib.Path(__file__).resolve().parent
BIN = pathlib.Path(os.environ.get("DMPM_BIN", HERE.parent.parent / "build/debug/bin"))
DEADLINE = 20  # seconds after which something that must happen has not

ALICE, BOB, CAROL = "dmpm-t-alice", "dmpm-t-bob", "dmpm-t-carol"
MALLORY = "dmpm-t-mallory"  # of whom nothing good is expected
PROXY, KEYS, LOG, METRICS = "dmpm-t-proxy", "dmpm-t-keys", "dmpm-t-log", "dmpm-t-metrics"
USERS = (ALICE, BOB, CAROL, MALLORY, PROXY, KEYS, LOG, METRICS)

CRASH = re.compile(r"(dispatcher|keyholder|logger|metrics).* was killed by SIG(?!KILL|TERM)\w+")
SANITIZER = re.compile(r"(Address|Leak|Thread|UndefinedBehavior)Sanitizer|runtime error:")


def main():
    """Runs the tests of the calling file; the last line of each."""
    if os.geteuid() != 0:
        print("*** SKIPPED: this test changes users and so needs root ***", file=sys.stderr)
        sys.exit(77)
    # Processes that lose their parent become ours, so that none can be left unseen.
    ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)  # PR_SET_CHILD_SUBREAPER
    users = _Users()
    atexit.register(users.release)
    unittest.main(verbosity=2)


class _Users:
    """The throw-away users, shared by tests that run at the same time: each holds a shared lock, and
    who can have it exclusively is alone."""

    LOCK = "/run/lock/dmpm-test-users"

    def __init__(self):
        self.lock = open(self.LOCK, "a+", encoding="ascii")
        while True:
            fcntl.flock(self.lock, fcntl.LOCK_SH)
            if all(_has_user(name) for name in USERS):
                return
            # Not atomic: another may make or remove them in between.
            fcntl.flock(self.lock, fcntl.LOCK_EX)
            for name in USERS:
                if not _has_user(name):
                    run("useradd", "--system", "--user-group", "--no-create-home",
                        "--shell", "/usr/sbin/nologin", name)

    def release(self):
        try:
            fcntl.flock(self.lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return  # another test still needs them, and will remove them
        for name in USERS:
            run("userdel", name, check=False)


def _has_user(name):
    try:
        pwd.getpwnam(name)
        grp.getgrnam(name)
        return True
    except KeyError:
        return False


def run(*command, check=True, **options):
    return subprocess.run([str(part) for part in command], check=check, capture_output=True,
                          text=True, **options)


def uid(name):
    return pwd.getpwnam(name).pw_uid


def eventually(condition, what, deadline=DEADLINE):
    """What condition() gives, as soon as that is true."""
    end = time.monotonic() + deadline
    while True:
        result = condition()
        if result:
            return result
        if time.monotonic() > end:
            raise AssertionError(f"not within {deadline} s: {what}")
        time.sleep(0.005)


# ---- what dmpm is told -----------------------------------------------------------------------------


def group(user, command, **scale):
    """A group's part of the configuration; "{home}" in the command is the site's directory."""
    return {
        "permissions": {"user": user, "group": user},
        "worker": {"command": list(command), "directory": "{home}"},
        "scale": scale,
    }


def python_worker(user, *arguments, **scale):
    return group(user, ["/usr/bin/python3", "-IS", "{top}/worker.py", *arguments], **scale)


def two_sites(**scale):
    return {"alice": python_worker(ALICE, **scale), "bob": python_worker(BOB, **scale)}


TWO_HOSTS = {"a.test": "alice", "b.test": "bob"}


class Authority:
    """A throw-away certificate authority."""

    def __init__(self, directory):
        self.directory = directory
        self.file = directory / "ca.crt"
        directory.mkdir()
        self._make_key("ca")
        self._openssl("req", "-x509", "-new", "-key", "ca.key", "-out", "ca.crt", "-days", "2",
                      "-subj", "/CN=dmpm test", "-addext", "basicConstraints=critical,CA:TRUE")

    def certificate(self, name, *more_names):
        """{"certificate", "key"} for the names; made anew on each call, in the same files."""
        base = name.replace("*", "any")
        self._make_key(base)
        self._openssl("req", "-new", "-key", f"{base}.key", "-out", f"{base}.csr", "-subj",
                      f"/CN={name}")
        names = ",".join(f"DNS:{n}" for n in (name, *more_names))
        extensions = self.directory / f"{base}.ext"
        extensions.write_text(f"subjectAltName={names}\n", encoding="ascii")
        self._openssl("x509", "-req", "-in", f"{base}.csr", "-CA", "ca.crt", "-CAkey", "ca.key",
                      "-CAcreateserial", "-days", "2", "-extfile", extensions, "-out", f"{base}.crt")
        return {"certificate": str(self.directory / f"{base}.crt"),
                "key": str(self.directory / f"{base}.key")}

    def _make_key(self, base):
        self._openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", f"{base}.key")
        (self.directory / f"{base}.key").chmod(0o600)

    def _openssl(self, *arguments):
        run("openssl", *arguments, cwd=self.directory)


class Dmpm:
    """One running dmpm with its directory, its sites and its certificates."""

    def __init__(self, groups=None, hosts=None, listen=None, **settings):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="dmpm-e2e.", dir="/var/tmp"))
        self.directory.chmod(0o755)
        self.process = None
        self.program = BIN / "dmpm"
        self.launcher, self.environment, self.pass_fds = [], {}, ()
        self.start_deadline = DEADLINE
        self.stderr = self.directory / "stderr"
        self.config_file = self.directory / "dmpm.json"
        self.runtime = self.directory / "run"
        self.logs = self.directory / "log"
        self.authority = Authority(self.directory / "ca")
        shutil.copy(HERE / "worker.py", self.directory)
        (self.directory / "worker.py").chmod(0o644)
        self.settings = {
            "runtime_directory": str(self.runtime),
            "log_directory": str(self.logs),
            "private_directories": str(self.directory / "private"),
            "listen": listen or [{"address": "127.0.0.1:0", "tls": True}],
            "dispatcher": {"processes": 1, "user": PROXY, "group": PROXY},
            "keyholder": {"user": KEYS},
            "logger": {"user": LOG},
            "groups": {},
            "virtual_hosts": [],
            **settings,
        }
        for name, content in (groups if groups is not None else two_sites()).items():
            self.add_group(name, content)
        for host, group_name in (hosts if hosts is not None else TWO_HOSTS).items():
            self.add_host(host, group_name)

    # -- configuration --

    def home(self, group_name):
        return self.directory / "home" / group_name

    def add_group(self, name, content):
        home = self.home(name)
        user = content["permissions"]["user"]
        home.mkdir(parents=True, exist_ok=True)
        shutil.chown(home, user, user)
        home.chmod(0o700)
        text = json.dumps(content).replace("{home}", str(home)).replace("{top}", str(self.directory))
        self.settings["groups"][name] = json.loads(text)

    def add_host(self, name, group_name):
        self.settings["virtual_hosts"].append({
            "names": [name], "group": group_name, "tls": self.authority.certificate(name)})

    def write_config(self, text=None):
        self.config_file.write_text(text if text is not None else json.dumps(self.settings, indent=2),
                                    encoding="utf-8")
        self.config_file.chmod(0o644)

    # -- running --

    def __enter__(self):
        try:
            self.write_config()
            self.start()
        except BaseException:
            self.tell_what_happened()
            self.kill()
            raise
        return self

    def __exit__(self, kind, value, trace):
        try:
            if kind is None:
                self.stop()
                self.check_end()
            else:
                self.tell_what_happened()
        finally:
            self.kill()

    def start(self):
        environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
                       "ASAN_OPTIONS": "abort_on_error=0:detect_stack_use_after_return=0",
                       "UBSAN_OPTIONS": "print_stacktrace=1"}
        with open(self.stderr, "ab") as stderr:
            self.process = subprocess.Popen(
                [*self.launcher, self.program, "run", "--config", self.config_file],
                stdin=subprocess.DEVNULL, stdout=stderr, stderr=stderr,
                env={**environment, **self.environment}, pass_fds=self.pass_fds)
        self.stopping = False
        self.wait_for_line(r"(^|[ :])ready$", deadline=self.start_deadline)
        found = re.findall(r"listening on (https?) (\S+)", self.stderr_text())
        self.ports = [(scheme, int(address.rsplit(":", 1)[1])) for scheme, address in found]
        self.port = next((port for scheme, port in self.ports if scheme == "https"), None)
        self.http_port = next((port for scheme, port in self.ports if scheme == "http"), None)

    def stderr_text(self):
        return self.stderr.read_text(encoding="utf-8", errors="replace")

    def log_text(self, name="dmpm.log"):
        path = self.logs / name
        return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""

    def wait_for_line(self, pattern, after=0, where=None, deadline=DEADLINE):
        """The match of the pattern, as soon as it is in stderr (or where() gives) behind `after`."""
        def look():
            if self.process.poll() is not None:
                raise AssertionError(f"dmpm ended with {self.process.returncode}")
            return re.search(pattern, (where or self.stderr_text)()[after:], re.MULTILINE)
        return eventually(look, f"a line like {pattern!r}", deadline)

    def signal(self, number):
        os.kill(self.master(), number)

    def begin_stop(self):
        """SIGTERM: what is in flight is finished."""
        self.stopping = True
        self.process.send_signal(signal.SIGTERM)

    def stop(self):
        """SIGTERM, unless it was told to stop before (twice would mean: at once), and the exit status."""
        if self.process.poll() is None and not self.stopping:
            self.begin_stop()
        return self.process.wait(DEADLINE)

    def end_beside_others(self):
        """In the place of __exit__() for one of several: that looks for the others' processes, too."""
        if self.stop() != 0:
            self.tell_what_happened()
            raise AssertionError("dmpm has failed")
        shutil.rmtree(self.directory)

    def check_end(self):
        problems = []
        if self.process.returncode != 0:
            problems.append(f"dmpm ended with {self.process.returncode}")
        try:
            # A worker's own children may need a moment after it.
            eventually(lambda: not reap(), "no process is left", 5)
        except AssertionError:
            problems.append(f"processes left: {[f'{pid} {comm(pid)}' for pid in reap()]}")
        said = self.stderr_text() + self.log_text()
        if SANITIZER.search(said):
            problems.append("a sanitizer's report")
        # A sanitizer's report that could not be written shows like this, too.
        if crash := CRASH.search(said):
            problems.append(crash[0])
        if problems:
            self.tell_what_happened()
            raise AssertionError("; ".join(problems))

    def kill(self):
        """Whatever happened: no process and no file stays."""
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        while left := children(os.getpid()):
            for pid in left:
                try:
                    os.kill(pid, signal.SIGKILL)
                    os.waitpid(pid, 0)
                except (ProcessLookupError, ChildProcessError):
                    pass
        shutil.rmtree(self.directory, ignore_errors=True)

    def tell_what_happened(self):
        for title, text in (("standard error", self.stderr_text() if self.stderr.exists() else ""),
                            ("dmpm.log", self.log_text())):
            print(f"--- {title}\n{text[-8000:]}", file=sys.stderr)
        for path in sorted(self.logs.glob("workers/*.log")):
            print(f"--- {path.name}\n{path.read_text(errors='replace')[-2000:]}", file=sys.stderr)

    def command(self, name, *arguments, timeout=90):
        """`dmpm NAME` for this one: what it says and its exit status."""
        return run(self.program, name, "--runtime-directory", self.runtime, *arguments, check=False,
                   timeout=timeout)

    # -- processes --

    def master(self):
        if comm(self.process.pid) == "dmpm-master":
            return self.process.pid
        return next(pid for pid in children(self.process.pid) if comm(pid) == "dmpm-master")

    def services(self, name):
        """Process ids of dmpm-NAME (dispatcher, keyholder, logger, metrics)."""
        return [pid for pid in children(self.master()) if comm(pid) == f"dmpm-{name}"]

    def workers(self, user=None):
        """Process ids of workers; of one user's when given."""
        return [pid for pid in children(self.master())
                if not comm(pid).startswith("dmpm-") and state(pid) != "Z" and
                (user is None or owner(pid) == uid(user))]

    # -- clients --

    def connect(self, sni="a.test", **options):
        return Client(self.port, self.authority.file, sni=sni, **options)

    def connect_plain(self):
        return Client(self.http_port, None)

    def get(self, host, path="/", **options):
        """One request on a connection of its own."""
        with self.connect(host) as client:
            return client.get(host, path, **options)


class SharedDmpm(unittest.TestCase):
    """Tests that share one dmpm: `cls.options()` says which."""

    @classmethod
    def options(cls):
        return {}

    @classmethod
    def setUpClass(cls):
        cls.dmpm = Dmpm(**cls.options())
        cls.dmpm.__enter__()

    @classmethod
    def tearDownClass(cls):
        cls.dmpm.__exit__(None, None, None)


# ---- processes -------------------------------------------------------------------------------------


def children(pid):
    found = []
    try:
        for task in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{task}/children", encoding="ascii") as file:
                found += [int(child) for child in file.read().split()]
    except (FileNotFoundError, ProcessLookupError):
        pass
    return found


def reap():
    """Children of this process that still run (orphans come to us)."""
    for pid in children(os.getpid()):
        if state(pid) == "Z":
            try:
                os.waitpid(pid, 0)
            except ChildProcessError:
                pass
    return children(os.getpid())


def descendants(pid):
    found = []
    for child in children(pid):
        found += [child, *descendants(child)]
    return found


def comm(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/comm").read_text(encoding="utf-8").strip()
    except (FileNotFoundError, ProcessLookupError):
        return ""


def status_field(pid, name):
    try:
        text = pathlib.Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    except (FileNotFoundError, ProcessLookupError):
        return ""
    match = re.search(rf"^{name}:[ \t]*(.*)$", text, re.MULTILINE)
    return match[1] if match else ""


def state(pid):
    return status_field(pid, "State")[:1]


def owner(pid, kind="Uid"):
    """The effective user id (or "Gid"); None when the process has gone."""
    field = status_field(pid, kind)
    return int(field.split()[1]) if field else None


def age(pid):
    """Seconds since its start."""
    with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
        started = int(file.read().rsplit(")", 1)[1].split()[19])
    return time.clock_gettime(time.CLOCK_BOOTTIME) - started / os.sysconf("SC_CLK_TCK")


def descriptors(pid):
    """{number: what it is} of a process."""
    found = {}
    for name in os.listdir(f"/proc/{pid}/fd"):
        try:
            found[int(name)] = os.readlink(f"/proc/{pid}/fd/{name}")
        except FileNotFoundError:
            pass
    return found


def has_gone(pid):
    return state(pid) in ("", "Z")


# ---- HTTP ------------------------------------------------------------------------------------------


class Answer:
    """A response, as it came."""

    def __init__(self, status_line, headers, body, framing):
        self.line, self.headers, self.body, self.framing = status_line, headers, body, framing
        self.status = int(status_line.split(" ")[1])

    def header(self, name):
        values = self.all_headers(name)
        return values[0] if values else None

    def all_headers(self, name):
        return [value for key, value in self.headers if key.lower() == name.lower()]

    def json(self):
        return json.loads(self.body)

    def received(self, name):
        """The values of a header as the worker received it."""
        return [value for key, value in self.json()["headers"] if key.lower() == name.lower()]

    def __repr__(self):
        return f"{self.line} {self.headers} {self.body[:300]!r}"


class Client:
    """One connection: over TLS when there is an authority to check the server with."""

    def __init__(self, port, authority, sni=None, alpn=("http/1.1",), timeout=DEADLINE,
                 address="127.0.0.1", source=None):
        self.sock = socket.create_connection((address, port), timeout,
                                             source_address=source and (source, 0))
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if authority:
            context = ssl.create_default_context(cafile=authority)
            context.set_alpn_protocols(list(alpn))
            self.sock = context.wrap_socket(self.sock, server_hostname=sni)
        self.buffer = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.sock.close()

    def send(self, data):
        self.sock.sendall(data)

    def send_and_read(self, data, size):
        """Sends while it reads `size` bytes: by one thread, as OpenSSL wants it of one connection."""
        got, unsent = bytearray(self.buffer), memoryview(data)
        self.sock.setblocking(False)
        while len(got) < size or unsent:
            waits = []
            for direction, work in ((select.POLLOUT, lambda: self.sock.send(unsent[:65536])),
                                    (select.POLLIN, lambda: self.sock.recv(262144))):
                if not unsent and direction == select.POLLOUT:
                    continue
                try:
                    done = work()
                except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
                    waits.append(direction)
                    continue
                if direction == select.POLLOUT:
                    unsent = unsent[done:]
                elif not done:
                    raise ConnectionError(f"closed after {len(got)} of {size} bytes")
                else:
                    got += done
            if len(waits) == (2 if unsent else 1):
                poll = select.poll()
                poll.register(self.sock, sum(waits))
                if not poll.poll(DEADLINE * 1000):
                    raise TimeoutError(f"nothing after {len(got)} of {size} bytes")
        self.sock.settimeout(DEADLINE)
        self.buffer = bytes(got[size:])
        return bytes(got[:size])

    def get(self, host, path="/", **options):
        return self.request("GET", host, path, **options)

    def request(self, method, host, path="/", headers=(), body=None, chunked=False):
        self.send_request(method, host, path, headers, body, chunked)
        return self.answer(method)

    def send_request(self, method, host, path="/", headers=(), body=None, chunked=False):
        """chunked: the body's pieces are `body` itself when it is a list."""
        lines = [f"{method} {path} HTTP/1.1", f"Host: {host}"]
        lines += [f"{name}: {value}" for name, value in headers]
        data = b""
        if body is not None and chunked:
            lines.append("Transfer-Encoding: chunked")
            pieces = body if isinstance(body, list) else [body]
            data = b"".join(b"%x\r\n%s\r\n" % (len(p), p) for p in pieces if p) + b"0\r\n\r\n"
        elif body is not None:
            lines.append(f"Content-Length: {len(body)}")
            data = body
        self.send("\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + data)

    def answer(self, method="GET"):
        """The next final response. A connection that closes before its end raises ConnectionError."""
        while True:
            lines = self._until(b"\r\n\r\n").decode("latin-1").split("\r\n")
            headers = [tuple(line.split(": ", 1)) for line in lines[1:]]
            answer = Answer(lines[0], headers, b"", "none")
            if answer.status >= 200:
                break
        if method != "HEAD" and answer.status not in (204, 304):
            self._read_body(answer)
        return answer

    def at_end(self):
        """Waits for the server to close; False when it sends something instead."""
        if self.buffer:
            return False
        try:
            return self.sock.recv(1) == b""
        except ConnectionResetError:
            return True

    def _read_body(self, answer):
        length = answer.header("content-length")
        if answer.header("transfer-encoding") == "chunked":
            answer.framing = "chunked"
            pieces = []
            while size := int(self._until(b"\r\n").split(b";")[0], 16):
                pieces.append(self._exactly(size))
                if self._until(b"\r\n"):
                    raise AssertionError("junk behind a chunk")
            while self._until(b"\r\n"):
                pass
            answer.body = b"".join(pieces)
        elif length is not None:
            answer.framing = "content-length"
            answer.body = self._exactly(int(length))
        else:
            answer.framing = "close"
            while self._fill(at_end_ok=True):
                pass
            answer.body, self.buffer = self.buffer, b""

    def _fill(self, at_end_ok=False):
        data = self.sock.recv(262144)
        if not data and not at_end_ok:
            raise ConnectionError("closed in the middle of an answer")
        self.buffer += data
        return data

    def _until(self, mark):
        while (at := self.buffer.find(mark)) < 0:
            self._fill()
        piece, self.buffer = self.buffer[:at], self.buffer[at + len(mark):]
        return piece

    def _exactly(self, size):
        pieces, missing = [], size
        while True:
            piece, self.buffer = self.buffer[:missing], self.buffer[missing:]
            pieces.append(piece)
            missing -= len(piece)
            if missing == 0:
                return b"".join(pieces)
            self._fill()
