#!/usr/bin/python3
"""docs/operations.md, as printed, with a site that works and one that does not; and that the log says what the
page has of it."""
import json
import pathlib
import re
import unittest

import harness
import moving
import page
from moving import machine
from page import Walk

SOURCES = ("base", "master", "proxy", "logger", "keyholder")


class Operations(unittest.TestCase):
    def test_page(self):
        dmpm = moving.PrintedDmpm()
        walk = Walk("operations", moving.ENVIRONMENT)
        for name, days in (("alice", 90), ("bob", 7)):
            machine.run("useradd", "--create-home", name)
            moving.add_name(name)
            self.certificate(name, days)
            self.site(name)
        htdocs = pathlib.Path("/home/alice/htdocs")
        htdocs.mkdir()
        (htdocs / "index.php").write_text("<?php echo posix_geteuid();", encoding="ascii")
        pathlib.Path("/etc/dmpm/dmpm.json").write_text(json.dumps({
            "listen": [{"address": "*:443", "tls": True}], "include": ["/etc/dmpm/sites.d/*.json"]}))

        with dmpm:
            walk.section("Reload")
            alice = str(harness.uid("alice")).encode()
            with harness.Client(443, "/etc/dmpm/tls/alice.crt", sni="alice.example") as client:
                self.assertEqual(client.get("alice.example").body, alice)
                before = dmpm.workers("alice")
                walk.section("Upgrade in place")
            harness.eventually(lambda: not set(before) & set(dmpm.workers("alice")), "another worker")
            with harness.Client(443, "/etc/dmpm/tls/alice.crt", sni="alice.example") as client:
                self.assertEqual(client.get("alice.example").body, alice)
            walk.section("Memory")
            walk.section("A visitor has an error id")
            walk.section("What to watch")
            walk.end()

    def certificate(self, name, days):
        files = pathlib.Path("/etc/dmpm/tls")
        files.mkdir(exist_ok=True)
        machine.run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                    "-days", days, "-subj", f"/CN={name}.example", "-addext",
                    f"subjectAltName=DNS:{name}.example", "-keyout", files / f"{name}.key", "-out",
                    files / f"{name}.crt")
        with open("/etc/ssl/certs/ca-certificates.crt", "a", encoding="ascii") as trusted:
            trusted.write((files / f"{name}.crt").read_text(encoding="ascii"))

    def site(self, name):
        pathlib.Path(f"/etc/dmpm/sites.d/{name}.json").write_text(json.dumps({
            "groups": {name: {
                "permissions": {"user": name},
                "worker": {"preset": "php", "document_root": f"/home/{name}/htdocs"}}},
            "virtual_hosts": [{
                "names": [f"{name}.example"], "group": name,
                "tls": {"certificate": f"/etc/dmpm/tls/{name}.crt", "key": f"/etc/dmpm/tls/{name}.key"}}]}))

    def test_what_the_log_says(self):
        """Each `...` of the tables that explain log lines is in the sources."""
        sources = "".join(path.read_text(encoding="utf-8") for folder in SOURCES
                          for path in (page.CHECKOUT / folder).rglob("*.[ch]*"))
        sources = re.sub(r'"\s*\n\s*"', "", sources)  # texts in two pieces
        text = (page.CHECKOUT / "docs/operations.md").read_text(encoding="utf-8")
        text = text[text.index("## When something is wrong"):text.index("## What to watch")]
        quoted = re.findall(r"^\| [\d, ]+ \| ([^|]*) \|", text, re.MULTILINE)
        quoted += re.findall(r"^\| (`[^|]*) \|", text, re.MULTILINE)
        self.assertGreater(len(quoted), 20)
        for cell in quoted:
            for line in re.findall(r"`([^`]*)`", cell):
                self.assertTrue(line in sources or line == "was killed by SIGSYS", line)


if __name__ == "__main__":
    moving.main(unittest.main)
