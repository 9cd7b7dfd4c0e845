#!/usr/bin/python3
"""chaos_long.py SECONDS SEED [SCENARIO...]: what scripts/chaos runs. Prints a table of the results."""
import sys
import unittest

import chaos
import harness

SECONDS, SEED = float(sys.argv[1]), int(sys.argv[2])
NAMES = sys.argv[3:] or list(chaos.SCENARIOS)
ROWS = []


def case(name):
    def test(self):
        result = chaos.SCENARIOS[name](SECONDS, SEED)
        ROWS.append(result.row())
        self.assertEqual((result.wrong, result.refused), ([], []))
        self.assertEqual(result.unexplained, [])
    return test


Chaos = type("Chaos", (unittest.TestCase,), {
    f"test_{number}_{name}": case(name) for number, name in enumerate(NAMES)})


def tearDownModule():  # unittest's name for it
    print(f"\nseed {SEED}\n\n{chaos.Result.HEAD}", *ROWS, sep="\n", flush=True)


if __name__ == "__main__":
    del sys.argv[1:]
    harness.main()
