#!/usr/bin/python3
"""docs/moving-from-apache.md, as printed: real Apache with mpm-itk before, dmpm after, visitors meanwhile."""
import pathlib
import unittest

import harness
import moving
from moving import machine
from page import Walk


class MovingFromApache(unittest.TestCase):
    def expected(self, name):
        return f"{name} for 127.0.0.1, https on, memory 96M\n"

    def get(self, name, path="/", port=443):
        with harness.Client(port, self.dmpm.authority.file, sni=f"{name}.example") as client:
            return client.get(f"{name}.example", path)

    def check(self, name):
        """.htaccess and all."""
        self.assertEqual(self.get(name).body.decode(), self.expected(name))
        self.assertEqual(self.get(name, "/old").body.decode(), self.expected(name))
        self.assertEqual(self.get(name, "/secret.txt").status, 403)

    def visitors(self):
        return moving.Visitors(self.dmpm.authority.file, "/", self.expected)

    def owners(self):
        """Of Apache's processes that dmpm has started."""
        return {harness.owner(pid) for pid in harness.descendants(self.dmpm.master())
                if harness.comm(pid) == "apache2"}

    def test_page(self):
        self.dmpm = moving.PrintedDmpm()
        walk = Walk("moving-from-apache", moving.ENVIRONMENT)
        moving.add_customers(self.dmpm)
        walk.section("The machine before")
        moving.copy_for_bob("/etc/apache2/sites-available/alice.conf", "/home/alice/htdocs/index.php",
                            "/home/alice/htdocs/.htaccess")
        for name in moving.CUSTOMERS:
            pathlib.Path(f"/home/{name}").chmod(0o700)
            pathlib.Path(f"/home/{name}/htdocs/secret.txt").write_text("secret", encoding="ascii")
        machine.run("a2enmod", "-q", "ssl", "rewrite", "mpm_itk", "php8.2")
        machine.run("a2ensite", "-q", *moving.CUSTOMERS)
        machine.run("service", "apache2", "start")
        for name in moving.CUSTOMERS:
            self.check(name)

        walk.section("1. dmpm beside Apache")
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
            with self.visitors() as visitors:
                walk.section("3. One customer after the other")
                self.check("alice")
                self.assertEqual(self.owners(), {harness.uid("alice")})
                walk.section("Back, one customer")
                harness.eventually(lambda: not self.owners(), "alice's own Apache has gone")
                walk.section("3. One customer after the other")
                moving.move(self.dmpm, "bob", "apache", "/etc/apache2/sites-available/bob.conf")
                walk.section("4. When all have moved")
                for name in moving.CUSTOMERS:
                    self.check(name)
            self.assertEqual(visitors.wrong, [])
            walk.section("Back, everything")
            for name in moving.CUSTOMERS:
                self.check(name)
            machine.run("service", "apache2", "stop")
        walk.end()


if __name__ == "__main__":
    moving.main(unittest.main)
