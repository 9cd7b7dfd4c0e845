#!/usr/bin/python3
"""What a request or a response means does not depend on the client's protocol.

Each case of meanings.py goes through a whole dmpm twice: as raw HTTP/1.1 over TLS and as HTTP/2 frames.
What reaches the worker is compared byte for byte, what reaches the client message for message. Only what
meanings.py names with a reason may differ."""
import contextlib
import dataclasses
import shutil

import harness
import meanings
import meanings_http2
from harness import ALICE, BOB, CAROL, Dmpm
from http2_frames import INTERNAL_ERROR, PROTOCOL_ERROR
from meanings import AT_THE_CLIENT, AT_THE_WORKER, REQUESTS, RESPONSES, SITES, STRICTER, translated
from meanings_answers import answer
from meanings_clients import Http1Side, Http2Side
from meanings_http2 import REJECTIONS
from meanings_messages import Seen, read_message
from meanings_more import request
from meanings_worker import Lenders, WorkerPlay


class Site(Dmpm):
    """Four sites under one certificate, whose workers this test plays."""

    def __init__(self):
        users = {"alice": ALICE, "bob": BOB, "carol": CAROL, "trusting": ALICE}
        command = ["/usr/bin/python3", "-IS", "{top}/lending_worker.py", "{home}/lend"]
        groups = {name: harness.group(user, command, min_workers=1) for name, user in users.items()}
        groups["trusting"]["forward_trailers"] = True
        super().__init__(groups, SITES)
        shutil.copy(harness.HERE / "lending_worker.py", self.directory)
        (self.directory / "lending_worker.py").chmod(0o644)
        shared = self.authority.certificate("a.test", *SITES)
        for host in self.settings["virtual_hosts"]:
            host["tls"] = shared
        self.lenders = Lenders({site: self.home(group) for site, group in SITES.items()})


class Meanings(harness.SharedDmpm):
    @classmethod
    def setUpClass(cls):
        cls.dmpm = Site()
        cls.dmpm.__enter__()
        listeners, cls.lenders = cls.dmpm.lenders.borrow()
        cls.play = WorkerPlay(listeners)
        cls.http1, cls.http2 = Http1Side(cls.dmpm, cls.play), Http2Side(cls.dmpm, cls.play)

    @classmethod
    def tearDownClass(cls):
        cls.drop()
        cls.play.stop()
        for lender in cls.lenders:
            lender.close()
        super().tearDownClass()

    @classmethod
    def drop(cls):
        cls.http1.drop()
        cls.http2.drop()
        cls.play.drop_all()

    @contextlib.contextmanager
    def case(self, meaning):
        """A case that fails leaves nothing behind for the next."""
        with self.subTest(meaning.name):
            try:
                yield
            except BaseException:
                self.drop()
                raise

    # -- one case --

    def run_both(self, meaning, other=None):
        """What came of it in both protocols, and what should have come of it in HTTP/2.
        other: what HTTP/2 says instead, to see that this is noticed."""
        self.play.begin(meaning.script)
        first = self.http1.run(meaning)
        if not meaning.goes_away:
            self.assertEqual(first.text.replace("101 closed", "101 open"), meaning.expected_text,
                             f"HTTP/1.1: {first.normal}")
            section = meaning.case.find("client")
            if section.has_data:
                self.assertEqual(first.normal, section.data, "HTTP/1.1: what the client got")
        expected = [translated(seen, AT_THE_CLIENT, each)
                    for seen, each in zip(first.seen, meaning.requests)]
        other = other or meaning
        self.play.begin(other.script)
        return first, self.http2.run(other, expected), expected

    def check_request(self, meaning, other=None):
        first, second, expected = self.run_both(meaning, other)
        self.compare_arrivals(meaning, first.arrivals, False)
        self.compare_arrivals(meaning, second.arrivals, True)
        self.compare_answers(meaning, expected, second.seen)
        if meaning.goes_away and any(name == b"content-length" for name, _ in meaning.requests[0].fields):
            self.check_short(meaning)

    def check_short(self, meaning):
        """END_STREAM before the length that was announced is as bad as no end."""
        self.play.begin(meaning.script)
        outcome = self.http2.run_short(meaning)
        self.assertEqual(self.what_came_of(outcome.seen[0]), "malformed")
        self.compare_arrivals(meaning, outcome.arrivals, True)

    def check_response(self, meaning, other=None):
        first, second, expected = self.run_both(meaning, other)
        self.assertEqual(self.without_own(second.first_request),
                         self.without_own(translated(first.first_request, AT_THE_WORKER)))
        self.compare_answers(meaning, expected, second.seen)
        fate = meaning.case.find("worker").arguments[0]
        if fate == "busy" and meaning.script.then_close:
            fate = "closed"  # by the worker itself
        self.assertEqual((first.fate, second.fate), (fate, fate), "the worker's connection")

    # -- comparisons --

    def compare_answers(self, meaning, expected, actual):
        """expected: the answers of HTTP/1.1 as HTTP/2 should have given them."""
        self.assertEqual(len(actual), len(expected), "answers")
        for right, seen in zip(expected, actual):
            if meaning.stricter:
                self.assertEqual(self.what_came_of(seen), meaning.stricter)
                self.assertNotEqual(self.what_came_of(right), meaning.stricter)
            elif right.state == "cut":
                self.compare_cut(right, seen)
            elif right.error_id and right.status in REJECTIONS:
                allowed = {right.status} | ({"malformed"} if right.status == 400 else set())
                self.assertIn(self.what_came_of(seen), allowed, f"HTTP/1.1: {right}, HTTP/2: {seen}")
            else:
                self.assertEqual(seen.comparable(), right.comparable(), "HTTP/2 against HTTP/1.1")

    def compare_cut(self, right, seen):
        """Any part may have arrived, but no end."""
        self.assertIn(seen.state, ("cut", "refused"), seen)
        self.assertEqual(seen.code, INTERNAL_ERROR)
        if seen.state == "cut":
            right = dataclasses.replace(right, body=right.body[:len(seen.body)])
            self.assertEqual(seen.comparable(), right.comparable())

    @staticmethod
    def what_came_of(seen):
        if seen.state == "refused":
            return "malformed" if seen.code == PROTOCOL_ERROR else f"reset {seen.code}"
        return seen.status if seen.state == "whole" else f"{seen.status} {seen.state}"

    def compare_arrivals(self, meaning, arrivals, http2):
        """With what the case says, to the byte."""
        left = list(arrivals)
        if http2 and meaning.stricter:
            return self.assertFalse(any(arrival.whole for arrival in arrivals), arrivals)
        for section in meaning.case.all("worker", "worker-cut", "worker-some"):
            if section.keyword == "worker-some" and not left:
                continue
            right = translated(section.data, AT_THE_WORKER) if http2 else section.data
            self.assertTrue(left, f"a worker did not receive {right}")
            self.compare_arrival(section, left.pop(0), self.without_own(right) if http2 else right, http2)
        return self.assertEqual(left, [], "a worker received more")

    def compare_arrival(self, section, arrival, right, http2):
        data = self.without_own(arrival.data) if http2 else arrival.data
        self.assertEqual(arrival.site, (section.arguments or ["a.test"])[0])
        self.assertEqual(arrival.whole, section.keyword == "worker", arrival)
        if section.keyword == "worker-some":
            part, whole = read_message(data), read_message(right)
            self.assertEqual(part.head, whole.head)
            self.assertTrue(whole.body.startswith(part.body), (part.body, whole.body))
        else:
            self.assertEqual(data, right)

    @staticmethod
    def without_own(data):
        """Without what dmpm itself must make up in HTTP/2."""
        for difference in AT_THE_WORKER:
            if difference.of_both:
                data = difference.apply(data)
        return data

    # -- all of them --

    def run_all(self, table, check):
        """How many ran, all those that can be said in HTTP/2."""
        cases = [meaning for meaning in table if not meaning.excluded]
        for ran, meaning in enumerate(cases, 1):
            with self.case(meaning):
                check(meaning)
        self.assertEqual(ran, len(cases))
        return ran

    def test_requests_that_are_served(self):
        served = [meaning for meaning in REQUESTS if meaning.case.has("worker")]
        self.assertGreaterEqual(self.run_all(served, self.check_request), 200)
        self.assertEqual([each.what for each in AT_THE_WORKER if not each.used], [])

    def test_requests_that_are_not_served(self):
        others = [meaning for meaning in REQUESTS if not meaning.case.has("worker")]
        self.assertGreaterEqual(self.run_all(others, self.check_request), 300)

    def test_responses(self):
        self.assertGreaterEqual(self.run_all(RESPONSES, self.check_response), 250)
        self.assertEqual([each.what for each in AT_THE_CLIENT if not each.used], [])

    def test_host_may_be_a_field(self):
        """As a gateway from HTTP/1.1 says it (RFC 9113 8.3.1), alone or besides :authority."""
        def check(meaning):
            for host in ("field", "both"):
                said = meanings_http2.translate(meaning.raw, meanings.finals(meaning.case), host)
                self.play.begin(meaning.script)
                outcome = self.http2.run(dataclasses.replace(meaning, requests=said),
                                         [Seen(state="whole")] * len(said))
                self.compare_arrivals(meaning, outcome.arrivals, True)
        served = [meaning for meaning in REQUESTS if meaning.case.has("worker") and
                  not meaning.case.has("pending") and not meaning.stricter]
        self.assertGreaterEqual(self.run_all(served, check), 200)

    # -- the table and the test itself --

    def test_the_table_is_sound(self):
        table = REQUESTS + RESPONSES
        self.assertEqual({meaning.excluded for meaning in table} - {None},
                         set(meanings.WITHOUT_COUNTERPART), "reasons without a case, or the other way")
        names = [meaning.case.name for meaning in REQUESTS if not meaning.excluded]
        self.assertEqual([name for name in STRICTER if names.count(name) != 1], [])
        for meaning in table:
            self.assertTrue(meaning.excluded or meaning.requests, meaning.name)

    def test_other_requests_are_noticed(self):
        def add(each):
            each.fields.append((b"x-more", b"1"))

        def change(number, value):
            def apply(each):
                each.fields[number] = (each.fields[number][0], value)
            return apply

        def set_body(each):
            each.body = b"abd"
        for index, alter in enumerate([add, change(0, b"PUT"), change(2, b"/y"), change(3, b"b.test"),
                                       change(4, b"c"), set_body, lambda each: each.fields.pop(4)]):
            one = meanings.request_meaning(request("x", "POST", "/x", ["A: b"], body=b"abc", chunked=True))
            other = meanings.request_meaning(one.case)
            alter(other.requests[0])
            with self.subTest(index):
                self.check_request(one)
                self.assertRaises(AssertionError, self.check_request, one, other)
            self.drop()

    def test_other_responses_are_noticed(self):
        one = {"fields": ["A: b", "C: d"], "framing": "chunked", "host": "t.test", "asked": ["TE: trailers"],
               "trailers": ["X: y"], "kept_trailers": ["X: y"], "interim": [(103, ["E: f"])]}
        for change in ({"status": 201}, {"fields": ["A: b"]}, {"fields": ["C: d", "A: b"]}, {"body": b"ko"},
                       {"fields": ["A: b", "C: D"]}, {"body": b"okk"}, {"trailers": []}, {"interim": []},
                       {"trailers": ["X: z"]}, {"interim": [(103, ["E: g"])]}, {"framing": "length"}):
            right = meanings.response_meaning(answer("x", **one))
            wrong = meanings.response_meaning(answer("x", **{**one, **change}))
            with self.subTest(change):
                self.check_response(right)
                self.assertRaises(AssertionError, self.check_response, right, wrong)
            self.drop()


if __name__ == "__main__":
    harness.main()
