#!/usr/bin/python3
"""chaos_long.py SECONDS SEED [SCENARIO...]: what scripts/chaos runs. Prints tables of the results.

SECONDS 0: as long as each should take."""
import sys
import unittest

import chaos
import harness

SECONDS, SEED = float(sys.argv[1]), int(sys.argv[2])
NAMES = sys.argv[3:] or list(chaos.SCENARIOS)
RESULTS = []
LONG = {"soak": 600}  # the others: 120


def case(name):
    def test(self):
        result = chaos.SCENARIOS[name](SECONDS or LONG.get(name, 120), SEED)
        RESULTS.append(result)
        self.assertEqual((result.wrong, result.refused), ([], []))
        self.assertEqual([failure.what for failure in result.unexplained], [])
        if result.flat:
            self.assertEqual(result.flat.problems(), [])
    return test


Chaos = type("Chaos", (unittest.TestCase,), {
    "maxDiff": None, **{
    f"test_{number}_{name}": case(name) for number, name in enumerate(NAMES)}})


def tearDownModule():  # unittest's name for it
    rows = [result.row() for result in RESULTS]
    print(f"\nseed {SEED}\n\n{chaos.Result.HEAD}", *rows, sep="\n")
    for result in RESULTS:
        if result.flat:
            print(f"\n{result.scenario}:\n\n{result.flat.table()}")
    sys.stdout.flush()


if __name__ == "__main__":
    del sys.argv[1:]
    harness.main()
