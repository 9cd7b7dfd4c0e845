"""nginx, Apache, lighttpd and Node on a socket each, all telling what they understood of a request.

The answer's X-Record field has it: method, target, host, fields, body. The first three servers pass the
request on to one FastCGI server (of this process), so that it is they who took it apart.
"""
import base64
import contextlib
import hashlib
import json
import re
import shutil
import socket
import struct
import subprocess
import threading
import zlib

import harness
from harness import ALICE, eventually

PROGRAMS = {"nginx": "nginx", "apache": "apache2", "lighttpd": "lighttpd", "node": "node"}

NGINX = """
daemon off; pid {dir}/nginx.pid; error_log {dir}/nginx.log;
events {{ }}
http {{
  access_log off; merge_slashes off; client_max_body_size 0;
  client_header_buffer_size 64k; large_client_header_buffers 8 64k;
  client_body_temp_path {dir}/n1; proxy_temp_path {dir}/n2; fastcgi_temp_path {dir}/n3;
  uwsgi_temp_path {dir}/n4; scgi_temp_path {dir}/n5;
  server {{
    listen unix:{dir}/nginx.socket;
    location / {{
      fastcgi_pass unix:{dir}/fastcgi.socket; fastcgi_buffers 8 64k; fastcgi_buffer_size 64k;
      fastcgi_param REQUEST_METHOD $request_method; fastcgi_param REQUEST_URI $request_uri;
    }}
  }}
}}
"""

APACHE = """
ServerName a.test
ServerRoot {dir}
PidFile {dir}/apache.pid
ErrorLog {dir}/apache.log
DefaultRuntimeDir {dir}
Listen 127.0.0.1:{port}
LoadModule mpm_event_module /usr/lib/apache2/modules/mod_mpm_event.so
LoadModule authz_core_module /usr/lib/apache2/modules/mod_authz_core.so
LoadModule proxy_module /usr/lib/apache2/modules/mod_proxy.so
LoadModule proxy_fcgi_module /usr/lib/apache2/modules/mod_proxy_fcgi.so
LimitRequestLine 40000
LimitRequestFieldSize 40000
LimitRequestFields 200
AllowEncodedSlashes NoDecode
MergeSlashes Off
ProxyPass "/" "unix:{dir}/fastcgi.socket|fcgi://localhost/"
<Location "/">
  CGIPassAuth On
</Location>
"""

LIGHTTPD = """
server.bind = "{dir}/lighttpd.socket"
server.document-root = "{dir}"
server.errorlog = "{dir}/lighttpd.log"
server.upload-dirs = ("{dir}")
server.max-request-field-size = 65536
server.http-parseopts = ("method-get-body" => "enable")
server.modules = ("mod_fastcgi")
fastcgi.server = ("/" => (("socket" => "{dir}/fastcgi.socket", "check-local" => "disable")))
"""

NODE = """
const crypto = require("crypto"), zlib = require("zlib");
require("http").createServer((request, response) => {
  const hash = crypto.createHash("sha256"), fields = [];
  let size = 0;
  request.on("data", (piece) => { hash.update(piece); size += piece.length; });
  request.on("end", () => {
    for (let i = 0; i < request.rawHeaders.length; i += 2)
      fields.push([request.rawHeaders[i], request.rawHeaders[i + 1]]);
    const record = { method: request.method, target: request.url, fields, size,
                     sha256: hash.digest("hex") };
    response.setHeader("X-Record",
      zlib.deflateSync(JSON.stringify(record)).toString("base64"));
    response.end("");
  });
}).listen(process.argv[2]);
"""


def plain(host):
    """a.test, a.test. and a.test: are one."""
    return host.lower().rstrip(":").rstrip(".")


class Record:
    """A request as one server understood it. Field names as CGI has them: X_TOKEN."""

    # Of the hop to the server, or kept elsewhere.
    NOT_COMPARED = {"HOST", "CONNECTION", "TRANSFER_ENCODING", "CONTENT_LENGTH", "EXPECT", "UPGRADE"}

    def __init__(self, method, target, fields, size, sha256):
        self.method, self.target, self.size, self.sha256 = method, target, size, sha256
        self.fields, self.unclear = {}, set()
        for name, value in fields:
            key = re.sub(r"[^A-Z0-9]", "_", name.upper())
            if not re.fullmatch(r"[A-Za-z0-9-]+", name):
                self.unclear.add(key)  # what CGI makes of such a name differs
            self.fields[key] = f"{self.fields[key]}, {value}" if key in self.fields else value
        self.host = self.fields.get("HOST", "")

    @classmethod
    def from_answer(cls, answer):
        text = answer.header("x-record")
        if text is None:
            return None
        return cls(**json.loads(zlib.decompress(base64.b64decode(text))))

    @classmethod
    def from_raw(cls, raw):
        """One request's bytes, and the rest. Knows only what dmpm writes."""
        head, _, rest = raw.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        method, target, _ = lines[0].split(" ")
        fields = [tuple(line.split(": ", 1)) for line in lines[1:]]
        known = {name.lower(): value for name, value in fields}
        body = b""
        if known.get("transfer-encoding") == "chunked":
            while size := int(rest.partition(b"\r\n")[0], 16):
                rest = rest.partition(b"\r\n")[2]
                body, rest = body + rest[:size], rest[size + 2:]
            rest = rest.partition(b"\r\n\r\n")[2]
        elif size := int(known.get("content-length", 0)):
            body, rest = rest[:size], rest[size:]
        return cls(method, target, fields, len(body), hashlib.sha256(body).hexdigest()), rest

    def differences(self, other):
        """What `other`, a server, understood otherwise."""
        found = [f"{name}: {mine!r} became {its!r}" for name, mine, its in (
            ("method", self.method, other.method), ("target", self.target, other.target),
            ("host", plain(self.host), plain(other.host)), ("size", self.size, other.size),
            ("body", self.sha256, other.sha256)) if mine != its]
        for key, value in self.fields.items():
            if key in self.NOT_COMPARED or key in self.unclear:
                continue
            its = other.fields.get(key, "")  # CGI may leave an empty one out
            if key == "COOKIE":
                value, its = value.replace("; ", ", "), its.replace("; ", ", ")
            if value != its:
                found.append(f"{key}: {value[:80]!r} became {its[:80]!r}")
        extra = set(other.fields) - set(self.fields) - self.NOT_COMPARED
        return found + [f"{key} came from nowhere" for key in extra]


class FastCgiServer:
    """Answers with what the server in front of it said, and closes."""

    BEGIN, END, PARAMS, STDIN, STDOUT = 1, 3, 4, 5, 6
    HEADER = struct.Struct("!BBHHBx")

    def __init__(self, path):
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(path))
        path.chmod(0o777)
        self.listener.listen(128)
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self):
        self.listener.close()

    def _accept(self):
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(sock,), daemon=True).start()

    def _serve(self, sock):
        with sock, sock.makefile("rb") as stream:
            streams = {self.BEGIN: b"", self.PARAMS: b"", self.STDIN: b""}
            size, kind = 1, 0
            while size or kind != self.STDIN:  # an empty STDIN record ends the request
                head = stream.read(8)
                if len(head) < 8:
                    return
                _, kind, request, size, padding = self.HEADER.unpack(head)
                streams[kind] += stream.read(size)
                stream.read(padding)
            out = self._answer(list(self._pairs(streams[self.PARAMS])), streams[self.STDIN])
            records = ((self.STDOUT, out), (self.STDOUT, b""), (self.END, bytes(8)))
            with contextlib.suppress(BrokenPipeError):  # after a HEAD a server needs no more
                for kind, content in records:
                    sock.sendall(self.HEADER.pack(1, kind, request, len(content), 0) + content)

    @staticmethod
    def _pairs(data):
        at = 0

        def length():
            nonlocal at
            size = data[at]
            at += 1
            if size & 0x80:
                size = int.from_bytes(data[at - 1:at + 3], "big") & 0x7fffffff
                at += 3
            return size

        while at < len(data):
            name, value = length(), length()
            yield (data[at:at + name].decode("latin-1"),
                   data[at + name:at + name + value].decode("latin-1"))
            at += name + value

    @staticmethod
    def _answer(given, body):
        known = dict(given)
        fields = [(key[5:].replace("_", "-"), value) for key, value in given
                  if key.startswith("HTTP_")]
        if known.get("CONTENT_TYPE") and "HTTP_CONTENT_TYPE" not in known:
            fields.append(("Content-Type", known["CONTENT_TYPE"]))
        record = {"method": known["REQUEST_METHOD"], "target": known["REQUEST_URI"],
                  "fields": fields, "size": len(body), "sha256": hashlib.sha256(body).hexdigest()}
        text = base64.b64encode(zlib.compress(json.dumps(record).encode())).decode()
        return (f"Status: 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 0\r\n"
                f"X-Record: {text}\r\n\r\n").encode()


class Connection(harness.Client):
    """A connection to one of the servers."""

    def __init__(self, address):
        family = socket.AF_INET if isinstance(address, tuple) else socket.AF_UNIX
        self.sock = socket.socket(family)
        self.sock.settimeout(harness.DEADLINE)
        self.sock.connect(address)
        self.buffer = b""


class RealServers:
    def __init__(self, directory):
        self.directory, self.processes, self.addresses = directory, {}, {}
        directory.mkdir()
        shutil.chown(directory, ALICE, ALICE)
        self.fastcgi = FastCgiServer(directory / "fastcgi.socket")

    def __enter__(self):
        here = self.directory
        with socket.create_server(("127.0.0.1", 0)) as free:
            apache_port = free.getsockname()[1]
        for name, text in (("nginx.conf", NGINX), ("apache.conf", APACHE),
                           ("lighttpd.conf", LIGHTTPD)):
            (here / name).write_text(text.format(dir=here, port=apache_port))
        (here / "node.js").write_text(NODE)
        self.addresses = {name: str(here / f"{name}.socket") for name in PROGRAMS}
        self.addresses["apache"] = ("127.0.0.1", apache_port)
        self._start("nginx", "-c", here / "nginx.conf", "-e", here / "nginx.log", "-p", here)
        self._start("apache", "-D", "FOREGROUND", "-f", here / "apache.conf")
        self._start("lighttpd", "-D", "-f", here / "lighttpd.conf")
        self._start("node", "--max-http-header-size=65536", here / "node.js",
                    self.addresses["node"])
        for name in PROGRAMS:
            eventually(lambda n=name: self._is_up(n), f"{name} listens")
        return self

    def __exit__(self, *_):
        for process in self.processes.values():
            process.terminate()
        for process in self.processes.values():
            process.wait(harness.DEADLINE)
        self.fastcgi.close()

    def connect(self, name):
        return Connection(self.addresses[name])

    def _start(self, name, *arguments):
        path = shutil.which(PROGRAMS[name], path="/usr/sbin:/usr/bin:/usr/local/bin")
        with open(self.directory / f"{name}.out", "wb") as out:
            self.processes[name] = subprocess.Popen(
                [path, *map(str, arguments)], stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                user=ALICE, group=ALICE, extra_groups=[], cwd=self.directory)

    def _is_up(self, name):
        if self.processes[name].poll() is not None:
            raise AssertionError(f"{name}: {(self.directory / f'{name}.out').read_text()}")
        try:
            self.connect(name).close()
            return True
        except OSError:
            return False
