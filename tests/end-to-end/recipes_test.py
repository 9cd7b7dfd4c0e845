#!/usr/bin/python3
"""Every page of docs/workers/, as printed, with the real servers: each as its own user behind one
dispatcher, asleep until somebody asks and again when nobody does."""
import os
import pathlib
import random
import re
import shutil
import signal
import unittest

import harness
from harness import ALICE, BOB, CAROL, Client, Dmpm, eventually, uid
from recipe import Recipe

# Page -> the server's program, the signal that makes it restart gracefully.
PAGES = {"static": ("lighttpd", signal.SIGUSR1), "php": ("lighttpd", signal.SIGUSR1),
         "apache": ("apache2", signal.SIGUSR1), "apache-own": ("apache2", signal.SIGUSR1),
         "nginx-php-fpm": ("nginx", signal.SIGHUP), "node": ("node", None),
         "python": ("gunicorn", signal.SIGHUP), "go": ("site", None),
         "git": ("lighttpd", signal.SIGUSR1), "webdav": ("lighttpd", signal.SIGUSR1),
         "chroot": ("lighttpd", signal.SIGUSR1)}
NEEDS = {"apache": "apache2", "apache-own": "apache2", "nginx-php-fpm": "php-fpm8.2",
         "node": "node", "python": "gunicorn", "go": "go", "git": "git"}
USERS = (ALICE, BOB, CAROL)
# Those whose program tells who it is; the others serve files.
TELLING = ("php", "apache", "apache-own", "nginx-php-fpm", "node", "python", "go")
FILES = ("static", "git", "webdav", "chroot")
CLIENT = "127.0.0.5"  # not what the preload library would report


class Recipes(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.dmpm = Dmpm(groups={}, hosts={}, listen=[{"address": "127.0.0.1:0", "tls": True}])
        cls.recipes = {}
        for number, (page, (_, _)) in enumerate(PAGES.items()):
            if shutil.which(NEEDS.get(page, "lighttpd"), path="/usr/sbin:/usr/bin:/bin") is None:
                raise AssertionError(f"{page}: {NEEDS[page]} is not installed")
            cls.recipes[page] = Recipe(page, USERS[number % len(USERS)])
            cls.recipes[page].install(cls.dmpm, "700ms")
        cls.dmpm.__enter__()

    @classmethod
    def tearDownClass(cls):
        try:
            cls.dmpm.__exit__(None, None, None)
        finally:
            for page, recipe in cls.recipes.items():
                for path in pathlib.Path("/tmp").glob(f"dmpm-{uid(recipe.user)}-{page}.*"):
                    shutil.rmtree(path)

    # -- asking --

    def client(self, page):
        host = self.recipes[page].host
        client = Client(self.dmpm.port, self.dmpm.authority.file, sni=host, source=CLIENT)
        self.addCleanup(client.close)
        return client

    def expected(self, page):
        return f"uid {uid(self.recipes[page].user)}, client {CLIENT}, https on\n"

    def check(self, page, client=None):
        client = client or self.client(page)
        answer = client.get(self.recipes[page].host)
        self.assertEqual(answer.status, 200, (page, answer))
        if page in TELLING:
            self.assertEqual(answer.body.decode(), self.expected(page), page)
        else:
            self.assertIn(b"<title>alice</title>", answer.body, page)

    def curl(self, page, *options, path="/"):
        host = self.recipes[page].host
        return harness.run("curl", "-sS", "--fail", "--cacert", self.dmpm.authority.file,
                           "--interface", CLIENT, "--resolve",
                           f"{host}:{self.dmpm.port}:127.0.0.1", *options,
                           f"https://{host}:{self.dmpm.port}{path}").stdout

    def main_process(self, page):
        """One that was told to go, because it was idle, may still be on its way."""
        def only_one():
            pids = self.main_processes(page)
            return pids[0] if len(pids) == 1 else None
        return eventually(only_one, f"one worker of {page}")

    def main_processes(self, page):
        """The worker's first processes (the master's children) that are this page's."""
        program = PAGES[page][0]
        home = str(self.dmpm.home(page))
        user = uid(self.recipes[page].user)
        return [pid for pid in harness.children(self.dmpm.master())
                if harness.owner(pid) == user and harness.state(pid) != "Z" and
                self.belongs(pid, page, home, program)]

    @staticmethod
    def belongs(pid, page, home, program):
        try:
            with open(f"/proc/{pid}/environ", "rb") as file:
                variables = file.read()
            with open(f"/proc/{pid}/cmdline", "rb") as file:
                words = file.read()
        except (FileNotFoundError, ProcessLookupError, PermissionError):
            return False
        return (f"LISTEN_FDNAMES={page}\0".encode() in variables or home.encode() in words or
                f"/{page}.".encode() in words + variables or f"{home}\0".encode() in variables)

    # -- what is tested --

    def test_users_and_addresses_over_both_protocols(self):
        for page in PAGES:
            with self.subTest(page):
                self.check(page)
                if page in TELLING:
                    self.assertEqual(self.curl(page, "--http2"), self.expected(page))
                    self.assertEqual(self.curl(page, "--http1.1"), self.expected(page))
                else:
                    self.assertIn("alice", self.curl(page, "--http2"))

    def test_one_connection_for_all_of_one_site(self):
        for page in TELLING:
            with self.subTest(page):
                client = self.client(page)
                for _ in range(5):
                    self.check(page, client)

    def test_large_uploads_and_downloads(self):
        body = random.Random(5).randbytes(5_000_000)
        file = self.dmpm.directory / "body"
        file.write_bytes(body)
        for page in TELLING:
            with self.subTest(page):
                client = self.client(page)
                answer = client.request("PUT", self.recipes[page].host, "/" if page in (
                    "node", "python", "go", "apache-own") else "/index.php", body=body)
                self.assertEqual(answer.status, 200, (page, answer))
                self.assertTrue(answer.body == body, page)
        for page in ("static",):
            path = self.dmpm.home(page) / "htdocs/large.bin"
            path.write_bytes(body)
            shutil.chown(path, self.recipes[page].user)
            path.chmod(0o600)
            self.assertTrue(self.client(page).get(self.recipes[page].host, "/large.bin").body == body)

    def test_asleep_and_awake_again(self):
        for page in PAGES:
            self.check(page)
        eventually(lambda: not self.dmpm.workers(), "all asleep")
        eventually(lambda: not [pid for pid in harness.descendants(self.dmpm.master())
                                if harness.owner(pid) in map(uid, USERS)], "with all they started")
        for page in PAGES:
            with self.subTest(page):
                self.check(page)

    def test_a_graceful_restart_of_the_servers_own(self):
        for page, (_, number) in PAGES.items():
            if number is None:
                continue
            with self.subTest(page):
                client = self.client(page)
                self.check(page, client)
                os.kill(self.main_process(page), number)
                for _ in range(20):
                    self.check(page, client)
                self.check(page)

    def test_a_crash(self):
        for page in PAGES:
            with self.subTest(page):
                self.check(page)
                pid = self.main_process(page)
                os.kill(pid, signal.SIGKILL)
                eventually(lambda: harness.has_gone(pid), "its end")
                self.check(page)

    def test_htaccess(self):
        home = self.dmpm.home("apache")
        (home / "htdocs/secret.txt").write_text("secret")
        shutil.chown(home / "htdocs/secret.txt", self.recipes["apache"].user)
        client, host = self.client("apache"), self.recipes["apache"].host
        self.assertEqual(client.get(host, "/secret.txt").status, 403)
        self.assertEqual(client.get(host, "/.htaccess").status, 403)
        self.assertEqual(client.get(host, "/old").body.decode(), self.expected("apache"))

    def test_hidden_files(self):
        home = self.dmpm.home("static") / "htdocs"
        (home / ".htpasswd").write_text("x")
        shutil.chown(home / ".htpasswd", self.recipes["static"].user)
        self.assertEqual(self.client("static").get(self.recipes["static"].host, "/.htpasswd").status,
                         403)

    def test_git_clone_and_push(self):
        host, clone = self.recipes["git"].host, self.dmpm.directory / "clone"
        url = f"https://{host}:{self.dmpm.port}/git/project.git"
        git = ["git", "-c", f"http.sslCAInfo={self.dmpm.authority.file}",
               "-c", f"http.curloptResolve={host}:{self.dmpm.port}:127.0.0.1",
               "-c", "user.name=t", "-c", "user.email=t@t"]
        environment = {"PATH": "/usr/bin:/bin", "HOME": str(self.dmpm.directory),
                       "GIT_CONFIG_NOSYSTEM": "1"}
        for command in ((*git, "clone", "-q", url, clone), ):
            harness.run(*command, env=environment)
        (clone / "file").write_bytes(random.Random(6).randbytes(3_000_000))
        for command in (("add", "file"), ("commit", "-q", "-m", "one"), ("push", "-q", url, "HEAD:main")):
            harness.run(*git, "-C", clone, *command, env=environment)
        again = harness.run(*git, "ls-remote", url, env=environment).stdout
        self.assertIn("refs/heads/main", again)

    def dav(self, protocol, method, name, *options, user="alice:correct horse"):
        """The answer's status and body."""
        output = self.dmpm.directory / "answer"
        output.unlink(missing_ok=True)
        url = f"https://{self.recipes['webdav'].host}:{self.dmpm.port}/files/{name}"
        status = harness.run(
            "curl", "-sS", protocol, "--cacert", self.dmpm.authority.file, "--resolve",
            f"{self.recipes['webdav'].host}:{self.dmpm.port}:127.0.0.1", "-u", user, "-X", method,
            "-o", output, "-w", "%{http_code}", *options, url).stdout
        return int(status), output.read_bytes() if output.exists() else b""

    def test_webdav(self):
        files = self.dmpm.home("webdav") / "files"
        site = f"https://{self.recipes['webdav'].host}:{self.dmpm.port}"
        body = self.dmpm.directory / "upload"
        body.write_bytes(random.Random(7).randbytes(20_000_000))
        for protocol in ("--http1.1", "--http2"):
            def dav(*arguments, **options):
                return self.dav(protocol, *arguments, **options)

            def to(name):
                return "-H", f"Destination: {name if '://' in name else site + '/files/' + name}"
            with self.subTest(protocol):
                self.assertEqual(dav("PUT", "a", "-d", "x", user="alice:wrong")[0], 401)
                self.assertEqual(dav("PUT", "a", "-T", body)[0], 201)
                self.assertEqual((files / "a").stat().st_uid, uid(self.recipes["webdav"].user))
                self.assertEqual((files / "a").stat().st_mode & 0o777, 0o600)
                status, got = dav("GET", "a")
                self.assertEqual((status, got == body.read_bytes()), (200, True))
                self.assertEqual(dav("MKCOL", "d")[0], 201)
                self.assertEqual(dav("MOVE", "a", *to("d/b"))[0], 201)
                self.assertEqual(dav("COPY", "d/b", *to("c"))[0], 201)
                self.assertEqual(dav("MOVE", "c", *to("https://static.test/files/c"))[0], 502)
                for directory, names in (("", ("c", "d/")), ("d/", ("d/b",))):
                    status, listing = dav("PROPFIND", directory, "-H", "Depth: 1")
                    self.assertEqual(status, 207)
                    self.assertEqual(
                        set(re.findall("<D:href>/files/(.*)</D:href>", listing.decode())),
                        {directory, *names})
                self.check_lock(dav)
                self.assertEqual(dav("GET", "d/b")[1], body.read_bytes())  # the copy was one
                self.assertEqual([dav("DELETE", name)[0] for name in ("c", "d/")], [204, 204])
                self.assertEqual(dav("GET", "d/b")[0], 404)
        self.assertEqual(list(files.iterdir()), [])

    def check_lock(self, dav):
        """A lock keeps others from writing, in the next worker too."""
        status, lock = dav("LOCK", "c", "-H", "Content-Type: application/xml", "-d", (
            '<?xml version="1.0"?><lockinfo xmlns="DAV:"><lockscope><exclusive/></lockscope>'
            "<locktype><write/></locktype></lockinfo>"))
        self.assertEqual(status, 200)
        token = re.search(rb"urn:uuid:[0-9a-f-]+", lock)[0].decode()
        pid = self.main_process("webdav")
        eventually(lambda: harness.has_gone(pid), "asleep")
        self.assertEqual(dav("PUT", "c", "-d", "new")[0], 423)
        self.assertEqual(dav("PUT", "c", "-H", f"If: (<{token}>)", "-d", "new")[0], 204)
        self.assertEqual(dav("UNLOCK", "c", "-H", f"Lock-Token: <{token}>")[0], 204)
        self.assertEqual(dav("PUT", "c", "-d", "newer")[0], 204)
        self.assertEqual(dav("GET", "c")[1], b"newer")

    def test_nobody_else_gets_at_a_private_directory(self):
        self.check("php")
        pid = self.main_process("php")
        configuration = self.words(pid)[-1]
        self.assertRegex(configuration,
                         rf"^{self.dmpm.directory}/private/php\.{uid(self.recipes['php'].user)}/worker\.\d+/[a-z.]+$")
        for path in (os.path.dirname(configuration), os.path.dirname(os.path.dirname(configuration))):
            self.assertEqual(os.stat(path).st_mode & 0o777, 0o700, path)
            self.assertEqual(os.stat(path).st_uid, uid(self.recipes["php"].user))

    @staticmethod
    def words(pid):
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            return file.read().decode().rstrip("\0").split("\0")


if __name__ == "__main__":
    harness.main()
