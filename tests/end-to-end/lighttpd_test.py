#!/usr/bin/python3
"""A real server as a worker: lighttpd with PHP through FastCGI, as the customer."""
import hashlib
import random
import shutil
import unittest

import harness
from harness import ALICE, BOB, Dmpm, eventually, group, uid

CONFIGURATION = """
server.systemd-socket-activation = "enable"
server.modules = ("mod_extforward", "mod_fastcgi")
server.document-root = "{home}/htdocs"
server.upload-dirs = ("{home}/tmp")
index-file.names = ("index.php")
mimetype.assign = (".txt" => "text/plain")
extforward.forwarder = ("all" => "trust")
fastcgi.server = (".php" => ((
  "bin-path" => "/usr/bin/php-cgi",
  "socket" => "{home}/tmp/php.socket",
  "max-procs" => 1
)))
"""

PAGE = """<?php
header("Content-Type: text/plain");
echo implode("\\n", [posix_getuid(), $_SERVER["REMOTE_ADDR"], $_SERVER["HTTPS"] ?? "off",
                    $_SERVER["HTTP_HOST"], hash("sha256", file_get_contents("php://input"))]);
"""


def lighttpd(user):
    return group(user, ["/usr/sbin/lighttpd", "-D", "-f", "{home}/lighttpd.conf"])


class Lighttpd(unittest.TestCase):
    def make_home(self, dmpm, name, user):
        home = dmpm.home(name)
        for part in ("htdocs", "tmp"):
            (home / part).mkdir()
        (home / "lighttpd.conf").write_text(CONFIGURATION.replace("{home}", str(home)))
        (home / "htdocs/index.php").write_text(PAGE)
        (home / "htdocs/private.txt").write_text(f"static, of {name}\n")
        for path in home.rglob("*"):
            shutil.chown(path, user, user)
            path.chmod(0o700 if path.is_dir() else 0o600)

    @unittest.skipUnless(shutil.which("lighttpd") and shutil.which("php-cgi"), "no lighttpd, no PHP")
    def test_pages_files_and_uploads(self):
        dmpm = Dmpm(groups={"alice": lighttpd(ALICE), "bob": lighttpd(BOB)})
        self.make_home(dmpm, "alice", ALICE)
        self.make_home(dmpm, "bob", BOB)
        with dmpm, dmpm.connect() as client:
            for _ in range(3):
                for host, name, user in (("a.test", "alice", ALICE), ("b.test", "bob", BOB)):
                    page = client.get(host, "/index.php").body.decode().split("\n")
                    self.assertEqual(page[:4], [str(uid(user)), "127.0.0.1", "on", host])
                    # Nobody but the customer may read this file.
                    self.assertEqual(client.get(host, "/private.txt").body.decode(),
                                     f"static, of {name}\n")
            body = random.Random(2).randbytes(3_000_000)
            for chunked in (False, True):
                page = client.request("POST", "a.test", "/index.php", body=body, chunked=chunked)
                self.assertEqual(page.body.decode().split("\n")[4], hashlib.sha256(body).hexdigest())
            self.assertEqual(client.get("a.test", "/nothing.txt").status, 404)
            # PHP's processes are lighttpd's children, and must end with it (the harness looks).
            names = {harness.comm(pid) for pid in harness.descendants(dmpm.master())}
            self.assertLessEqual({"lighttpd", "php-cgi"}, names)


if __name__ == "__main__":
    harness.main()
