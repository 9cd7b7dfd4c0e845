#!/usr/bin/python3
"""scripts/cold-start and scripts/replay-keep-warm with little to do: they say what they are to say."""
import pathlib
import re
import subprocess
import sys
import unittest

import harness
import visits
from cold_start_sites import SITES

MIB = 1 << 20


def said_by(script, *options):
    done = subprocess.run([sys.executable, "-B", harness.HERE / script, *map(str, options)],
                          capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise AssertionError(done.stdout + done.stderr)
    return done.stdout


class ColdStart(unittest.TestCase):
    def test_each_site_is_measured_in_each_way(self):
        said = said_by("cold_start.py", "--rounds", 1, "--groups", 10, 20, "--pools", 1, 2)
        for site in SITES:
            rows = re.findall(rf"^\| {re.escape(site.title)} \| (.*) \|$", said, re.MULTILINE)
            self.assertEqual(len(rows), 2, said)
            times = re.findall(r"\*\*([0-9.]+)\*\*", rows[0])
            self.assertEqual(len(times), 4, rows[0])
            self.assertNotIn("0.0", times)
        for pools in ("1 pool", "2 pools"):
            self.assertRegex(said, rf"(?m)^\| nginx \+ php-fpm ondemand, {pools} \| ")
        installed = (pathlib.Path("/usr/lib/apache2/modules/mpm_itk.so")).exists()
        self.assertEqual("mpm-itk" in said, installed)


class KeepWarm(unittest.TestCase):
    def test_who_stays_meets_more(self):
        said = said_by("replay_keep_warm.py", "--sites", 10, "--visits", 40, "--seconds", 4, "--memory",
                       2048)
        shares = [float(share) for share in re.findall(r"^\| .*? \| ([0-9.]+)%", said, re.MULTILINE)]
        self.assertEqual(len(shares), 2, said)
        self.assertLess(shares[0], shares[1], said)

    def test_the_day_is_the_same_each_time_and_skewed(self):
        day = visits.a_day(1, 100, 2000, 1.0)
        self.assertEqual(day, visits.a_day(1, 100, 2000, 1.0))
        self.assertNotEqual(day, visits.a_day(2, 100, 2000, 1.0))
        self.assertEqual([request.time for request in day], sorted(request.time for request in day))
        self.assertEqual(sum(request.first for request in day), 2000)
        of_first = sum(request.site == 0 for request in day)
        self.assertGreater(of_first, sum(request.site == 49 for request in day))
        by_night = sum(2 <= request.time / 3600 < 6 for request in day)
        self.assertGreater(sum(14 <= request.time / 3600 < 18 for request in day), 3 * by_night)

    def met(self, sites, times, sizes, budget):
        requests = [visits.Request(time, site, True) for time, site in zip(times, sites)]
        return visits.meet_warm(requests, [size * MIB for size in sizes], 60, budget * MIB)

    def test_the_calculation(self):
        # Within idle_timeout, and beyond it with room and without.
        self.assertEqual(self.met([0, 0, 0], [0, 59, 120], [1], 0), [False, True, False])
        self.assertEqual(self.met([0, 0], [0, 5000], [1], 4), [False, True])
        # The longest idle gives way.
        self.assertEqual(self.met([0, 1, 2, 3, 4, 0, 4], [0, 1, 2, 3, 4, 500, 501], [1] * 5, 4),
                         [False] * 6 + [True])
        # Nobody may have more than a quarter.
        self.assertEqual(self.met([0, 0], [0, 100], [2], 4), [False, False])


if __name__ == "__main__":
    harness.main()
