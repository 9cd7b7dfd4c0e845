#!/usr/bin/python3
"""Completion offers exactly what the program takes: commands, options, and the words that options may
have. bash is run; zsh's file is read, since zsh need not be there."""
import os
import pathlib
import re
import subprocess
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
PROGRAM = pathlib.Path(os.environ.get("DMPM_BIN", ROOT / "build/debug/bin")) / "dmpm"
COMPLETION = ROOT / "packaging/completion"


def help_of(*arguments):
    return subprocess.run([PROGRAM, *arguments, "--help"], check=True, capture_output=True,
                          text=True).stdout


def commands():
    return re.findall(r"^  dmpm ([a-z][a-z-]*)", help_of(), re.MULTILINE)


def options(command):
    """{option: takes a value}"""
    found = re.findall(r"^  (--[a-z-]+)( [A-Z]+)? ", help_of(command), re.MULTILINE)
    return {name: bool(value) for name, value in found}


def words(text):
    """Those of a list in a sentence: "a, b or c"."""
    return set(re.split(r", | or ", text))


def complete(*line):
    """What bash offers for the last word."""
    script = (f'source "{COMPLETION}/dmpm.bash"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _dmpm; '
              'printf "%s\\n" "${COMPREPLY[@]}"')
    done = subprocess.run(["bash", "-c", script, "bash", "dmpm", *line], check=True,
                          capture_output=True, text=True)
    if done.stderr:
        raise AssertionError(done.stderr)
    return set(done.stdout.split())


class Bash(unittest.TestCase):
    def test_commands(self):
        self.assertEqual(complete(""), {*commands(), "--help", "--version"})
        self.assertEqual(complete("st"), {"status", "stop"})
        self.assertEqual(complete("nonsense"), set())

    def test_options(self):
        for command in commands():
            with self.subTest(command):
                self.assertEqual(complete(command, ""), {*options(command), "--help"})
        self.assertEqual(complete("status", "--js"), {"--json"})
        self.assertEqual(complete("nonsense", ""), set())

    def test_words_of_options(self):
        status, add_site = help_of("status"), help_of("add-site")
        sort = re.search(r"--sort KEY +by (.*)", status)[1]
        self.assertEqual(complete("status", "--sort", ""), words(sort))
        state = re.search(r"--state STATE +groups that are (.*)", status)[1]
        self.assertEqual(complete("status", "--state", ""), words(state))
        preset = re.search(r"--preset PRESET +(.*);", add_site)[1]
        self.assertEqual(complete("add-site", "--preset", ""), words(preset))
        self.assertIn("root", complete("add-site", "--user", "roo"))
        # The program itself agrees.
        for key in words(sort):
            done = subprocess.run([PROGRAM, "status", "--sort", key, "--runtime-directory", "/nonexistent"],
                                  check=False, capture_output=True)
            self.assertEqual(done.returncode, 1)

    def test_files(self):
        self.assertIn("/etc/passwd", complete("check", "--config", "/etc/passw"))
        self.assertIn("/etc", complete("stop", "--runtime-directory", "/et"))

    def test_every_option_with_a_value_has_a_case(self):
        for command in commands():
            for option, takes_value in options(command).items():
                if takes_value and option != "--group":
                    with self.subTest(f"{command} {option}"):
                        self.assertNotIn("--help", complete(command, option, ""))


class Zsh(unittest.TestCase):
    def test_the_same_commands_and_options(self):
        text = (COMPLETION / "_dmpm").read_text(encoding="ascii")
        self.assertEqual(re.findall(r"^  '([a-z-]+):", text, re.MULTILINE), commands())
        everything = set().union(*(options(command) for command in commands()))
        self.assertEqual(set(re.findall(r"--[a-z-]+", text)), {*everything, "--help"})


if __name__ == "__main__":
    unittest.main(verbosity=2)
