#!/usr/bin/python3
"""Presets apart from dmpm: which extensions PHP has, and who comes back when it dies; where their private
directories are.
(tests/end-to-end/recipes_test.py has all presets behind dmpm.)"""
import os
import pathlib
import shutil
import signal
import unittest

import adapter
from adapter import eventually

PAGE = """<?php
header("Content-Type: text/plain");
echo implode("\\n", [getmypid(), posix_getppid(), ini_get("memory_limit"),
                    implode(",", array_map("strtolower", get_loaded_extensions()))]);
"""


@unittest.skipUnless(shutil.which("lighttpd") and shutil.which("php-cgi"), "no lighttpd, no PHP")
class Php(adapter.AdapterTest):
    def start_php(self, *words):
        root = self.directory / "htdocs"
        root.mkdir()
        root.chmod(0o755)
        (root / "index.php").write_text(PAGE)
        return self.start("preset", "php", f"document_root={root}", "processes=1", *words)

    def page(self):
        """The process ids of PHP and its parent, memory_limit, and the extensions."""
        head, body = self.get()
        if not head.startswith("HTTP/1.0 200"):
            return None
        pid, parent, memory, extensions = body.decode().split("\n")
        return int(pid), int(parent), memory, extensions.split(",")

    def test_the_machines_extensions(self):
        self.start_php()
        *_, extensions = self.page()
        for name in ("ctype", "posix", "tokenizer", "zend opcache"):
            self.assertIn(name, extensions)

    def test_only_the_chosen_ones(self):
        self.start_php("php_extensions=posix", "php_extensions=ctype", "php_ini=memory_limit=77M")
        _, _, memory, extensions = self.page()
        self.assertEqual(memory, "77M")
        for name in ("ctype", "posix", "zend opcache"):
            self.assertIn(name, extensions)
        for name in ("tokenizer", "calendar", "phar"):
            self.assertNotIn(name, extensions)

    def test_php_comes_back(self):
        self.start_php()
        before = self.page()
        os.kill(before[0], signal.SIGKILL)
        # Its parent replaces it; lighttpd may answer 500 to a request that it had.
        after = eventually(self.page, "PHP is there again")
        self.assertNotEqual(after[0], before[0])
        self.assertEqual(after[1], before[1])

    def test_php_ends_with_its_server(self):
        server = self.start_php()
        pid, parent, *_ = self.page()
        server.kill()
        server.wait()
        for gone in (pid, parent):
            eventually(lambda pid=gone: not self.lives(pid), "PHP has ended")

    @staticmethod
    def lives(pid):
        try:
            with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
                return file.read().rsplit(")", 1)[1].split()[0] != "Z"
        except FileNotFoundError:
            return False


@unittest.skipUnless(shutil.which("lighttpd") and os.geteuid() == 0, "no lighttpd, or not root")
class PrivateDirectory(adapter.AdapterTest):
    def used(self, **environment):
        """The directory that a server's configuration is in, below that of the worker."""
        server = self.start("preset", "static", f"document_root={self.directory}", **environment)

        def configuration():
            words = pathlib.Path(f"/proc/{server.pid}/cmdline").read_text(encoding="utf-8").split("\0")
            return words[-2] if words[0].endswith("lighttpd") else None

        path = pathlib.Path(eventually(configuration, "lighttpd runs"))
        self.end(server)
        self.assertEqual(path.parent.stat().st_mode & 0o777, 0o700)
        return path.parent.parent

    def make(self, name, user, mode):
        path = self.directory / name
        path.mkdir()
        path.chmod(mode)
        shutil.chown(path, user)
        return path

    def test_a_configuration_is_written_when_it_is_another(self):
        given = self.make("given", "nobody", 0o700)
        file = given / "worker.0/lighttpd.conf"
        self.used(DMPM_PRIVATE_DIRECTORY=str(given))
        written, wanted = file.stat().st_mtime_ns, file.read_text(encoding="utf-8")
        self.used(DMPM_PRIVATE_DIRECTORY=str(given))
        self.assertEqual(file.stat().st_mtime_ns, written)
        for other in (wanted + "#", wanted[:-1], wanted.replace("index.html", "index.htmm"), ""):
            file.write_text(other, encoding="utf-8")
            self.used(DMPM_PRIVATE_DIRECTORY=str(given))
            self.assertEqual(file.read_text(encoding="utf-8"), wanted)

    def test_the_masters(self):
        given = self.make("given", "nobody", 0o700)
        self.assertEqual(self.used(DMPM_PRIVATE_DIRECTORY=str(given)), given)

    def test_where_the_masters_cannot_be_used(self):
        for given in (self.directory / "missing", self.make("others", "daemon", 0o700)):
            used = self.used(DMPM_PRIVATE_DIRECTORY=str(given))
            self.assertRegex(str(used), rf"^{self.directory}/dmpm-\d+-test\.0$")

    def test_a_name_that_somebody_else_has_taken(self):
        self.make(f"dmpm-{self.user['user']}-test.0", "daemon", 0o755)
        first = self.used()
        self.assertRegex(first.name, r"^dmpm-\d+-test\.\w{6}$")
        self.assertEqual(self.used(), first)  # found again


if __name__ == "__main__":
    unittest.main(verbosity=2)
