#!/usr/bin/python3
"""Malformed configurations through the program: each is refused with file:line:column, a message of
its own and a status other than 0, and nothing is started. (The big table is in tests/config.)"""
import json
import re
import unittest

import harness
from harness import BIN, Dmpm

# What is wrong -> (how the text is changed, what the message must mention).
CASES = {
    "no JSON": (lambda text: text[:-5], None),
    "unknown key": (lambda text: text.replace('"listen"', '"lisen": 1, "listen"', 1), "lisen"),
    "duplicate key": (lambda text: text.replace('"listen"', '"groups": {}, "listen"', 1), "groups"),
    "wrong type": (lambda text: text.replace('"processes": 1', '"processes": "many"'), "processes"),
    "bad address": (lambda text: text.replace("127.0.0.1:0", "localhost"), "localhost"),
    "missing user": (lambda text: text.replace('"user": "dmpm-t-alice"', '"user": "dmpm-t-nobody"'),
                     "dmpm-t-nobody"),
    "root as user": (lambda text: text.replace('"user": "dmpm-t-alice"', '"user": "root"'), "root"),
    "duplicate host": (lambda text: text.replace('"b.test"', '"a.test"'), "a.test"),
    "unknown group": (lambda text: text.replace('"group": "bob",\n      "tls"',
                                                '"group": "carol",\n      "tls"'), "carol"),
    "missing certificate": (lambda text: text.replace("b.test.crt", "c.test.crt"), "c.test.crt"),
    "relative command": (lambda text: text.replace('"/usr/bin/python3"', '"python3"', 1), "python3"),
    "bad duration": (lambda text: text.replace('"idle_timeout": "60s"', '"idle_timeout": "soon"', 1),
                     "soon"),
    "bad host name": (lambda text: text.replace('"b.test"', '"b test"'), "b test"),
    "no list": (lambda text: text.replace('"virtual_hosts": [', '"virtual_hosts": 7, "x": ['),
                "virtual_hosts"),
}


class MalformedConfiguration(unittest.TestCase):
    def setUp(self):
        self.dmpm = Dmpm(groups=harness.two_sites(idle_timeout="60s"))
        self.addCleanup(self.dmpm.kill)
        self.good = json.dumps(self.dmpm.settings, indent=2)

    def dmpm_says(self, command):
        result = harness.run(BIN / "dmpm", command, "--config", self.dmpm.config_file, check=False,
                             timeout=harness.DEADLINE)
        self.assertIsNone(harness.SANITIZER.search(result.stderr), result.stderr)
        return result

    def test_the_good_one_is_good(self):
        self.dmpm.write_config(self.good)
        result = self.dmpm_says("check")
        self.assertEqual(result.returncode, 0, result.stderr)

    def test_each_is_refused_and_starts_nothing(self):
        messages = {}
        for name, (change, mention) in CASES.items():
            with self.subTest(name):
                text = change(self.good)
                self.assertNotEqual(text, self.good)
                self.dmpm.write_config(text)
                for command in ("check", "run"):
                    result = self.dmpm_says(command)
                    self.assertNotEqual(result.returncode, 0)
                    said = result.stdout + result.stderr
                    where = re.search(rf"{self.dmpm.config_file}:\d+:\d+: (.+)", said)
                    self.assertTrue(where, said)
                    if mention:
                        self.assertIn(mention, where[1])
                self.assertFalse(self.dmpm.runtime.exists())
                self.assertFalse(self.dmpm.logs.exists())
                self.assertNotIn(where[1], messages.values())
                messages[name] = where[1]

    def test_a_file_that_others_may_write_is_refused(self):
        self.dmpm.write_config(self.good)
        self.dmpm.config_file.chmod(0o666)
        result = self.dmpm_says("check")
        self.assertNotEqual(result.returncode, 0)
        self.assertIn(str(self.dmpm.config_file), result.stdout + result.stderr)

    def test_a_missing_file(self):
        result = self.dmpm_says("run")
        self.assertNotEqual(result.returncode, 0)
        self.assertIn(str(self.dmpm.config_file), result.stdout + result.stderr)


if __name__ == "__main__":
    harness.main()
