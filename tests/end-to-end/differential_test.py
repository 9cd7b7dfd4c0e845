#!/usr/bin/python3
"""What the dispatcher forwards means the same to nginx, Apache, lighttpd and Node.

Each case of differential_cases.py goes through dmpm to a worker that keeps the raw bytes. These are then
given to each real server, followed at once by one more request: a server that sees another boundary sees
another number of requests, or another last one.
"""
import collections
import shutil
import unittest

import harness
from differential_cases import CASES
from differential_refusals import RULES, rule_of
from harness import ALICE, Dmpm, group
from real_servers import PROGRAMS, RealServers, Record

LAST = b"GET /last HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n"
LAST_RECORD = Record.from_raw(LAST)[0]


def missing_programs():
    return [name for name, program in PROGRAMS.items()
            if not shutil.which(program, path="/usr/sbin:/usr/bin:/usr/local/bin")]


class Differential(unittest.TestCase):
    def forward(self, dmpm, case):
        """The raw bytes that the worker got for the case."""
        with dmpm.connect_plain() as client:
            client.send(case.raw)
            for method, _, _ in case.meaning:
                answer = client.answer(method)
                self.assertEqual(answer.status, 200, f"dmpm does not accept it: {answer}")
        with dmpm.connect_plain() as client:
            return client.get("a.test", "/take-recorded").body

    def parse(self, case, raw):
        """The records of the forwarded requests, which must mean what the client meant."""
        records, rest = [], raw
        while rest:
            record, rest = Record.from_raw(rest)
            records.append(record)
        self.assertEqual([(r.method, r.target, r.size) for r in records],
                         [(method, target, len(body)) for method, target, body in case.meaning])
        return records

    def check(self, servers, name, case, raw):
        """What the server made of the case: "understood", "refused" or "otherwise"."""
        expected, rule = self.parse(case, raw), rule_of(name, case.name)
        with servers.connect(name) as connection:
            # Behind an upgrade dmpm sends nothing before it has the answer; else the last request comes
            # at once, to be seen wherever a server takes the end to be.
            upgrade = b"\r\nUpgrade: " in raw
            connection.send(raw if upgrade else raw + LAST)
            for number, record in enumerate(expected):
                answer = connection.answer(record.method)
                understood = Record.from_answer(answer)
                if rule is not None and rule.status is not None:
                    self.check_refusal(connection, rule, answer)
                    return "refused"
                self.assertIsNotNone(understood, f"request {number}: {answer}")
                self.assertEqual(record.differences(understood), rule.differences if rule else [],
                                 f"request {number}; expected: {rule}")
            # Apache ends the connection behind a body that it did not have to ask for with a 100.
            if (answer.header("connection") or "").lower() != "close":
                self.check_last(connection, upgrade)
            self.assertTrue(connection.at_end(), "there are more answers than requests")
        return "otherwise" if rule else "understood"

    def check_refusal(self, connection, rule, answer):
        """It is refused as it is expected to be, and what was refused has no other request in it."""
        self.assertIsNone(Record.from_answer(answer), f"it is understood now, so take out: {rule}")
        self.assertEqual(answer.status, rule.status, f"expected: {rule}")
        try:
            last = connection.answer()
        except ConnectionError:
            return
        self.check_is_last(last)
        self.assertTrue(connection.at_end(), "there are more answers than requests")

    def check_last(self, connection, upgrade):
        if upgrade:
            connection.send(LAST)
        self.check_is_last(connection.answer())

    def check_is_last(self, answer):
        record = Record.from_answer(answer)
        self.assertIsNotNone(record, f"the last request: {answer}")
        self.assertEqual(LAST_RECORD.differences(record), [])

    def test_every_rule_is_of_a_case(self):
        names = collections.Counter(case.name for case in CASES)
        self.assertEqual([name for name, count in names.items() if count > 1], [], "cases of one name")
        pairs = collections.Counter((rule.server, case) for rule in RULES for case in rule.cases)
        self.assertEqual([pair for pair, count in pairs.items() if count > 1], [], "two rules for a pair")
        self.assertEqual([pair for pair in pairs if pair[0] not in PROGRAMS or pair[1] not in names], [],
                         "there is no such server or case")

    @unittest.skipIf(missing_programs(), f"not installed: {missing_programs()}")
    def test_all_servers_understand_the_same(self):
        dmpm = Dmpm(groups={"alice": group(ALICE, ["/usr/bin/python3", "-IS",
                                                   "{top}/recording_worker.py"])},
                    hosts={"a.test": "alice"}, listen=[{"address": "127.0.0.1:0"}])
        shutil.copy(harness.HERE / "recording_worker.py", dmpm.directory)
        counts = {name: collections.Counter() for name in PROGRAMS}
        with dmpm, RealServers(dmpm.directory / "servers") as servers:
            for case in CASES:
                with self.subTest(case.name):
                    raw = self.forward(dmpm, case)
                    for name in PROGRAMS:
                        with self.subTest(case.name, server=name):
                            counts[name][self.check(servers, name, case, raw)] += 1
        print(f"{len(CASES)} cases:", {name: dict(count) for name, count in counts.items()})


if __name__ == "__main__":
    harness.main()
