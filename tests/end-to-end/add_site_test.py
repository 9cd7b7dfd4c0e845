#!/usr/bin/python3
"""dmpm add-site: from few words to a site that is served, and nothing written when a word is wrong;
dmpm check, what it warns of on a real machine."""
import os
import pathlib
import stat
import subprocess
import unittest

import harness
from harness import ALICE, BOB, Dmpm


class AddSite(unittest.TestCase):
    def setUp(self):
        self.dmpm = Dmpm()
        self.addCleanup(self.dmpm.kill)
        self.sites = self.dmpm.directory / "sites.d"
        self.sites.mkdir()
        self.dmpm.settings["include"] = [f"{self.sites}/*.json"]
        self.dmpm.write_config()
        self.root = self.dmpm.directory / "htdocs"
        self.root.mkdir()

    def add(self, *words, document_root=None):
        return self.dmpm.command("add-site", *words, "--config", self.dmpm.config_file, "--user", ALICE,
                                 "--document-root", document_root or self.root)

    def assert_nothing_written(self):
        self.assertEqual(list(self.sites.iterdir()), [])

    def test_a_site_is_served(self):
        (self.root / "index.html").write_text("it works", encoding="ascii")
        (self.root / "index.html").chmod(0o644)
        self.root.chmod(0o755)
        pair = self.dmpm.authority.certificate("new.test", "www.new.test")
        with self.dmpm:
            self.assertEqual(self.dmpm.get("a.test").status, 200)
            answer = self.dmpm.command(
                "add-site", "new.test", "www.new.test", "--user", ALICE, "--document-root", self.root,
                "--certificate", pair["certificate"], "--key", pair["key"])
            file = self.sites / "new.test.json"
            self.assertEqual((answer.returncode, answer.stderr), (0, ""))
            self.assertEqual(answer.stdout, f"{file} is written; `dmpm reload` puts it in force\n")
            found = file.stat()
            self.assertEqual((stat.S_IMODE(found.st_mode), found.st_uid), (0o644, 0))
            self.assertEqual([p.name for p in self.sites.iterdir()], ["new.test.json"])
            self.assertEqual(self.dmpm.command("reload").returncode, 0)
            for name in ("new.test", "www.new.test"):
                answer = self.dmpm.get(name)
                self.assertEqual((answer.status, answer.body), (200, b"it works"))

    def test_every_preset_is_understood(self):
        for preset in ("static", "php", "apache", "node", "python"):
            answer = self.add(f"{preset}.test", "--preset", preset)
            self.assertEqual(answer.returncode, 0)
            for line in answer.stderr.splitlines():
                self.assertRegex(line, rf"^{self.sites}/{preset}\.test\.json:\d+:\d+: warning: ")
        check = harness.run(harness.BIN / "dmpm", "check", "--config", self.dmpm.config_file)
        self.assertIn("OK: 7 groups, 7 virtual hosts", check.stdout)

    def test_what_will_be_missed_is_said(self):
        answer = self.add("new.test", document_root="/nonexistent/htdocs")
        self.assertEqual(answer.returncode, 0)
        self.assertRegex(answer.stderr, rf"{self.sites}/new\.test\.json:\d+:\d+: warning: .*no certificate")
        self.assertIn("/nonexistent/htdocs", answer.stderr)

    def test_what_is_there_is_not_touched(self):
        self.assertEqual(self.add("new.test").returncode, 0)
        before = (self.sites / "new.test.json").read_bytes()
        answer = self.add("other.test", "--group", "new.test")
        self.assertEqual(answer.returncode, 1)
        self.assertEqual(answer.stderr, f"dmpm: {self.sites}/new.test.json: File exists\n")
        self.assertEqual((self.sites / "new.test.json").read_bytes(), before)
        self.assertEqual(len(list(self.sites.iterdir())), 1)
        # A link that leads nowhere is somebody's as well.
        (self.sites / "link.json").symlink_to("/nonexistent")
        self.assertEqual(self.add("link.test", "--group", "link").returncode, 1)

    def test_what_the_loader_refuses_is_not_written(self):
        cases = {
            ("a.test",): rf'{self.sites}/a.test.json:\d+:\d+: the name "a.test" is taken already, at ',
            ("new.test", "--group", "alice"): r'the group "alice" is taken already',
            ("new.test", "--preset", "perl"): r'"preset" must be "static", "php"',
            ("new.test", "--certificate", "/nonexistent", "--key", "/nonexistent"): "nonexistent",
        }
        for words, expected in cases.items():
            with self.subTest(words):
                answer = self.add(*words)
                self.assertEqual((answer.returncode, answer.stdout), (1, ""))
                self.assertRegex(answer.stderr, expected)
                self.assertTrue(answer.stderr.endswith("dmpm: no site is added\n"), answer.stderr)
                self.assert_nothing_written()
        answer = self.add("new.test", document_root="htdocs")
        self.assertRegex(answer.stderr, r'"document_root" must be an absolute path')
        answer = self.dmpm.command("add-site", "new.test", "--config", self.dmpm.config_file, "--user",
                                   "root", "--document-root", self.root)
        self.assertRegex(answer.stderr, r'"user" must not be "root"')
        self.assert_nothing_written()

    def test_hostile_words(self):
        for words in (("new.test\n",), ("../new",), ("x" * 300,), ("",), ("new.test", "--group", "../x"),
                      ("new.test", "--group", "x/y"), ("new.test", "--group", ".x"),
                      ("new.test", "--preset", "static\", \"command\": [\"/bin/sh\"]\n"),
                      ("new.test", "--certificate", "/x\x1b[2J", "--key", "/y")):
            with self.subTest(words):
                answer = self.add(*words)
                self.assertEqual((answer.returncode, answer.stdout), (2, ""))
                self.assertNotIn("\x1b", answer.stderr)
                self.assert_nothing_written()
        # Quotes end nothing: they are part of a path.
        answer = self.add("new.test", document_root='/srv/", "user": "root')
        self.assertEqual(answer.returncode, 1)
        self.assertRegex(answer.stderr, r'"document_root" must be text without')
        self.assert_nothing_written()

    def test_where_there_is_no_place_for_it(self):
        for include in ([], ["/etc/dmpm/*/x.json"], [f"{self.sites}/*"]):
            self.dmpm.settings["include"] = include
            self.dmpm.write_config()
            answer = self.add("new.test")
            self.assertEqual(answer.returncode, 1)
            self.assertIn("includes no directory of site files", answer.stderr)
        self.dmpm.settings["include"] = [f"{self.sites}/none/*.json"]
        self.dmpm.write_config()
        self.assertIn("No such file or directory", self.add("new.test").stderr)
        self.dmpm.write_config('{ "nonsense": 1 }')
        self.assertIn("is wrong: no site is added", self.add("new.test").stderr)

    def test_another_wrong_site_keeps_nobody_from_adding_one(self):
        (self.sites / "wrong.json").write_text("{ nonsense", encoding="ascii")
        self.assertEqual(self.add("new.test").returncode, 0)


class Warnings(unittest.TestCase):
    def check(self, dmpm):
        return subprocess.run([harness.BIN / "dmpm", "check", "--config", dmpm.config_file], check=False,
                              capture_output=True, text=True)

    def test_warnings_do_not_change_the_exit_status(self):
        dmpm = Dmpm()
        self.addCleanup(dmpm.kill)
        dmpm.write_config()
        answer = self.check(dmpm)
        self.assertEqual((answer.returncode, answer.stderr), (0, ""))
        self.assertEqual(answer.stdout, f"{dmpm.config_file}: OK: 2 groups, 2 virtual hosts\n")
        dmpm.settings["virtual_hosts"][0]["names"].append("*.a.test")
        key = pathlib.Path(dmpm.settings["virtual_hosts"][1]["tls"]["key"])
        key.chmod(0o644)
        dmpm.settings["groups"]["bob"]["worker"]["command"][0] = "/nonexistent"
        dmpm.write_config()
        answer = self.check(dmpm)
        self.assertEqual(answer.returncode, 0)
        self.assertEqual(answer.stdout, f"{dmpm.config_file}: OK: 2 groups, 2 virtual hosts, 3 warnings\n")
        lines = answer.stderr.splitlines()
        self.assertEqual(len(lines), 3, lines)
        place = rf"^{dmpm.config_file}:\d+:\d+: warning: "
        self.assertRegex(lines[0], place + r"the certificate .*a\.test\.crt is not for \*\.a\.test, but for a\.test$")
        self.assertRegex(lines[1], place + r"the private key .*b\.test\.key can be read by every user")
        self.assertRegex(lines[2], place + "there is no program /nonexistent$")

    def test_a_home_that_others_can_read(self):
        dmpm = Dmpm()
        self.addCleanup(dmpm.kill)
        dmpm.write_config()
        home = pathlib.Path(harness.pwd.getpwnam(BOB).pw_dir)
        if home.exists():
            self.skipTest(f"{home} is there")
        home.mkdir()
        self.addCleanup(home.rmdir)
        harness.shutil.chown(home, BOB, BOB)
        for mode, word in ((0o700, None), (0o711, None), (0o755, "read"), (0o777, "written")):
            home.chmod(mode)
            answer = self.check(dmpm)
            self.assertEqual(answer.returncode, 0)
            if word:
                self.assertRegex(answer.stderr, f'warning: the home directory {home} of "{BOB}" can be {word}')
            else:
                self.assertEqual(answer.stderr, "")


if __name__ == "__main__":
    harness.main()
