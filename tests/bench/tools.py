"""The programs that measure: bench-load and its kin, wrk, h2load. All run on the processor that is not
the server's, and every failed request ends the comparison."""
import json
import os
import pathlib
import re
import shutil
import subprocess

from servers import LOAD_CPU, BenchError, raise_file_limit

OPENSSL_CONFIGURATION = """\
openssl_conf = default
[default]
ssl_conf = ssl
[ssl]
system_default = only
[only]
MinProtocol = TLSv1.3
Ciphersuites = TLS_AES_128_GCM_SHA256
"""


def pinned():
    os.sched_setaffinity(0, {LOAD_CPU})
    raise_file_limit()


class Tools:
    def __init__(self, programs, directory):
        self.programs, self.directory = pathlib.Path(programs).resolve(), directory
        # wrk has no option for it: with this, it offers one cipher and no other.
        self.openssl_configuration = directory / "openssl.cnf"
        self.openssl_configuration.write_text(OPENSSL_CONFIGURATION)

    def path(self, program):
        return self.programs / program

    def public(self, program):
        """A copy that every user may execute: the build may lie in somebody's home."""
        copy = self.directory / program
        if not copy.exists():
            shutil.copy(self.path(program), copy)
            copy.chmod(0o755)
        return copy

    def run(self, program, *arguments):
        done = subprocess.run([self.path(program), *map(str, arguments)], capture_output=True,
                              text=True, check=False)
        if done.returncode != 0:
            raise BenchError(f"{program}: {done.stderr.strip()}")
        return done.stdout

    def fails(self, program, *arguments):
        done = subprocess.run([self.path(program), *map(str, arguments)], capture_output=True,
                              check=False)
        return done.returncode != 0

    # -- bench-load --

    def load(self, mode, server, **options):
        """One run from its beginning to its end; what it says."""
        with self.start_load(mode, server, **options) as load:
            if mode != "first":
                load.ready()
                load.begin()
            return load.end()

    def start_load(self, mode, server, **options):
        return Load(self.path("bench-load"), mode, server, options)

    # -- what anybody can repeat --

    def wrk(self, server, seconds, connections=64, path="/bytes/1024"):
        """How many requests were answered."""
        text = self._generate(server, "wrk", "-t1", f"-c{connections}", f"-d{seconds}s",
                              f"https://localhost:{server.port}{path}")
        failed = re.search(r"Non-2xx.*|Socket errors.*", text)
        if failed:
            raise BenchError(f"{server.name}: wrk: {failed[0]}")
        requests = int(re.search(r"(\d+) requests in", text)[1])
        if requests == 0:
            raise BenchError(f"{server.name}: wrk: nothing was answered")
        return requests

    def h2load(self, server, count, connections=16, streams=32, path="/bytes/1024"):
        text = self._generate(server, "h2load", f"-n{count}", f"-c{connections}", f"-m{streams}",
                              "-t1", "--tls13-ciphers=TLS_AES_128_GCM_SHA256",
                              f"https://localhost:{server.port}{path}")
        for line in ("TLS Protocol: TLSv1.3", "Cipher: TLS_AES_128_GCM_SHA256",
                     "Application protocol: h2",
                     f"{count} done, {count} succeeded, 0 failed, 0 errored, 0 timeout",
                     f"status codes: {count} 2xx"):
            if line not in text:
                raise BenchError(f"{server.name}: h2load does not say {line!r}:\n{text}")
        return count

    def _generate(self, server, *command):
        environment = {**os.environ, "OPENSSL_CONF": str(self.openssl_configuration)}
        done = subprocess.run(command, capture_output=True, text=True, check=False,
                              preexec_fn=pinned, env=environment)
        if done.returncode != 0:
            raise BenchError(f"{server.name}: {command[0]}: {done.stdout}{done.stderr}")
        return done.stdout


class Load:
    """A running bench-load."""

    def __init__(self, program, mode, server, options):
        command = [program, mode, "--port", str(server.port)]
        for name, value in options.items():
            command += [f"--{name}"] if value is True else [f"--{name}", str(value)]
        self.what = f"{server.name}: {' '.join(map(str, command[1:]))}"
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True, preexec_fn=pinned)

    def ready(self):
        """Its connections are there (where it has such); it waits for begin()."""
        if self.process.stdout.readline() != "ready\n":
            self._failed()

    def begin(self):
        self._tell("begin")

    def stop(self):
        """Ends a steady load before its count."""
        self._tell("stop")

    def end(self):
        line = self.process.stdout.readline()
        if not line:
            self._failed()
        return json.loads(line)

    def _tell(self, line):
        try:
            self.process.stdin.write(line + "\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            self._failed()

    def _failed(self):
        raise BenchError(f"{self.what}: {self.process.stderr.read().strip()}")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            try:
                stream.close()
            except BrokenPipeError:
                pass
