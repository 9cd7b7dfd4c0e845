"""The ways to start a server on demand that cold_start.py compares.

Each is a context manager with `title`, `sites`, and measure(site): milliseconds from a request to the
first byte of its answer, first of a sleeping site, then of the same one awake.
"""
import contextlib
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import time

import harness
from cold_start_sites import PHP_SITES, SITES, first_byte, make_site, read_answer, send_request
from harness import ALICE, BIN, Dmpm, eventually, uid

MODULES = pathlib.Path("/usr/lib/apache2/modules")
REST = 0.03  # seconds: what the end of the one before has to do is done


class ThroughDmpm:
    """Over TLS, on a connection that is open, as one of so many sites."""

    def __init__(self, groups):
        self.title, self.sites = f"dmpm, {groups:,} groups", SITES
        self.dmpm = Dmpm(
            groups={site.name: {"permissions": {"user": site.user},
                                "worker": {"preset": site.preset, "document_root": "{home}/htdocs",
                                           "private_directory": "{home}/private", **site.settings},
                                "scale": {"idle_timeout": "50ms"}} for site in SITES}, hosts={})
        # As /run is: on a disk's file system sockets and pipes take tenths of a millisecond to make.
        self.memory = pathlib.Path(tempfile.mkdtemp(prefix="dmpm-cold.", dir="/dev/shm"))
        self.memory.chmod(0o755)
        self.dmpm.runtime = self.memory / "run"
        self.dmpm.settings["runtime_directory"] = str(self.dmpm.runtime)
        tls = self.dmpm.authority.certificate("*.cold.test")
        names = [site.name for site in SITES]
        names += [f"other{n}" for n in range(groups - len(names))]
        for name in names:
            self.dmpm.settings["groups"].setdefault(name, {
                "permissions": {"user": ALICE},
                "worker": {"preset": "static", "document_root": "/var/empty"}})
            self.dmpm.settings["virtual_hosts"].append(
                {"names": [f"{name}.cold.test"], "group": name, "tls": tls})

    def __enter__(self):
        for site in SITES:
            make_site(self.dmpm.home(site.name) / "htdocs", site.user)
        self.dmpm.__enter__()
        self.clients = {site.name: self.dmpm.connect(f"{site.name}.cold.test") for site in SITES}
        return self

    def __exit__(self, *_):
        for client in self.clients.values():
            client.close()
        self.dmpm.end_beside_others()
        shutil.rmtree(self.memory)

    def measure(self, site):
        eventually(lambda: not self.dmpm.workers(), "asleep")
        time.sleep(REST)
        client, host = self.clients[site.name], f"{site.name}.cold.test"
        return first_byte(client.sock, site.path, host), first_byte(client.sock, site.path, host)


class Place:
    """A directory with all sites in it, as one user's, and a socket."""

    def __init__(self):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="dmpm-cold.", dir="/var/tmp"))
        make_site(self.directory / "htdocs", ALICE)
        shutil.chown(self.directory, ALICE, ALICE)
        self.directory.chmod(0o755)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.directory)

    def socket_of(self, name):
        return self.directory / f"{name}.socket"

    def adapter(self, site):
        """The command that becomes the site's server, as dmpm gives it."""
        settings = {"document_root": self.directory / "htdocs",
                    "private_directory": self.directory / site.name, **site.settings}
        return [BIN / "dmpm-worker-adapter", "preset", site.preset,
                *(f"{key}={value}" for key, values in settings.items()
                  for value in (values if isinstance(values, list) else [values]))]


class SocketActivated(Place):
    """By systemd's program for trying out: no TLS, no proxy."""

    title, sites = "systemd-socket-activate", SITES

    def measure(self, site):
        where = self.socket_of(site.name)
        where.unlink(missing_ok=True)
        process = subprocess.Popen(
            ["systemd-socket-activate", "-l", where, "-E", "PATH", *self.adapter(site)],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, user=uid(ALICE), group=uid(ALICE),
            extra_groups=[], start_new_session=True)
        eventually(lambda: listens(where), "the socket")
        time.sleep(REST)
        with unix(where) as sock:
            times = first_byte(sock, site.path, "a.test"), first_byte(sock, site.path, "a.test")
        end(process)
        return times


class Executed(Place):
    """The server itself: its command executed directly, with its configuration written before, while
    the request waits in its socket. From exec."""

    title, sites = "the server itself", SITES

    def __init__(self):
        super().__init__()
        self.servers = {}

    def measure(self, site):
        if site.name not in self.servers:
            self.servers[site.name] = self.learn(site)
        return self.run(site, *self.servers[site.name])

    def run(self, site, command, environment, directory=None, look=None):
        """The listening socket goes where the adapter had it."""
        where = self.socket_of(site.name)
        where.unlink(missing_ok=True)
        place = int(environment.get("DMPM_PRELOAD", "3:").split(":")[0])
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(str(where))
            shutil.chown(where, ALICE)
            listener.listen(64)
            with unix(where) as sock:
                send_request(sock, site.path, "a.test")
                process = subprocess.Popen(
                    [BIN / "bench-start-stamp", str(uid(ALICE)), str(uid(ALICE)),
                     str(listener.fileno()), str(place), *command], env=environment, cwd=directory,
                    pass_fds=[listener.fileno()], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                    stderr=subprocess.DEVNULL, start_new_session=True)
                came = read_answer(sock)
                cold = (came - int(process.stdout.read()) / 1e9) * 1000
                warm = first_byte(sock, site.path, "a.test")
                if look:
                    look(process.pid)
        end(process)
        return cold, warm

    def look_at(self, site, look):
        """Has look(pid) called when the adapter has become the server and that has answered."""
        self.run(site, self.adapter(site),
                 {"PATH": "/usr/bin:/bin", "HOME": str(self.directory), "LISTEN_FDS": "1",
                  "LISTEN_PID": "0", "LISTEN_FDNAMES": site.name}, look=look)

    def learn(self, site):
        """The command, environment and directory that the adapter arrives at."""
        learned = {}

        def look(pid):
            for name in ("cmdline", "environ"):
                text = pathlib.Path(f"/proc/{pid}/{name}").read_bytes()
                learned[name] = text.decode().rstrip("\0").split("\0")
            learned["directory"] = os.readlink(f"/proc/{pid}/cwd")

        self.look_at(site, look)
        program = shutil.which(learned["cmdline"][0])
        return ([program, *learned["cmdline"][1:]],
                dict(variable.split("=", 1) for variable in learned["environ"]), learned["directory"])


class PhpFpm(Place):
    """nginx and php-fpm with pm = ondemand: children are forked from a root process that has PHP in it,
    and an opcode cache that all pools share."""

    sites = PHP_SITES

    def __init__(self, pools):
        super().__init__()
        self.title = f"nginx + php-fpm ondemand, {pools:,} pool{'s' if pools > 1 else ''}"
        top = self.directory
        (top / "fpm.log").touch()
        (top / "fpm.conf").write_text(
            f"[global]\nerror_log = {top}/fpm.log\nrlimit_files = 8192\n" + "".join(
                f"[site{n}]\nuser = {ALICE}\ngroup = {ALICE}\nlisten = {top}/fpm.{n}\n"
                f"listen.owner = {ALICE}\npm = ondemand\npm.max_children = 4\n"
                "pm.process_idle_timeout = 1s\n"
                for n in range(pools)))
        (top / "nginx.conf").write_text(
            f"daemon off; pid {top}/nginx.pid; error_log {top}/nginx.log; user {ALICE} {ALICE};\n"
            "events { worker_connections 64; }\nhttp { access_log off; keepalive_requests 100000;\n"
            + "".join(f"{part}_temp_path {top}/{part};\n" for part in
                      ("client_body", "fastcgi", "proxy", "scgi", "uwsgi"))
            + f"server {{ listen unix:{top}/nginx.socket; root {top}/htdocs;\n"
            "location ~ \\.php$ { include /etc/nginx/fastcgi_params;\n"
            "fastcgi_param SCRIPT_FILENAME $document_root$fastcgi_script_name;\n"
            f"fastcgi_pass unix:{top}/fpm.{pools - 1}; }} }} }}\n")

    def __enter__(self):
        top = self.directory
        self.fpm = quietly("php-fpm8.2", "-F", "-y", top / "fpm.conf")
        self.nginx = quietly("nginx", "-c", top / "nginx.conf")
        eventually(lambda: listens(top / "nginx.socket"), "nginx")
        eventually(lambda: "ready to handle" in (top / "fpm.log").read_text(), "php-fpm")
        return self

    def __exit__(self, *exception):
        end(self.nginx)
        end(self.fpm)
        super().__exit__(*exception)

    def measure(self, site):
        # (One that is killed is replaced at once.)
        eventually(lambda: not harness.children(self.fpm.pid), "no child")
        time.sleep(REST)
        with unix(self.socket_of("nginx")) as sock:
            return first_byte(sock, site.path, "a.test"), first_byte(sock, site.path, "a.test")


class MpmItk(Place):
    """Apache with mpm-itk and mod_php: a process is forked for the connection, from a root process that
    has PHP in it, and an opcode cache that all sites share."""

    title, sites = "Apache mpm-itk + mod_php", PHP_SITES

    def __init__(self):
        super().__init__()
        top, names = self.directory, ("mpm_prefork", "authz_core", "mime", "dir")
        (top / "itk.conf").write_text(
            f"ServerRoot {top}\nDefaultRuntimeDir {top}\nPidFile {top}/itk.pid\nServerName a.test\n"
            f"ErrorLog {top}/itk.log\nTypesConfig /etc/mime.types\n"
            + "".join(f"LoadModule {name}_module {MODULES}/mod_{name}.so\n" for name in names)
            + f"LoadModule mpm_itk_module {MODULES}/mpm_itk.so\n"
            f"LoadModule php_module {MODULES}/libphp8.2.so\nDocumentRoot {top}/htdocs\n"
            f"AssignUserID {ALICE} {ALICE}\n"
            '<FilesMatch "\\.php$">\nSetHandler application/x-httpd-php\n</FilesMatch>\n')

    @staticmethod
    def installed():
        return (MODULES / "mpm_itk.so").exists()

    def __enter__(self):
        self.port = free_port()
        self.apache = quietly("apache2", "-D", "FOREGROUND", "-f", self.directory / "itk.conf", "-c",
                              f"Listen 127.0.0.1:{self.port}")
        eventually(self.accepts, "Apache")
        return self

    def __exit__(self, *exception):
        end(self.apache)
        super().__exit__(*exception)

    def accepts(self):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
            return True
        return False

    def measure(self, site):
        time.sleep(REST)
        with socket.create_connection(("127.0.0.1", self.port), harness.DEADLINE) as sock:
            return first_byte(sock, site.path, "a.test"), first_byte(sock, site.path, "a.test")


def quietly(*command):
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                            start_new_session=True)


def unix(path):
    sock = socket.socket(socket.AF_UNIX)
    sock.settimeout(harness.DEADLINE)
    sock.connect(str(path))
    return sock


def listens(path):
    """Without connecting, which would start the server."""
    with open("/proc/net/unix", encoding="utf-8") as file:
        return any(line.rstrip().endswith(f" {path}") and line.split()[3] == "00010000"
                   for line in file)


def free_port():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


def end(process):
    """It and its children, which may need a moment longer."""
    os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(harness.DEADLINE)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    if process.stdout:
        process.stdout.close()
