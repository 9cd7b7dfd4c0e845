#!/usr/bin/python3
"""The manual pages: mandoc finds nothing wrong with them, they leave out no command, option or key, and
what they print as an example works."""
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

import completion_test
from completion_test import ROOT

PAGES = ROOT / "docs/man"


def text_of(page):
    """As it is read, without overstrikes."""
    shown = subprocess.run(["mandoc", "-Tutf8", "-O", "width=200", PAGES / page], check=True,
                           capture_output=True, text=True).stdout
    return re.sub(r".\x08", "", shown)


def code_of(page, start):
    """The example that begins with that line."""
    source = (PAGES / page).read_text(encoding="utf-8")
    for block in re.findall(r"^\.Bd -literal.*\n((?:.*\n)*?)\.Ed$", source, re.MULTILINE):
        if block.startswith(start):
            return block.replace("\\e", "\\").replace("\\-", "-")
    raise AssertionError(f"no example of {page} begins with {start!r}")


class Manual(unittest.TestCase):
    def test_mandoc_has_nothing_against_it(self):
        pages = sorted(PAGES.glob("*.[1-9]"))
        self.assertEqual([page.name for page in pages],
                         ["dmpm-permission-module.3", "dmpm-worker-adapter.8", "dmpm.8", "dmpm.json.5"])
        done = subprocess.run(["mandoc", "-Tlint", "-Wwarning", *pages], check=False,
                              capture_output=True, text=True)
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""))

    def test_every_command_and_option(self):
        page = text_of("dmpm.8")
        for command in completion_test.commands():
            self.assertRegex(page, rf"(?m)^ *dmpm (?:[a-z]+ \| )*{command}\b", command)
            for option in completion_test.options(command):
                self.assertIn(option, page)
        documented = set(re.findall(r"--[a-z][a-z-]+", page))
        known = set().union(*(completion_test.options(c) for c in completion_test.commands()))
        self.assertEqual(documented, {*known, "--help", "--version"})
        for key in completion_test.complete("status", "--sort", ""):
            self.assertIn(key, page)

    def test_every_key(self):
        """config/schema.json has every key, which a test of config/ holds it to."""
        page = text_of("dmpm.json.5")
        pages = page + text_of("dmpm-worker-adapter.8")  # which has those of presets
        keys = self.keys_of(json.loads((ROOT / "config/schema.json").read_text(encoding="ascii")))
        self.assertGreater(len(keys), 60)
        for key in keys:
            self.assertRegex(pages, rf"\b{key}\b")
        for module in sorted((ROOT / "master/modules").glob("*.cc")):
            self.assertRegex(page, rf"\b{module.stem}\b")

    def keys_of(self, schema):
        """Without modules' settings, which docs/permission-modules.md has."""
        if isinstance(schema, list):
            return set().union(*map(self.keys_of, schema))
        if not isinstance(schema, dict):
            return set()
        below = {key: value for key, value in schema.items() if key != "modules"}
        return set(schema.get("properties", {})).union(*map(self.keys_of, below.values()))

    def test_every_key_of_presets(self):
        page = text_of("dmpm-worker-adapter.8")
        table = (ROOT / "worker-adapter/README.md").read_text(encoding="utf-8").split("## Presets")[1]
        keys = re.findall(r"^\| `([a-z_]+)` \|", table, re.MULTILINE)
        self.assertGreater(len(keys), 10)
        for key in keys:
            self.assertRegex(page, rf"\b{key}\b")

    def test_the_module_compiles(self):
        with tempfile.TemporaryDirectory() as directory:
            source = pathlib.Path(directory) / "nice.c"
            (pathlib.Path(directory) / "dmpm").symlink_to(ROOT / "master")  # as it is installed
            source.write_text(code_of("dmpm-permission-module.3", "#include"), encoding="ascii")
            subprocess.run(["cc", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-fvisibility=hidden",
                            "-I", directory, "-o", source.with_suffix(".so"), source], check=True)

    def test_the_configuration_is_understood(self):
        text = code_of("dmpm.json.5", "{")
        with tempfile.TemporaryDirectory() as directory:
            file = pathlib.Path(directory) / "dmpm.json"
            file.write_text(text, encoding="ascii")
            os.chmod(directory, 0o755)
            done = subprocess.run([completion_test.PROGRAM, "check", "--config", file], check=False,
                                  capture_output=True, text=True)
        # Users and files of that name need not be there; all else has to be right.
        for line in done.stderr.splitlines():
            self.assertRegex(line, r"(user|group) \"[a-z-]+\"|/etc/dmpm", line)

    def test_the_commands_are_understood(self):
        for start in ("dmpm add-site", "dmpm explain"):
            for line in code_of("dmpm.8", start).replace("\\\n", "").splitlines():
                with self.subTest(line):
                    words = line.split()
                    self.assertEqual(words[0], "dmpm")
                    done = subprocess.run([completion_test.PROGRAM, *words[1:], "--runtime-directory",
                                           "/nonexistent"], check=False, capture_output=True, text=True)
                    self.assertEqual(done.returncode, 1, done.stderr)  # 2: wrong arguments


if __name__ == "__main__":
    if not shutil.which("mandoc"):
        print("*** SKIPPED: mandoc is not installed (scripts/install-dependencies) ***", file=sys.stderr)
        sys.exit(77)
    unittest.main(verbosity=2)
