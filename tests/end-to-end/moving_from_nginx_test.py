#!/usr/bin/python3
"""docs/moving-from-nginx.md, as printed: real nginx with php-fpm pools before, dmpm after, visitors
meanwhile."""
import pathlib
import unittest

import harness
import moving
from moving import machine
from page import Walk


class MovingFromNginx(unittest.TestCase):
    def expected(self, name):
        return f"{name} for 127.0.0.1, https on, memory 96M, production "

    def check(self, name):
        """PHP by its name and by any other; a file of the customer's."""
        with harness.Client(443, self.dmpm.authority.file, sni=f"{name}.example") as client:
            for path in ("/index.php", "/", "/news?of=today"):
                answer = client.get(f"{name}.example", path)
                self.assertEqual(answer.body.decode(), f"{self.expected(name)}{path}\n")
            self.assertEqual(client.get(f"{name}.example", "/file.txt").body, b"a file\n")

    def visitors(self):
        return moving.Visitors(self.dmpm.authority.file, "/news", self.expected)

    def owners(self):
        """Of PHP's processes that dmpm has started."""
        return {harness.owner(pid) for pid in harness.descendants(self.dmpm.master())
                if harness.comm(pid) == "php-cgi"}

    def test_page(self):
        self.dmpm = moving.PrintedDmpm()
        walk = Walk("moving-from-nginx", moving.ENVIRONMENT)
        moving.add_customers(self.dmpm)
        pathlib.Path("/etc/php/8.2/fpm/pool.d/www.conf").unlink()
        walk.section("The machine before")
        moving.copy_for_bob("/etc/nginx/sites-available/alice", "/etc/php/8.2/fpm/pool.d/alice.conf",
                            "/home/alice/htdocs/index.php")
        for name in moving.CUSTOMERS:
            pathlib.Path(f"/home/{name}").chmod(0o755)
            pathlib.Path(f"/home/{name}/htdocs/file.txt").write_text("a file\n", encoding="ascii")
            pathlib.Path(f"/etc/nginx/sites-enabled/{name}").symlink_to(f"../sites-available/{name}")
        machine.run("service", "php8.2-fpm", "start")
        machine.run("service", "nginx", "start")
        for name in moving.CUSTOMERS:
            self.check(name)

        walk.section("1. dmpm beside nginx")
        with self.dmpm:
            walk.section("The first look")
            walk.section("2. The ports")
            for name in moving.CUSTOMERS:
                self.check(name)
            with harness.Client(80, None) as client:
                redirect = client.get("alice.example", "/page")
            self.assertEqual((redirect.status, redirect.header("location")),
                             (308, "https://alice.example/page"))
            self.assertEqual(self.owners(), set())
            pools = pathlib.Path("/etc/php/8.2/fpm/pool.d")
            pool = (pools / "alice.conf").read_text(encoding="utf-8")
            with self.visitors() as visitors:
                walk.section("3. One customer after the other")
                self.check("alice")
                self.assertEqual(self.owners(), {harness.uid("alice")})
                walk.section("Back, one customer")
                harness.eventually(lambda: not self.owners(), "alice's own PHP has gone")
                walk.section("3. One customer after the other")
            self.assertEqual(visitors.wrong, [])
            walk.section("When it has proved itself")
            with self.visitors() as visitors:
                moving.move(self.dmpm, "bob", "nginx", "/etc/nginx/sites-available/bob", pools / "bob.conf")
                walk.section("4. When all have moved")
                for name in moving.CUSTOMERS:
                    self.check(name)
            self.assertEqual(visitors.wrong, [])
            (pools / "alice.conf").write_text(pool, encoding="utf-8")
            pathlib.Path("/home/alice").chmod(0o755)
            walk.section("Back, everything")
            for name in moving.CUSTOMERS:
                self.check(name)
            for service in ("nginx", "php8.2-fpm"):
                machine.run("service", service, "stop")
        walk.end()


if __name__ == "__main__":
    moving.main(unittest.main)
