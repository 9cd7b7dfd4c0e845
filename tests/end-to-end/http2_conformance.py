"""Runs tables of cases: bytes that are sent on a connection of their own, and what must come back.

What RFC 9113 leaves open (5.4.1: a stream error may be treated as a connection error) is allowed only
where a case says so.
"""
import dataclasses
import re
from typing import Any, Callable

import harness
import http2_frames as h2


@dataclasses.dataclass
class Case:
    name: str
    section: str       # of RFC 9113, or "HPACK 5.1", "RFC 8441 4", "RFC 9218 7"
    frames: Any        # bytes behind preface and SETTINGS, a list of pieces sent apart, or a function
    expect: Callable
    preface: bytes = h2.PREFACE + h2.settings()


# ---- what must come back ---------------------------------------------------------------------------


def connection_error(*codes):
    """GOAWAY with one of the codes, and then the end of the connection."""
    def check(connection):
        while connection.goaway is None or not connection.closed:
            if not connection.read():
                break
        if connection.goaway not in codes or not connection.closed:
            raise AssertionError(f"expected GOAWAY {codes} and the end: GOAWAY {connection.goaway}, "
                                 f"closed {connection.closed}, {list(connection.streams.values())}")
    return check


def connection_error_or_close(*codes):
    def check(connection):
        connection.wait_end()
        if not connection.closed or connection.goaway not in (None, *codes):
            raise AssertionError(f"GOAWAY {connection.goaway}, closed {connection.closed}")
    return check


def stream_error(*codes, stream=1):
    """RST_STREAM with one of the codes; the connection stays usable."""
    def check(connection):
        connection.check_alive()
        target = connection.stream(stream)
        connection.wait(lambda: target.over, f"RST_STREAM {codes}")
        if target.reset not in codes:
            raise AssertionError(f"expected RST_STREAM {codes}: {target}")
        if target.status is not None and not 400 <= target.status < 500:
            raise AssertionError(f"expected no answer: {target}")
    return check


def status(*numbers, stream=1, also=None):
    """A complete answer with the status; the connection stays usable."""
    def check(connection):
        connection.check_alive()
        target = connection.answer(stream)
        # NO_ERROR: the answer was complete before the request was (RFC 9113 8.1).
        if target.status not in numbers or not target.ended or target.reset not in (None, h2.NO_ERROR):
            raise AssertionError(f"expected status {numbers}: {target}")
        if also and not also(target):
            raise AssertionError(f"not as expected: {target}")
    return check


def alive(connection):
    connection.check_alive()


def one_of(*checks):
    """Where the RFC allows several ways. The later ones see what the earlier ones read."""
    def check(connection):
        problems = []
        for each in checks:
            try:
                return each(connection)
            except (AssertionError, OSError) as problem:
                problems.append(str(problem))
        raise AssertionError(" / ".join(problems))
    return check


def error_of_either_kind(*codes, stream=1):
    """A stream error, or the same as a connection error (RFC 9113 5.4.1)."""
    def check(connection):
        target = connection.stream(stream)
        while connection.goaway is None and target.reset is None:
            if not connection.read():
                break
        if connection.goaway is not None:
            return connection_error(*codes)(connection)
        return stream_error(*codes, stream=stream)(connection)
    return check


# ---- running them ----------------------------------------------------------------------------------


def run(dmpm, case):
    with h2.Connection(dmpm, start=False, timeout=5, source=h2.source_of_its_own()) as connection:
        connection.try_send(case.preface)
        if callable(case.frames):
            case.frames(connection)
        else:
            for piece in [case.frames] if isinstance(case.frames, bytes) else case.frames:
                connection.try_send(piece)
        case.expect(connection)


def tests_of(cases, base=harness.SharedDmpm):
    """A TestCase with one test for each case, all on one dmpm."""
    methods = {}
    for index, case in enumerate(cases):
        def test(self, case=case):
            run(self.dmpm, case)
        name = re.sub(r"\W+", "_", f"test_{index:03}_{case.section}_{case.name}")
        test.__doc__ = f"{case.section}: {case.name}"
        methods[name] = test
    return type("Conformance", (base,), methods)
