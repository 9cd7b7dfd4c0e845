#!/usr/bin/python3
"""A worker for tests: HTTP/1.1 with keep-alive on the listening socket that is descriptor 3.

Answers with JSON that tells who answered and what arrived. What else it does, the path says:

  /                     the JSON (any method; the body's length and SHA-256 are in it)
  /status/N             with that status
  /headers?A=b&C=d      with those response headers
  /big?n=N[&chunked=1]  N bytes that repeat 0..250, with Content-Length or chunked
  /wait/NAME            when the file NAME exists in the worker's directory; NAME.seen is made when the
                        request has arrived
  /hang                 never
  /close                closes the connection without an answer
  /partial              announces 100 bytes, sends 10 and closes
  /garbage              sends what is not HTTP and closes
  /bye                  answers with Connection: close, and closes
  /drop-next            answers, and closes when the connection's next request comes
  /crash                ends the process
  /write-stderr?text    writes the text to standard error
  /open?PATH            tries to read the file
  /connect?PATH         tries to connect to the Unix socket
  /signal?PID           tries to send signal 0
"""
import hashlib
import json
import os
import socket
import sys
import threading
import time
import urllib.parse

PATTERN = bytes(range(251))
NEVER = threading.Event()


def pattern(size):
    return (PATTERN * (size // len(PATTERN) + 1))[:size]


class Closed(Exception):
    """The client has gone, or the connection is to be closed."""


class Request:
    def __init__(self, head):
        lines = head.split("\r\n")
        self.line = lines[0]
        self.method, target, self.version = lines[0].split(" ")
        self.path, _, self.query = target.partition("?")
        self.headers = [tuple(line.split(": ", 1)) for line in lines[1:]]
        self.body_size = 0
        self.body_hash = hashlib.sha256()
        self.wire_framing = "none"

    def header(self, name):
        for key, value in self.headers:
            if key.lower() == name:
                return value
        return None

    def take(self, data):
        self.body_size += len(data)
        self.body_hash.update(data)


class Connection:
    def __init__(self, sock, number):
        self.sock, self.number, self.count = sock, number, 0
        self.buffer = b""
        self.drop_next = False

    def fill(self):
        data = self.sock.recv(65536)
        if not data:
            raise Closed
        self.buffer += data

    def until(self, mark):
        while (at := self.buffer.find(mark)) < 0:
            self.fill()
        piece, self.buffer = self.buffer[:at], self.buffer[at + len(mark):]
        return piece

    def read_exactly(self, size, take):
        while size > 0:
            if not self.buffer:
                self.fill()
            piece, self.buffer = self.buffer[:size], self.buffer[size:]
            size -= len(piece)
            take(piece)

    def read_body(self, request):
        if (request.header("transfer-encoding") or "") == "chunked":
            request.wire_framing = "chunked"
            while size := int(self.until(b"\r\n"), 16):
                self.read_exactly(size, request.take)
                self.until(b"\r\n")
            while self.until(b"\r\n"):
                pass
        elif length := request.header("content-length"):
            request.wire_framing = "content-length"
            self.read_exactly(int(length), request.take)

    def serve(self):
        try:
            while True:
                request = Request(self.until(b"\r\n\r\n").decode("latin-1"))
                if self.drop_next:
                    raise Closed
                self.count += 1
                if (request.header("expect") or "").lower() == "100-continue":
                    self.sock.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
                self.read_body(request)
                self.answer(request)
        except (Closed, OSError):
            pass
        finally:
            self.sock.close()

    def describe(self, request):
        return {
            "pid": os.getpid(), "uid": os.getuid(), "gid": os.getgid(), "euid": os.geteuid(),
            "groups": os.getgroups(), "directory": os.getcwd(),
            "connection": self.number, "request": self.count,
            "line": request.line, "headers": request.headers, "framing": request.wire_framing,
            "body_size": request.body_size, "body_sha256": request.body_hash.hexdigest(),
        }

    def reply(self, request, body, status="200 OK", headers=(), chunked=False):
        if isinstance(body, (dict, list)):
            body = json.dumps(body).encode()
        head = [f"HTTP/1.1 {status}"]
        head += [f"{name}: {value}" for name, value in headers]
        token = request.header("x-token")
        if token is not None:
            head.append(f"X-Token: {token}")
        head.append("Transfer-Encoding: chunked" if chunked else f"Content-Length: {len(body)}")
        self.sock.sendall("\r\n".join(head).encode("latin-1") + b"\r\n\r\n" +
                          (b"" if chunked or request.method == "HEAD" else body))
        if chunked:
            for at in range(0, len(body), 50_000):
                piece = body[at:at + 50_000]
                self.sock.sendall(b"%x\r\n%s\r\n" % (len(piece), piece))
            self.sock.sendall(b"0\r\n\r\n")

    def answer(self, request):
        name = request.path.strip("/").split("/")[0].replace("-", "_")
        action = getattr(self, f"do_{name}", None) if name else None
        if action:
            action(request)
        else:
            self.reply(request, self.describe(request))

    def do_status(self, request):
        status = request.path.rsplit("/", 1)[1]
        self.reply(request, self.describe(request), status=f"{status} Status")

    def do_headers(self, request):
        self.reply(request, self.describe(request),
                   headers=urllib.parse.parse_qsl(request.query, keep_blank_values=True))

    def do_big(self, request):
        query = dict(urllib.parse.parse_qsl(request.query))
        self.reply(request, pattern(int(query["n"])), chunked="chunked" in query)

    def do_wait(self, request):
        name = request.path.rsplit("/", 1)[1]
        open(name + ".seen", "w").close()
        while not os.path.exists(name):
            time.sleep(0.005)
        self.reply(request, self.describe(request))

    def do_hang(self, request):
        NEVER.wait()

    def do_close(self, request):
        raise Closed

    def do_partial(self, request):
        self.sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n0123456789")
        raise Closed

    def do_garbage(self, request):
        self.sock.sendall(b"\x00\x01 this is not HTTP\r\n\r\n")
        raise Closed

    def do_bye(self, request):
        self.reply(request, self.describe(request), headers=[("Connection", "close")])
        raise Closed

    def do_drop_next(self, request):
        self.drop_next = True
        self.reply(request, self.describe(request))

    def do_crash(self, request):
        os._exit(3)

    def do_write_stderr(self, request):
        print(urllib.parse.unquote(request.query), file=sys.stderr, flush=True)
        self.reply(request, {})

    def do_open(self, request):
        self.attempt(request, lambda path: open(path, "rb").read(16).decode("latin-1"))

    def do_connect(self, request):
        def connect(path):
            with socket.socket(socket.AF_UNIX) as sock:
                sock.connect(path)
            return "connected"
        self.attempt(request, connect)

    def do_signal(self, request):
        self.attempt(request, lambda pid: os.kill(int(pid), 0) or "sent")

    def attempt(self, request, function):
        try:
            self.reply(request, {"done": function(urllib.parse.unquote(request.query))})
        except OSError as error:
            self.reply(request, {"error": type(error).__name__})


def main():
    if os.environ.get("LISTEN_FDS") != "1" or os.environ.get("LISTEN_PID") != str(os.getpid()):
        sys.exit("worker.py: not activated with LISTEN_FDS")
    for failure in sys.argv[1:]:
        if failure == "--exit-at-start":
            sys.exit("worker.py: as told, ends at the start")
    listener = socket.socket(fileno=3)
    listener.setblocking(True)
    threading.stack_size(256 * 1024)
    for number in range(1 << 62):
        sock, _ = listener.accept()
        threading.Thread(target=Connection(sock, number).serve, daemon=True).start()


if __name__ == "__main__":
    main()
