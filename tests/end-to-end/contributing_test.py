#!/usr/bin/python3
"""docs/contributing.md: its short commands as printed (with this build's directory in place of build/debug),
and that the scripts that it names for the long ones are there."""
import os
import re
import unittest

import harness
import page

BUILD = harness.BIN.parent


class Contributing(unittest.TestCase):
    def test_commands(self):
        commands = [block.text for block in page.blocks("contributing") if block.is_command()]
        self.assertGreater(len(commands), 1)
        for text in commands:
            done = harness.run("/bin/sh", "-euc", text.replace("build/debug", str(BUILD)), check=False,
                               cwd=page.CHECKOUT, env={**os.environ, "DMPM_BIN": str(harness.BIN)})
            self.assertEqual(done.returncode, 0, text + done.stdout + done.stderr)

    def test_scripts(self):
        text = (page.CHECKOUT / "docs/contributing.md").read_text(encoding="utf-8")
        names = set(re.findall(r"\bscripts/[\w-]+", text))
        self.assertGreater(len(names), 10)
        for name in names:
            with self.subTest(name):
                said = harness.run(page.CHECKOUT / name, "--help").stdout
                self.assertRegex(said, "(?i)usage|options")
        folders = set(re.findall(r"^\| `([\w-]+)/`", text, re.MULTILINE))
        self.assertTrue({"base", "master", "proxy"} < folders)
        for folder in folders:
            self.assertTrue((page.CHECKOUT / folder).is_dir(), folder)


if __name__ == "__main__":
    harness.main()
