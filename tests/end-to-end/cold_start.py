#!/usr/bin/python3
"""How long the first visitor of a sleeping site waits: from the request to the first byte of the
answer, beside the same server warm and beside other ways to start servers on demand.

Run by scripts/cold-start. In milliseconds; the table is docs/cold-start.md's. The first round,
which fills caches, is not counted.
"""
import argparse
import os
import pathlib
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import time

import harness
from harness import ALICE, BOB, CAROL, Dmpm, eventually, uid

CLASSES = 200
MODULES = "/usr/lib/apache2/modules"


def make_site(directory, user):
    """A static file, one line of PHP, and an application of many class files."""
    (directory / "app").mkdir(parents=True, exist_ok=True)
    (directory / "index.html").write_text("static\n")
    (directory / "index.php").write_text('<?php echo "php\\n";')
    methods = "\n".join(f"  function m{m}($a) {{ return [$a, strlen($a), {m}]; }}" for m in range(20))
    for n in range(CLASSES):
        (directory / f"app/C{n}.php").write_text(f"<?php\nclass C{n} {{\n{methods}\n}}\n")
    (directory / "app.php").write_text(
        "<?php\nfor ($n = 0; $n < %d; ++$n) { require __DIR__ . \"/app/C$n.php\"; }\n"
        'echo count(get_declared_classes()) > %d ? "app\\n" : "";' % (CLASSES, CLASSES))
    for path in [directory, *directory.rglob("*")]:
        shutil.chown(path, user, user)
        path.chmod(0o700 if path.is_dir() else 0o600)


def first_byte(sock, path, host):
    """Milliseconds from the request to the answer's first byte; the answer is read to its end."""
    began = time.perf_counter()
    sock.sendall(f"GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
    data = sock.recv(65536)
    took = (time.perf_counter() - began) * 1000
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
    return took


class Bench:
    def __init__(self, rounds):
        self.rounds = rounds

    def add(self, name, cold, warm):
        print(f"| {name} | {min(cold):.1f} | {statistics.median(cold):.1f} | {max(cold):.1f} | "
              f"{statistics.median(warm):.2f} |", flush=True)

    # -- dmpm: over TLS, on a connection that is open --

    def dmpm(self):
        presets = {"static": (ALICE, "static"), "php": (BOB, "php"), "apache": (CAROL, "apache")}
        groups = {name: {"permissions": {"user": user},
                         "worker": {"preset": preset, "document_root": "{home}/htdocs",
                                    **({"processes": 2} if preset == "php" else {})},
                         "scale": {"idle_timeout": "50ms"}}
                  for name, (user, preset) in presets.items()}
        with_sites = Dmpm(groups=groups, hosts={f"{name}.test": name for name in groups})
        for name, (user, _) in presets.items():
            make_site(with_sites.home(name) / "htdocs", user)
        with with_sites as dmpm:
            for title, name, path in (("lighttpd, a file", "static", "/index.html"),
                                      ("lighttpd + php-cgi, one line", "php", "/index.php"),
                                      (f"lighttpd + php-cgi, {CLASSES} classes", "php", "/app.php"),
                                      ("Apache prefork + mod_php, one line", "apache", "/index.php")):
                self.one_of_dmpm(dmpm, title, name, path)
        for name, (user, _) in presets.items():
            for left in pathlib.Path("/tmp").glob(f"dmpm-{uid(ALICE)}-{name}.*"):
                shutil.rmtree(left)
            for left in pathlib.Path("/tmp").glob(f"dmpm-{uid(user)}-{name}.*"):
                shutil.rmtree(left)

    def one_of_dmpm(self, dmpm, title, name, path):
        cold, warm = [], []
        with dmpm.connect(f"{name}.test") as client:
            for _ in range(self.rounds):
                eventually(lambda: not dmpm.workers(), "asleep")
                cold.append(first_byte(client.sock, path, f"{name}.test"))
                warm.append(first_byte(client.sock, path, f"{name}.test"))
        self.add(f"**dmpm**: {title}", cold[1:], warm[1:])

    # -- others: plain HTTP over a socket of their own --

    def socket_activate(self, top):
        """The same servers, started by systemd's program for trying out: no TLS, no proxy."""
        for title, preset, path in (("lighttpd, a file", "static", "/index.html"),
                                    ("lighttpd + php-cgi, one line", "php", "/index.php"),
                                    (f"lighttpd + php-cgi, {CLASSES} classes", "php", "/app.php")):
            cold, warm = [], []
            for number in range(self.rounds):
                where = top / f"{preset}.{number}.socket"
                process = subprocess.Popen(
                    ["systemd-socket-activate", "-l", where, "-E", f"TMPDIR={top}",
                     harness.BIN / "dmpm-worker-adapter", "preset", preset,
                     f"document_root={top}/htdocs", *(["processes=2"] if preset == "php" else [])],
                    stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, user=uid(ALICE),
                    group=uid(ALICE), extra_groups=[], start_new_session=True)
                eventually(lambda: listens(where), "the socket")
                with unix(where) as sock:
                    cold.append(first_byte(sock, path, "a.test"))
                    warm.append(first_byte(sock, path, "a.test"))
                end(process)
            self.add(f"systemd-socket-activate: {title}", cold[1:], warm[1:])

    def php_fpm(self, top):
        (top / "fpm.conf").write_text(
            f"[global]\nerror_log = {top}/fpm.log\n[site]\nuser = {ALICE}\ngroup = {ALICE}\n"
            f"listen = {top}/fpm.socket\nlisten.owner = {ALICE}\npm = ondemand\npm.max_children = 4\n"
            "pm.process_idle_timeout = 1s\n")
        (top / "nginx.conf").write_text(
            f"daemon off; pid {top}/nginx.pid; error_log {top}/nginx.log; user {ALICE} {ALICE};\n"
            "events { worker_connections 64; }\nhttp { access_log off;\n"
            + "".join(f"{part}_temp_path {top}/{part};\n" for part in
                      ("client_body", "fastcgi", "proxy", "scgi", "uwsgi"))
            + f"server {{ listen unix:{top}/nginx.socket; root {top}/htdocs;\n"
            "location ~ \\.php$ { include /etc/nginx/fastcgi_params;\n"
            "fastcgi_param SCRIPT_FILENAME $document_root$fastcgi_script_name;\n"
            f"fastcgi_pass unix:{top}/fpm.socket; }} }} }}\n")
        fpm = subprocess.Popen(["php-fpm8.2", "-F", "-y", top / "fpm.conf"],
                               stderr=subprocess.DEVNULL, start_new_session=True)
        nginx = subprocess.Popen(["nginx", "-c", top / "nginx.conf"], stderr=subprocess.DEVNULL,
                                 start_new_session=True)
        where = top / "nginx.socket"
        eventually(lambda: where.exists() and (top / "fpm.socket").exists(), "both")
        for title, path in (("one line", "/index.php"), (f"{CLASSES} classes", "/app.php")):
            cold, warm = [], []
            with unix(where) as sock:
                for _ in range(min(self.rounds, 6)):  # each takes a second and more
                    eventually(lambda: not harness.children(fpm.pid), "no child")
                    cold.append(first_byte(sock, path, "a.test"))
                    warm.append(first_byte(sock, path, "a.test"))
            self.add(f"nginx + php-fpm ondemand (1 pool): {title}", cold[1:], warm[1:])
        end(nginx)
        end(fpm)

    def mpm_itk(self, top):
        names = ("mpm_prefork", "mpm_itk", "authz_core", "mime", "dir")
        (top / "itk.conf").write_text(
            f"ServerRoot {top}\nDefaultRuntimeDir {top}\nPidFile {top}/itk.pid\nServerName a.test\n"
            f"ErrorLog {top}/itk.log\nListen 127.0.0.1:8099\nTypesConfig /etc/mime.types\n"
            + "".join(f"LoadModule {name}_module {MODULES}/mod_{name}.so\n" for name in names)
            + f"LoadModule php_module {MODULES}/libphp8.2.so\nDocumentRoot {top}/htdocs\n"
            f"AssignUserID {ALICE} {ALICE}\n"
            '<FilesMatch "\\.php$">\nSetHandler application/x-httpd-php\n</FilesMatch>\n')
        apache = subprocess.Popen(["apache2", "-D", "FOREGROUND", "-f", top / "itk.conf"],
                                  start_new_session=True)
        eventually(lambda: connectable(8099), "Apache")
        for title, path in (("one line", "/index.php"), (f"{CLASSES} classes", "/app.php")):
            cold, warm = [], []
            for _ in range(self.rounds):
                with socket.create_connection(("127.0.0.1", 8099), 20) as sock:
                    cold.append(first_byte(sock, path, "a.test"))  # a process for the connection
                    warm.append(first_byte(sock, path, "a.test"))
            self.add(f"Apache mpm-itk + mod_php: {title}", cold[1:], warm[1:])
        end(apache)


def unix(path):
    sock = socket.socket(socket.AF_UNIX)
    sock.settimeout(20)
    sock.connect(str(path))
    return sock


def listens(path):
    """Without connecting, which would start the server."""
    with open("/proc/net/unix", encoding="utf-8") as file:
        return any(line.rstrip().endswith(f" {path}") and line.split()[3] == "00010000"
                   for line in file)


def connectable(port):
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
        return True
    except OSError:
        return False


def end(process):
    os.killpg(process.pid, signal.SIGTERM)
    process.wait()


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=20, help="of each line (default: 20)")
    arguments = parser.parse_args()
    if os.geteuid() != 0:
        sys.exit("cold-start: must be run as root: it changes users")
    users = harness._Users()  # as the tests' own main does
    top = pathlib.Path(harness.tempfile.mkdtemp(prefix="dmpm-cold.", dir="/var/tmp"))
    try:
        make_site(top / "htdocs", ALICE)
        shutil.chown(top, ALICE, ALICE)
        top.chmod(0o755)
        bench = Bench(arguments.rounds + 1)
        print("| | quickest | median | slowest | warm, median |\n|---|---|---|---|---|")
        bench.dmpm()
        bench.socket_activate(top)
        bench.php_fpm(top)
        if pathlib.Path(MODULES, "mod_mpm_itk.so").exists():
            bench.mpm_itk(top)
    finally:
        shutil.rmtree(top, ignore_errors=True)
        users.release()


if __name__ == "__main__":
    main()
