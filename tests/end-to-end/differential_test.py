#!/usr/bin/python3
"""What the dispatcher forwards means the same to nginx, Apache, lighttpd and Node.

Each case of differential_cases.py goes through dmpm to a worker that keeps the raw bytes. These are then
given to each real server, followed at once by one more request: a server that sees another boundary sees
another number of requests, or another last one.
"""
import shutil
import unittest

import harness
from differential_cases import CASES
from harness import ALICE, Dmpm, group
from real_servers import PROGRAMS, RealServers, Record

LAST = b"GET /last HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n"


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
        expected = self.parse(case, raw)
        with servers.connect(name) as connection:
            # Behind an upgrade dmpm sends nothing before it has the answer; else the last request comes
            # at once, to be seen wherever a server takes the end to be.
            upgrade = b"\r\nUpgrade: " in raw
            connection.send(raw if upgrade else raw + LAST)
            for number, record in enumerate(expected):
                answer = self.answer(connection, record)
                if name in case.refused and (answer is None or not answer.header("x-record")):
                    return "refused"
                self.assertIsNotNone(answer, f"no answer to request {number}")
                understood = Record.from_answer(answer)
                self.assertIsNotNone(understood, f"request {number}: {answer}")
                self.assertEqual(record.differences(understood), [], f"request {number}")
            # Apache ends the connection behind a body that it did not have to ask for with a 100.
            if (answer.header("connection") or "").lower() != "close":
                self.check_last(connection, upgrade)
            self.assertTrue(connection.at_end(), "there are more answers than requests")
        return "understood"

    def check_last(self, connection, upgrade):
        if upgrade:
            connection.send(LAST)
        last = Record.from_raw(LAST)[0]
        self.assertEqual(last.differences(Record.from_answer(connection.answer())), [])

    @staticmethod
    def answer(connection, record):
        try:
            return connection.answer(record.method)
        except (ConnectionError, TimeoutError):
            return None

    @unittest.skipIf(missing_programs(), f"not installed: {missing_programs()}")
    def test_all_servers_understand_the_same(self):
        dmpm = Dmpm(groups={"alice": group(ALICE, ["/usr/bin/python3", "-IS",
                                                   "{top}/recording_worker.py"])},
                    hosts={"a.test": "alice"}, listen=[{"address": "127.0.0.1:0"}])
        shutil.copy(harness.HERE / "recording_worker.py", dmpm.directory)
        counts = {name: {"understood": 0, "refused": 0} for name in PROGRAMS}
        with dmpm, RealServers(dmpm.directory / "servers") as servers:
            for case in CASES:
                with self.subTest(case.name):
                    raw = self.forward(dmpm, case)
                    for name in PROGRAMS:
                        with self.subTest(case.name, server=name):
                            counts[name][self.check(servers, name, case, raw)] += 1
        print(f"{len(CASES)} cases:", counts)


if __name__ == "__main__":
    harness.main()
