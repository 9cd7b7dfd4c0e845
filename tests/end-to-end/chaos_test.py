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
from chaos_soak import Flatness, Sample

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

    def test_idle_stops_raced_by_requests_in_the_same_instant(self):
        result = self.run_one("idle")
        self.assertEqual(result.failed, [])
        self.assertGreaterEqual(result.counts["stopped"], chaos.IDLE_STOPS)
        self.assertGreater(result.counts["kept"], 0)  # some came in time

    def test_all_of_it_at_once(self):
        result = self.run_one("soak")
        print(result.flat.table())
        self.assertEqual(result.unexplained, [])
        # In seconds everything grows, and the parts of upgrades overlap.
        if OPTIONS.seconds >= 60:
            self.assertEqual(result.flat.problems(), [])


class Flat(unittest.TestCase):
    """The rule by which the soak judges must be one that can be broken."""

    @staticmethod
    def samples(memory=lambda when, age: 4000, descriptors=lambda when, age: 30, life=600):
        return [Sample(when, kind, when // life, memory(when, when % life), descriptors(when, when % life))
                for when in range(600) for kind in ("master", "dispatcher", "keyholder", "logger")]

    def problems(self, **how):
        return Flatness(self.samples(**how), judge_memory=True).problems()

    def test_what_is_flat(self):
        self.assertEqual(self.problems(), [])
        self.assertEqual(self.problems(memory=lambda when, _: 4000 + 500 * (when % 2)), [])
        # Grows while it is young.
        self.assertEqual(self.problems(memory=lambda _, age: 4000 + 100 * min(age, 15), life=100), [])

    def test_what_grows_over_the_time(self):
        self.assertIn("master: memory grew from 4745 to 9245",
                      [p.replace(".0", "") for p in self.problems(memory=lambda when, _: 4000 + 10 * when)])
        self.assertTrue(self.problems(descriptors=lambda when, _: 30 + when // 20))

    def test_what_grows_in_each_of_its_lives(self):
        leak = self.problems(memory=lambda _, age: 4000 + 10 * age, life=100)
        self.assertEqual(leak[0], "master: memory grows by 600.0 a minute")
        self.assertTrue(self.problems(descriptors=lambda _, age: 30 + age // 10, life=200))

    def test_what_is_not_there(self):
        self.assertEqual(len(Flatness([], judge_memory=True).problems()), 8)


def parse_options():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=OPTIONS.seconds)
    parser.add_argument("--seed", type=int, default=OPTIONS.seed)
    _, rest = parser.parse_known_args(namespace=OPTIONS)
    sys.argv[1:] = rest


if __name__ == "__main__":
    parse_options()
    harness.main()
