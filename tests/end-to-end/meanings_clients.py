"""The two clients of meanings_test.py: each says a meaning in its protocol and tells what came of it."""
import dataclasses
import ssl
import time

import harness
import http2_frames as h2
from meanings_messages import Http1View, Seen

DEADLINE = 10
PROBE_HOSTS = {"*.w.test": "probe.w.test"}
# Bodies leave in pieces of these sizes, round and round: odd, and none of them dmpm's own.
PIECES = (1, 7, 100, 3, 16384, 2, 5000)
RESETS = 60  # a connection that was reset more often is left before dmpm finds it abusive


@dataclasses.dataclass
class Outcome:
    seen: list             # of each request, in their order
    arrivals: list
    first_request: bytes   # as its worker saw it when it answered
    fate: str              # of that worker's connection
    text: str = None       # HTTP/1.1: as the corpus puts it
    normal: bytes = None


class Side:
    """What both have in common."""

    def __init__(self, dmpm, play):
        self.dmpm, self.play = dmpm, play
        self.client = None

    def drop(self):
        if self.client:
            self.client.close()
        self.client = None

    def await_answer(self):
        harness.eventually(lambda: self.play.do(lambda: self.play.answers), "the worker's answer")

    def site(self):
        return self.play.do(lambda: self.play.first.site if self.play.first else "a.test")

    def fate(self):
        """Of the connection that got the first request, when the probe has been answered."""
        def look():
            first, probes = self.play.first, self.play.probes
            if first is None:
                return "none"
            return "reused" if first in probes else "closed" if first.ended else "busy"
        fate = self.play.do(look)
        # dmpm closes connections when there is nothing else to do.
        end = time.monotonic() + 0.2
        while fate == "busy" and time.monotonic() < end:
            fate = self.play.do(look)
        return fate

    def outcome(self, seen, **more):
        return Outcome(seen, self.play.all_arrivals(), self.play.do(lambda: self.play.first_request),
                       self.fate(), **more)

    def no_part_is_left(self):
        """What was not finished has been given up towards the worker as well."""
        harness.eventually(lambda: self.play.do(
            lambda: all(stream.ended for stream in self.play.streams if stream.data or stream.tunnel)),
            "the end of the unfinished request at its worker")


# ---- HTTP/1.1 --------------------------------------------------------------------------------------


class RawConnection(harness.Client):
    """Bytes over TLS; `buffer` has what came since the case began."""

    def __init__(self, dmpm):
        super().__init__(dmpm.port, dmpm.authority.file, sni="a.test", timeout=DEADLINE)
        self.closed = False

    def say(self, data):
        try:
            self.send(data)
        except OSError:
            pass  # dmpm has seen enough; what it has said can be read

    def read(self, timeout=DEADLINE):
        """Whether anything came, be it the end."""
        try:
            self.sock.settimeout(timeout)
            piece = self.sock.recv(1 << 18)
        except (TimeoutError, ssl.SSLWantReadError, BlockingIOError):
            return False
        except OSError:
            piece = b""
        self.buffer += piece
        self.closed |= not piece
        return True

    def probe(self, site):
        self.say(b"GET /probe HTTP/1.1\r\nHost: %s\r\n\r\n" % PROBE_HOSTS.get(site, site).encode())
        answer = self.answer()
        if answer.body != b"probe" or self.buffer:
            raise AssertionError(f"the next request got {answer}, and then {self.buffer}")


class Http1Side(Side):
    def __init__(self, dmpm, play):
        super().__init__(dmpm, play)
        self.prober = None  # asks when the client's own connection cannot

    def connection(self):
        if self.client is None:
            self.client = RawConnection(self.dmpm)
        return self.client

    def drop(self):
        super().drop()
        if self.prober:
            self.prober.close()
        self.prober = None

    def run(self, meaning):
        client = self.connection()
        client.buffer = b""
        client.say(meaning.raw)
        if meaning.goes_away:
            super().drop()
            self.probe_elsewhere()
            self.no_part_is_left()
            return self.outcome([])
        if meaning.rest:
            self.await_answer()
            client.say(meaning.rest)
        view = self.read_view(client, meaning)
        if self.is_free(client, view, meaning):
            said, client.buffer = client.buffer, b""
            client.probe(self.site())
            client.buffer = said
        else:
            self.probe_elsewhere()
        self.see_that_nothing_follows(client, meaning, view)
        outcome = self.outcome(view.seen, text=view.text, normal=view.normal)
        if client.closed or not self.is_free(client, view, meaning):
            super().drop()
            self.no_part_is_left()
        return outcome

    @staticmethod
    def is_free(client, view, meaning):
        """Whether the connection can take another request."""
        return not (client.closed or view.tunnel or meaning.case.has("pending") or
                    any(seen.state != "whole" for seen in view.seen))

    @staticmethod
    def read_view(client, meaning):
        while True:
            view = Http1View(client.buffer, client.closed, meaning.heads)
            # Over TLS half an end of a tunnel looks like a whole one.
            text = view.text.replace("closed", "open") if view.tunnel else view.text
            if text == meaning.expected_text and (view.tunnel is False or has_all(view, meaning)):
                return view
            if client.closed or not client.read():
                return view

    def probe_elsewhere(self):
        if self.prober is None:
            self.prober = RawConnection(self.dmpm)
        self.prober.probe(self.site())

    @staticmethod
    def see_that_nothing_follows(client, meaning, view):
        while not client.closed and client.read(0):
            pass
        later = Http1View(client.buffer, client.closed, meaning.heads)
        if (later.text, later.normal) != (view.text, view.normal):
            raise AssertionError(f"later came {later.text}, {later.normal}")


def has_all(view, meaning):
    """Of a tunnel: the bytes that the case shows, and the end if the worker has ended."""
    expected = meaning.case.find("client")
    ended = meaning.script.then_close
    return (not expected.has_data or len(view.normal) >= len(expected.data)) and \
        (not ended or view.seen[-1].state == "whole")


# ---- HTTP/2 ----------------------------------------------------------------------------------------


class FrameConnection(h2.Connection):
    def __init__(self, dmpm):
        super().__init__(dmpm, timeout=DEADLINE)
        self.resets = 0

    def begin(self, request, end_stream):
        """HEADERS, with Huffman and the connection's table; the stream's number."""
        return self.open(None, None, fields=request.fields, end_stream=end_stream)

    def pieces(self, number, body, end_stream):
        """DATA in pieces of odd sizes, some of them padded."""
        at = count = 0
        while at < len(body):
            piece = body[at:at + PIECES[count % len(PIECES)]]
            at, count = at + len(piece), count + 1
            last = end_stream and at == len(body)
            if self.stream(number).over:
                return
            if count % 3 == 0 and len(piece) < 1000:
                self.send(h2.data(h2.padded(piece, 9), number, last, h2.PADDED))
                used = len(piece) + 10
                self.credit -= used
                self.stream_credit[number] = self.stream_credit.get(number, 0) - used
            else:
                self.upload(number, piece, last)
        if not body and end_stream:
            self.upload(number, b"")

    def say(self, number, request, body):
        """What follows the head: the body and how it ends."""
        ends = request.complete and not request.trailers
        self.pieces(number, body, ends)
        if request.trailers and request.complete and not self.stream(number).over:
            self.send(h2.headers(h2.encode(request.trailers), number))

    def probe(self, site):
        host = PROBE_HOSTS.get(site, site)
        answer = self.request("GET", host, "/probe")
        if answer.body != b"probe":
            raise AssertionError(f"the next request got {answer}")

    def cancel(self, number):
        self.send(h2.reset(number))
        self.check_ping()


class Http2Side(Side):
    def connection(self):
        if self.client and (self.client.resets > RESETS or self.client.closed or
                            self.client.goaway is not None):
            self.drop()
        if self.client is None:
            self.client = FrameConnection(self.dmpm)
        return self.client

    def run(self, meaning, expected):
        """expected: what each answer should be, to know how long to wait for one that stays open."""
        client = self.connection()
        if meaning.goes_away:
            return self.run_cancelled(client, meaning)
        numbers = []
        for request, awaited in zip(meaning.requests, expected):
            numbers.append(self.send(client, meaning, request))
            self.read_answer(client, numbers[-1], awaited)
        client.probe(self.site())
        outcome = self.outcome([seen_of(client.stream(number)) for number in numbers])
        for number in numbers:
            if not client.stream(number).over:
                client.cancel(number)
            client.resets += client.stream(number).reset is not None
            client.streams.pop(number)
        self.no_part_is_left()
        return outcome

    def send(self, client, meaning, request):
        """The whole of it; where the client is to wait for the worker in between, it does."""
        if request.body is None:
            return client.begin(request, request.complete and not request.trailers)
        number = client.begin(request, False)
        at = meaning.script.early if meaning.rest else len(request.body)
        if meaning.rest:
            client.pieces(number, request.body[:at], False)
            self.await_answer()
        client.say(number, request, request.body[at:] if meaning.rest else request.body)
        return number

    @staticmethod
    def read_answer(client, number, awaited):
        stream = client.stream(number)
        while not stream.over:
            if awaited.state == "open" and seen_of(stream).comparable() == awaited.comparable():
                return
            if not client.read():
                return

    def run_cancelled(self, client, meaning):
        number = self.send(client, meaning, meaning.requests[0])
        client.cancel(number)
        client.resets += 1
        client.probe(self.site())
        self.no_part_is_left()
        return self.outcome([])

    def run_short(self, meaning):
        """The body ends before its length: END_STREAM instead of a reset. What the stream answers."""
        client, request = self.connection(), dataclasses.replace(meaning.requests[0], complete=True)
        number = self.send(client, meaning, request)
        client.answer(number)
        client.resets += 1
        client.probe(self.site())
        self.no_part_is_left()
        return self.outcome([seen_of(client.stream(number))])


def seen_of(stream):
    def encoded(fields):
        return [(name.encode("latin-1"), value.encode("latin-1")) for name, value in fields or []
                if name != ":status"]
    seen = Seen(body=stream.body, trailers=encoded(stream.trailers), code=stream.reset)
    seen.interim = [(int(dict(fields)[":status"]), encoded(fields)) for fields in stream.interim]
    if stream.fields is not None:
        seen.status, seen.fields = stream.status, encoded(stream.fields)
    if stream.ended and stream.reset in (None, h2.NO_ERROR):  # the latter: no more of the request, please
        seen.state = "whole"
    elif stream.reset is not None:
        seen.state = "refused" if stream.fields is None else "cut"
    return seen
