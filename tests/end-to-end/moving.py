"""What the tests of docs/moving-from-*.md share: the machine before, dmpm as those pages have it, and
visitors who come while something changes."""
import os
import pathlib
import shutil
import sys
import threading

import harness
import page
from harness import Dmpm

sys.path.insert(0, str(harness.HERE.parent / "packaging"))
import machine  # pylint: disable=wrong-import-position,wrong-import-order

CUSTOMERS = ("alice", "bob")
ENVIRONMENT = {"PATH": f"{harness.BIN}:/usr/sbin:/usr/bin:/sbin:/bin"}


class PrintedDmpm(Dmpm):
    """Runs with the files, directories and users that the pages name."""

    def __init__(self):
        super().__init__(groups={}, hosts={})
        self.config_file = pathlib.Path("/etc/dmpm/dmpm.json")
        self.runtime, self.logs = pathlib.Path("/run/dmpm"), pathlib.Path("/var/log/dmpm")
        pathlib.Path("/etc/dmpm/sites.d").mkdir(parents=True)
        for user in ("dmpm", "dmpm-keys", "dmpm-log"):
            machine.run("useradd", "--system", "--user-group", "--no-create-home", user)

    def write_config(self, text=None):
        """The page has written it."""


def add_customers(dmpm):
    """Users, names that lead here, and certificates where certbot leaves them; and trust in who signed these."""
    for name in CUSTOMERS:
        add_name(name)
        machine.run("useradd", "--create-home", "--shell", "/bin/sh", name)
        live = pathlib.Path(f"/etc/letsencrypt/live/{name}.example")
        live.mkdir(parents=True)
        made = dmpm.authority.certificate(f"{name}.example", f"www.{name}.example")
        shutil.copy(made["certificate"], live / "fullchain.pem")
        shutil.copy(made["key"], live / "privkey.pem")
        (live / "privkey.pem").chmod(0o600)
    with open("/etc/ssl/certs/ca-certificates.crt", "a", encoding="ascii") as trusted:
        trusted.write(dmpm.authority.file.read_text(encoding="ascii"))


def add_name(name):
    with open("/etc/hosts", "a", encoding="ascii") as hosts:
        hosts.write(f"127.0.0.1 {name}.example www.{name}.example\n")


def copy_for_bob(*paths):
    """alice's files again, with bob's name."""
    for path in map(pathlib.Path, paths):
        copy = pathlib.Path(str(path).replace("alice", "bob"))
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_text(path.read_text(encoding="utf-8").replace("alice", "bob"), encoding="utf-8")
        if copy.parts[1] == "home":
            shutil.chown(copy.parent, "bob", "bob")
            shutil.chown(copy, "bob", "bob")


def move(dmpm, name, server, *files):
    """A customer as the page moves alice."""
    made = machine.run(page.CHECKOUT / "packaging/import-site", server, *files).stdout
    pathlib.Path(f"/etc/dmpm/sites.d/{name}.json").write_text(made, encoding="utf-8")
    assert dmpm.command("reload").returncode == 0


class Visitors:
    """One for each customer, who asks again and again; all that is not what it should be is kept.

        with Visitors(authority, "/", lambda name: f"{name} for 127.0.0.1") as visitors:
            ...
        visitors.wrong is empty
    """

    def __init__(self, authority, path, expected):
        self.authority, self.path, self.expected = authority, path, expected
        self.wrong, self.served = [], dict.fromkeys(CUSTOMERS, 0)
        self._over = threading.Event()
        self._threads = [threading.Thread(target=self._visit, args=(name,)) for name in CUSTOMERS]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        if not any(_):  # whoever came last comes once more
            for name, served in dict(self.served).items():
                harness.eventually(lambda n=name, s=served: self.wrong or self.served[n] > s + 1, "a visit")
        self._over.set()
        for thread in self._threads:
            thread.join()

    def _visit(self, name):
        """In turns on a connection that stays and on a new one."""
        host = f"{name}.example"
        try:
            with harness.Client(443, self.authority, sni=host) as lasting:
                while not self._over.is_set():
                    self._look_at(name, lasting.get(host, self.path))
                    with harness.Client(443, self.authority, sni=host) as client:
                        self._look_at(name, client.get(host, self.path))
        except OSError as problem:
            self.wrong.append(f"{host}: {problem!r}")

    def _look_at(self, name, answer):
        if answer.status == 200 and answer.body.decode().startswith(self.expected(name)):
            self.served[name] += 1
        else:
            self.wrong.append(f"{name}: {answer!r}")


def main(unittest_main):
    """Runs the tests on a machine of their own, with a process 1 that reaps what services leave."""
    machine.enter()
    tests = os.fork()
    if tests == 0:
        os.chdir(harness.HERE)
        unittest_main(verbosity=2)
    while True:
        ended, status = os.wait()
        if ended == tests:
            sys.exit(os.waitstatus_to_exitcode(status))
