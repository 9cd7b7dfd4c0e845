#!/usr/bin/python3
"""packaging/metrics/: promtool accepts the rules, each alert fires when it should, and nothing there
speaks of a number that dmpm-metrics does not tell."""
import json
import re
import subprocess
import unittest

import harness
from harness import METRICS, Dmpm
from scrape import Scrape

FILES = harness.HERE.parent.parent / "packaging/metrics"


class Packaging(unittest.TestCase):
    def promtool(self, *arguments):
        answer = subprocess.run(["promtool", *arguments], cwd=FILES, capture_output=True, text=True,
                                check=False)
        self.assertEqual(answer.returncode, 0, answer.stdout + answer.stderr)
        return answer.stdout

    def test_the_rules_are_right(self):
        self.assertIn("9 rules found", self.promtool("check", "rules", "dmpm-alerts.yml"))
        self.assertIn("SUCCESS", self.promtool("test", "rules", "dmpm-alerts-test.yml"))
        self.promtool("check", "config", "prometheus.yml")

    def test_every_alert_is_tested(self):
        alerts = set(re.findall(r"alert: (\w+)", (FILES / "dmpm-alerts.yml").read_text()))
        wrong = (FILES / "dmpm-alerts-test.yml").read_text().split("everything is wrong")[1]
        self.assertEqual(set(re.findall(r"alertname: (\w+)", wrong)), alerts)

    def test_every_name_is_told(self):
        with Dmpm(metrics={"user": METRICS}) as dmpm:
            dmpm.get("a.test")
            told = {name for name, _ in Scrape.of(dmpm).numbers}
        for file in ("dmpm-alerts.yml", "grafana-dashboard.json"):
            named = set(re.findall(r"\bdmpm_[a-z_0-9]+", (FILES / file).read_text()))
            self.assertEqual(named - told, set(), file)

    def test_the_dashboard_is_whole(self):
        dashboard = json.loads((FILES / "grafana-dashboard.json").read_text())
        places = set()
        for panel in dashboard["panels"]:
            place = panel["gridPos"]
            cells = {(x, y) for x in range(place["x"], place["x"] + place["w"])
                     for y in range(place["y"], place["y"] + place["h"])}
            self.assertFalse(cells & places, panel["title"])
            self.assertLessEqual(place["x"] + place["w"], 24)
            places |= cells
            self.assertTrue(panel["targets"])


if __name__ == "__main__":
    harness.main()
