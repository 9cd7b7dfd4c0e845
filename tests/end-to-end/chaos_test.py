#!/usr/bin/python3
"""Each scenario of chaos.py for a few seconds; scripts/chaos runs them long.

chaos_test.py [--seconds N] [--seed N]: 8 seconds and a new seed unless told.
"""
import argparse
import random
import sys
import unittest

import chaos
import harness

OPTIONS = argparse.Namespace(seconds=8, seed=random.randrange(1 << 30))


class Chaos(unittest.TestCase):
    def run_one(self, name):
        print(f"\n{name}: seed {OPTIONS.seed}, {OPTIONS.seconds} s", flush=True)
        result = chaos.SCENARIOS[name](OPTIONS.seconds, OPTIONS.seed)
        print(result.row())
        self.assertEqual(result.wrong, [])
        self.assertEqual(result.refused, [])
        self.assertGreater(min(result.counts["h1"], result.counts["h2"]), 20)
        return result

    def test_a_reload_each_second(self):
        self.assertEqual(self.run_one("reload").failed, [])

    def test_a_kill_each_second(self):
        self.assertEqual(self.run_one("kill").unexplained, [])

    def test_upgrades(self):
        self.assertEqual(self.run_one("upgrade").failed, [])


def parse_options():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=OPTIONS.seconds)
    parser.add_argument("--seed", type=int, default=OPTIONS.seed)
    _, rest = parser.parse_known_args(namespace=OPTIONS)
    sys.argv[1:] = rest


if __name__ == "__main__":
    parse_options()
    harness.main()
