"""The peers: how each is configured (the files of peers/), started and reloaded."""
import pathlib
import shutil
import signal
import subprocess

from servers import Server

PEERS = pathlib.Path(__file__).resolve().parent / "peers"


def first_line(*command):
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return (done.stdout + done.stderr).strip().splitlines()[0]


class Peer(Server):
    """Most of them want one configuration file with all sites: write_all() writes it. The program is
    named as the peer is."""

    @classmethod
    def installed(cls):
        return shutil.which(cls.name) is not None

    def write(self):
        self.backend_of = dict(self.sites)
        self.write_all()

    def write_site(self, name, backend):
        self.backend_of[name] = backend
        self.write_all()

    def write_all(self):
        raise NotImplementedError

    def template(self, file, **more):
        """A file of peers/ with its @WORDS@ replaced."""
        text = (PEERS / file).read_text(encoding="utf-8")
        words = {"DIRECTORY": self.directory, "PORT": self.port,
                 "CERTIFICATES": self.sites.certificates,
                 "BACKEND_A": self.sites.backends.path("a"),
                 "BACKEND_B": self.sites.backends.path("b"), **more}
        for word, value in words.items():
            text = text.replace(f"@{word}@", str(value))
        return text

    def site(self, file, name, backend, **more):
        return self.template(file, NAME=name, BACKEND=backend,
                             BACKEND_PATH=self.sites.backends.path(backend), **more)


class Nginx(Peer):
    name = "nginx"

    @classmethod
    def version(cls):
        return first_line("nginx", "-v").rsplit("/", 1)[1]

    def write(self):
        log = f"access_log {self.directory}/access.log;" if self.access_log else "access_log off;"
        (self.directory / "nginx-sites").mkdir()
        (self.directory / "nginx.conf").write_text(self.template("nginx.conf", ACCESS_LOG=log))
        for name, backend in self.sites:
            self.write_site(name, backend)

    def write_site(self, name, backend):
        (self.directory / "nginx-sites" / f"{name}.conf").write_text(
            self.site("nginx-site.conf", name, backend))

    def command(self):
        return ["nginx", "-c", self.directory / "nginx.conf", "-p", self.directory]


class Haproxy(Peer):
    name = "haproxy"

    @classmethod
    def version(cls):
        return first_line("haproxy", "-v").split()[2]

    def write(self):
        on = {"ACCESS_LOG_GLOBAL": "log stdout format raw local0 info",
              "ACCESS_LOG": "log global\n  option httplog"}
        words = on if self.access_log else dict.fromkeys(on, "")
        (self.directory / "haproxy.cfg").write_text(self.template("haproxy.cfg", **words))
        certificates = self.directory / "haproxy-certificates"
        certificates.mkdir()
        for name, _ in self.sites:
            (certificates / f"{name}.pem").symlink_to(self.sites.certificates / f"{name}.pem")
        super().write()

    def write_all(self):
        (self.directory / "haproxy.map").write_text(
            "".join(f"{name} {backend}\n" for name, backend in self.backend_of.items()))

    def command(self):
        return ["haproxy", "-W", "-f", self.directory / "haproxy.cfg"]

    def reload(self):
        self.process.send_signal(signal.SIGUSR2)


class H2o(Peer):
    name = "h2o"

    @classmethod
    def version(cls):
        return first_line("h2o", "-v").split()[2]

    def write_all(self):
        log = f"access-log: {self.directory}/access.log" if self.access_log else ""
        sites = [self.site("h2o-site.conf", *site) for site in self.backend_of.items()]
        (self.directory / "h2o.conf").write_text(
            self.template("h2o.conf", ACCESS_LOG=log) + "".join(sites))

    def command(self):
        # The master mode is the one that can be reloaded.
        return ["h2o", "-m", "master", "-c", self.directory / "h2o.conf"]


class Caddy(Peer):
    name = "caddy"
    reloading = None

    @classmethod
    def version(cls):
        return first_line("caddy", "version").split()[0]

    def write_all(self):
        log = f"log {{\n    output file {self.directory}/access.log\n  }}" if self.access_log else ""
        sites = [self.site("caddy-site.conf", *site, ACCESS_LOG=log)
                 for site in self.backend_of.items()]
        (self.directory / "Caddyfile").write_text(self.template("caddy.conf") + "".join(sites))

    def environment(self):
        return {**super().environment(), "GOMAXPROCS": "1", "HOME": str(self.directory)}

    def command(self):
        return ["caddy", "run", "--config", self.directory / "Caddyfile", "--adapter", "caddyfile"]

    def reload(self):
        # The configuration is read by a process of its own, which counts as well.
        self.reloading = self.spawn(
            ["caddy", "reload", "--config", self.directory / "Caddyfile", "--adapter", "caddyfile",
             "--address", f"unix/{self.directory}/caddy.sock"])

    def stop(self):
        super().stop()
        if self.reloading:
            self.reloading.wait()


class Nghttpx(Peer):
    name = "nghttpx"

    @classmethod
    def version(cls):
        return first_line("nghttpx", "--version").rsplit("/", 1)[1]

    def write_all(self):
        log = f"accesslog-file={self.directory}/access.log" if self.access_log else ""
        certificates = self.sites.certificates
        first, *others = self.backend_of
        lines = [self.template("nghttpx.conf", ACCESS_LOG=log),
                 f"private-key-file={certificates}/{first}.key",
                 f"certificate-file={certificates}/{first}.crt",
                 f"backend=unix:{self.sites.backends.path('a')};/;proto=http/1.1"]
        lines += [f"subcert={certificates}/{name}.key:{certificates}/{name}.crt" for name in others]
        lines += [f"backend=unix:{self.sites.backends.path(backend)};{name}/;proto=http/1.1"
                  for name, backend in self.backend_of.items() if backend != "a"]
        (self.directory / "nghttpx.conf").write_text("\n".join(lines) + "\n")

    def command(self):
        return ["nghttpx", f"--conf={self.directory}/nghttpx.conf"]


PEER_CLASSES = {kind.name: kind for kind in (Nginx, Haproxy, H2o, Caddy, Nghttpx)}
