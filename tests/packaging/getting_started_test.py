#!/usr/bin/python3
"""docs/getting-started.md as a new user follows it, on a machine of its own: each command and each file as
printed, and what is printed as an answer is the answer. systemd's part is done by hand."""
import os
import pathlib
import shutil
import subprocess
import sys
import time
import unittest

import machine
import package

if __name__ == "__main__":
    machine.enter()

# pylint: disable=wrong-import-position
import harness
import page


class GettingStarted(unittest.TestCase):
    def setUp(self):
        self.service = None
        self.log = open("/tmp/dmpm-service", "w+", encoding="utf-8")
        self.addCleanup(self.log.close)
        os.makedirs("/root/new", exist_ok=True)
        shutil.copy(package.path(), "/root/new")
        self.addCleanup(self.stop)

    def stop(self):
        if self.service:
            self.assertEqual(harness.run("dmpm", "stop").returncode, 0)
            self.assertEqual(self.service.wait(harness.DEADLINE), 0)

    def start_as_systemd_does(self):
        """Once the package is there."""
        if self.service or not package.state():
            return
        self.service = subprocess.Popen(package.service_command(), stdin=subprocess.DEVNULL,
                                        stdout=self.log, stderr=self.log, cwd="/")
        harness.eventually(lambda: pathlib.Path("/tmp/dmpm-service").read_text(encoding="utf-8")
                           .endswith("ready\n"), "dmpm serves")

    def run_as_printed(self, text):
        done = subprocess.run(["/bin/sh", "-ec", text], cwd="/root/new", text=True, check=False,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE)
        self.assertEqual(done.returncode, 0, (text, done.stdout, done.stderr))
        return done.stdout

    def write_as_printed(self, path, text):
        pathlib.Path(path).write_text(text, encoding="utf-8")

    def test_the_page(self):
        blocks = page.blocks("getting-started")
        self.assertGreater(len(blocks), 15)
        answers, said, started = 0, None, time.monotonic()
        for block in blocks:
            if block.path:
                self.write_as_printed(block.path, block.text)
            elif block.is_command():
                said = self.run_as_printed(block.text)
                self.start_as_systemd_does()
            else:
                self.assertEqual((block.kind, said), ("text", block.text))
                answers += 1
        self.assertGreaterEqual(answers, 4)
        print(f"{time.monotonic() - started:.1f} s without reading and typing", file=sys.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)
