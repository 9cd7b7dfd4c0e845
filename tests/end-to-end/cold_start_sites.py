"""The sites of cold_start.py: what each serves, and how long its visitor waits."""
import collections
import os
import shutil
import time

from harness import ALICE, BOB, CAROL

CLASSES = 200

# What ordinary applications call, of the 27 extensions that the tests' packages bring.
FEW = ["ctype", "dom", "fileinfo", "iconv", "pdo", "posix", "simplexml", "tokenizer", "xml"]

# `settings` are the preset's keys beside document_root.
Site = collections.namedtuple("Site", "name title user preset settings path")


def _php(name, title, path, **settings):
    return Site(name, f"PHP: lighttpd + php-cgi, {title}", BOB, "php",
                {"processes": 2, **settings}, path)


PHP_SITES = (_php("php", "one line", "/index.php"), _php("app", f"{CLASSES} classes", "/app.php"))
SITES = (
    Site("static", "static: lighttpd, a file", ALICE, "static", {}, "/index.html"),
    *PHP_SITES,
    # Next to PHP itself: what no choice of extensions can take away.
    _php("php-least", "one line, 1 extension", "/index.php", php_extensions=["ctype"]),
    _php("php-few", f"one line, {len(FEW)} extensions", "/index.php", php_extensions=FEW),
    _php("app-few", f"{CLASSES} classes, {len(FEW)} extensions", "/app.php", php_extensions=FEW),
    Site("apache", "Apache prefork + mod_php, one line", CAROL, "apache", {}, "/index.php"),
    Site("node", "Node, http", ALICE, "node", {}, "/"),
    Site("python", "Python, gunicorn", BOB, "python", {}, "/"),
)

NODE = """require("http").createServer((request, response) => response.end("node\\n"))
  .listen(process.env.PORT);
"""
PYTHON = """def application(environ, start_response):
    start_response("200 OK", [("Content-Length", "7")])
    return [b"python\\n"]
"""


def make_site(directory, user):
    """All of them in one directory: a static file, one line of PHP, an application of many class files,
    programs for Node and Python."""
    (directory / "app").mkdir(parents=True, exist_ok=True)
    (directory / "index.html").write_text("static\n")
    (directory / "index.php").write_text('<?php echo "php\\n";')
    (directory / "server.js").write_text(NODE)
    (directory / "wsgi.py").write_text(PYTHON)
    methods = "\n".join(f"  function m{m}($a) {{ return [$a, strlen($a), {m}]; }}" for m in range(20))
    for n in range(CLASSES):
        (directory / f"app/C{n}.php").write_text(f"<?php\nclass C{n} {{\n{methods}\n}}\n")
    (directory / "app.php").write_text(
        "<?php\nfor ($n = 0; $n < %d; ++$n) { require __DIR__ . \"/app/C$n.php\"; }\n"
        'echo count(get_declared_classes()) > %d ? "app\\n" : "";' % (CLASSES, CLASSES))
    an_hour_ago = time.time() - 3600  # PHP's cache takes nothing that is only seconds old
    for path in [directory, *directory.rglob("*")]:
        shutil.chown(path, user, user)
        path.chmod(0o700 if path.is_dir() else 0o600)
        if path.is_file():
            os.utime(path, (an_hour_ago, an_hour_ago))


def first_byte(sock, path, host):
    """Milliseconds from the request to the answer's first byte; the answer is read to its end."""
    began = time.perf_counter()
    send_request(sock, path, host)
    return (read_answer(sock) - began) * 1000


def send_request(sock, path, host):
    sock.sendall(f"GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())


def read_answer(sock):
    """When its first byte came (time.perf_counter())."""
    data = sock.recv(65536)
    came = time.perf_counter()
    if not data.startswith(b"HTTP/1.1 200"):
        raise AssertionError(data[:200])
    while b"\r\n\r\n" not in data:
        data += sock.recv(65536)
    head, _, body = data.partition(b"\r\n\r\n")
    if b"chunked" in head.lower():
        while not body.endswith(b"0\r\n\r\n"):
            body += sock.recv(65536)
    else:
        length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
        while len(body) < length:
            body += sock.recv(65536)
    return came
