#!/usr/bin/python3
"""RFC 9113 section 8, RFC 8441 and RFC 9218: what is a request and what is malformed; one case a row.

What HTTP/1.1 answers with 400 is answered so here as well, unless HTTP/2 itself calls it malformed
(8.1.1: a stream error PROTOCOL_ERROR; a server may send an answer first)."""
import harness
from http2_conformance import (Case, alive, connection_error, error_of_either_kind, one_of, status,
                               stream_error, tests_of)
from http2_frames import *  # pylint: disable=wildcard-import,unused-wildcard-import

MALFORMED = stream_error(PROTOCOL_ERROR)
REFUSED = one_of(status(400), MALFORMED)


def get(**parts):
    return headers(request(**parts))


def post(*more, body=b"", **parts):
    """A request with a body in one frame."""
    return headers(request("POST", more=more, **parts), end_stream=False) + data(body)


def with_field(name, value):
    return headers(request(more=[(name, value)]))


def received(name, *values):
    """The worker got the field with these values (none: did not get it)."""
    def check(stream):
        return [v for k, v in stream.json()["headers"] if k.lower() == name] == list(values)
    return check


def line(expected):
    return lambda stream: stream.json()["line"] == expected


def no_body(stream):
    return stream.body == b""


def length(size):
    return ("content-length", str(size))


def trailers(fields, end_stream=True):
    return headers(request("POST"), end_stream=False) + data(b"ab", end_stream=False) + \
        headers(fields, end_stream=end_stream)


def interim_first(stream):
    return len(stream.interim) == 1 and dict(stream.interim[0])[":status"] == "100"


def pinged(connection):
    connection.check_ping()


def in_order_of_urgency(connection):
    """Two large answers wait for the connection's window; the urgent one goes first."""
    connection.send(settings((INITIAL_WINDOW_SIZE, 1 << 20)),
                    headers(request(path="/big?n=60000", more=[("priority", "u=0")]), 1))
    connection.answer(1)  # the window of the connection has 5535 bytes left
    connection.send(headers(request(path="/big?n=50000", more=[("priority", "u=7")]), 3))
    slow, urgent = connection.stream(3), connection.stream(5)
    connection.wait(lambda: len(slow.body) == 5535, "the rest of the window")
    connection.send(headers(request(path="/big?n=50000", more=[("priority", "u=1")]), 5))
    connection.wait(lambda: urgent.status == 200, "the urgent answer's head")
    connection.check_ping()
    connection.send(window_update(50000))
    connection.wait(lambda: len(urgent.body) + len(slow.body) >= 55535, "50000 bytes")
    if len(urgent.body) < 45000:
        raise AssertionError(f"urgent {len(urgent.body)}, other {len(slow.body)}")


def reprioritized(connection):
    """The same, but PRIORITY_UPDATE makes the later one urgent."""
    connection.send(settings((INITIAL_WINDOW_SIZE, 1 << 20)), headers(request(path="/big?n=60000"), 1))
    connection.answer(1)
    connection.send(headers(request(path="/big?n=50000"), 3),
                    headers(request(path="/big?n=50000", more=[("priority", "u=6")]), 5))
    slow, urgent = connection.stream(3), connection.stream(5)
    connection.wait(lambda: slow.status and urgent.status and len(slow.body) + len(urgent.body) == 5535,
                    "both heads")
    connection.check_ping()
    connection.send(priority_update(5, b"u=0"), window_update(50000))
    connection.wait(lambda: len(urgent.body) + len(slow.body) >= 55535, "50000 bytes")
    if len(urgent.body) < 45000:
        raise AssertionError(f"urgent {len(urgent.body)}, other {len(slow.body)}")


def many_uploads(connection):
    """Together larger than the connection's window, and none of them whole before the others are nearly."""
    numbers = [connection.open("POST", "a.test", more=[("content-length", "30000")], end_stream=False)
               for _ in range(60)]
    for size, last in ((29_000, False), (1_000, True)):
        for number in numbers:
            connection.upload(number, b"x" * size, last)
    for number in numbers:
        if connection.answer(number).json()["body_size"] != 30_000:
            raise AssertionError(f"stream {number}: {connection.stream(number)}")


EXTENDED = [(":method", "CONNECT"), (":protocol", "websocket"), (":scheme", "https"), (":path", "/"),
            (":authority", "a.test"), ("sec-websocket-version", "13")]


def extended(*changes, drop=()):
    changed = dict(changes)
    return headers([(n, changed.get(n, v)) for n, v in EXTENDED if n not in drop], end_stream=False)


CASES = [
    # ---- 8.1 a request's parts ----
    Case("HEADERS only", "8.1", get(), status(200, also=line("GET / HTTP/1.1"))),
    Case("HEADERS and DATA", "8.1", post(body=b"abc"),
         status(200, also=lambda s: s.json()["body_size"] == 3)),
    Case("HEADERS, DATA and trailers", "8.1", trailers([("x-sum", "1")]),
         status(200, also=lambda s: s.json()["body_size"] == 2 and received("x-sum")(s))),
    Case("HEADERS and trailers without DATA", "8.1",
         headers(request("POST"), end_stream=False) + headers([("x-sum", "1")]), status(200)),
    Case("trailers without END_STREAM", "8.1", trailers([("x-sum", "1")], end_stream=False), MALFORMED),
    Case("trailers with a pseudo-field", "8.1", trailers([(":method", "GET")]), MALFORMED),
    Case("trailers with an upper-case name", "8.1", trailers([("X-Sum", "1")]), MALFORMED),
    Case("trailers with Connection", "8.1", trailers([("connection", "close")]), MALFORMED),
    Case("trailers with a line feed", "8.1", trailers([("x-sum", "1\n2")]), MALFORMED),
    Case("DATA behind trailers", "8.1", headers(request("POST", path="/hang"), end_stream=False) +
         headers([("x-sum", "1")]) + data(b"x"), error_of_either_kind(STREAM_CLOSED)),
    Case("an answer before the request's end", "8.1",
         headers(request("POST", authority="unknown.test"), end_stream=False),
         status(421, also=lambda s: s.reset == NO_ERROR)),

    # ---- 8.1.1 content-length against DATA ----
    Case("right content-length", "8.1.1", post(length(3), body=b"abc"),
         status(200, also=received("content-length", "3"))),
    Case("right content-length over two frames", "8.1.1",
         headers(request("POST", more=[length(4)]), end_stream=False) +
         data(b"ab", end_stream=False) + data(b"cd"), status(200)),
    Case("content-length without padding", "8.1.1",
         headers(request("POST", more=[length(3)]), end_stream=False) +
         data(padded(b"abc", 50), flags=PADDED), status(200)),
    Case("content-length 0 without DATA", "8.1.1", headers(request("POST", more=[length(0)])),
         status(200)),
    Case("content-length 0 with empty DATA", "8.1.1", post(length(0)), status(200)),
    Case("more DATA than content-length", "8.1.1", post(length(2), body=b"abc"), MALFORMED),
    Case("less DATA than content-length", "8.1.1", post(length(4), body=b"abc"), MALFORMED),
    Case("no DATA but a content-length", "8.1.1", headers(request("POST", more=[length(4)])), MALFORMED),
    Case("DATA but content-length 0", "8.1.1", post(length(0), body=b"a"), MALFORMED),
    Case("less DATA than content-length before trailers", "8.1.1",
         headers(request("POST", more=[length(4)]), end_stream=False) +
         data(b"ab", end_stream=False) + headers([("x-sum", "1")]), MALFORMED),
    Case("two equal content-lengths", "8.1.1", post(length(3), length(3), body=b"abc"), REFUSED),
    Case("two different content-lengths", "8.1.1", post(length(3), length(4), body=b"abc"), REFUSED),
    *(Case(f"content-length {value!r}", "8.1.1", post(("content-length", value), body=b"abc"), REFUSED)
      for value in ("+3", "-3", " 3", "3 ", "3,3", "0x3", "3a", "", "three", "3.0",
                    "9223372036854775808", "18446744073709551619", "99999999999999999999999")),

    # ---- 8.2 fields ----
    *(Case(f"name {name!r}", "8.2.1", with_field(name, "v"), MALFORMED)
      for name in ("X-Upper", "x-Upper", "x y", "x\0y", "x\ny", "x\ry", "x\x7fy", "x\x80y", "x:y",
                   "x(y", "x,y", "x\"y", "x/y", "x@y", "x\ty", "x=y", "x[y")),
    Case("an empty name", "8.2.1", headers(encode(request()) + literal("", "v")), MALFORMED),
    *(Case(f"value {value!r}", "8.2.1", with_field("x-value", value), REFUSED)
      for value in ("a\0b", "a\nb", "a\rb", "a\r\nb: c", " a", "a ", "\ta", "a\t", "a\x01b", "a\x7fb",
                    "a\x1bb")),
    Case("an empty value", "8.2.1", with_field("x-value", ""), status(200, also=received("x-value", ""))),
    Case("a value with obs-text", "8.2.1", with_field("x-value", "\xe4\xff"),
         status(200, also=received("x-value", "\xe4\xff"))),
    Case("a value with a tab within", "8.2.1", with_field("x-value", "a\tb"),
         status(200, also=received("x-value", "a\tb"))),
    *(Case(f"connection-specific field {name}", "8.2.2", with_field(name, value), MALFORMED)
      for name, value in (("connection", "close"), ("connection", "x-other"),
                          ("keep-alive", "timeout=5"), ("proxy-connection", "keep-alive"),
                          ("transfer-encoding", "chunked"), ("transfer-encoding", "identity"),
                          ("upgrade", "h2c"), ("upgrade", "websocket"), ("te", "gzip"),
                          ("te", "trailers, gzip"))),
    Case("te: trailers", "8.2.2", with_field("te", "trailers"), status(200, also=received("te"))),
    Case("cookie crumbs are joined", "8.2.3",
         headers(request(more=[("cookie", "a=1"), ("x-a", "b"), ("cookie", "b=2"), ("cookie", "c=3")])),
         status(200, also=received("cookie", "a=1; b=2; c=3"))),
    Case("500 cookie crumbs", "8.2.3", headers(request(more=[("cookie", f"c{i}=1") for i in range(500)])),
         status(200, also=received("cookie", "; ".join(f"c{i}=1" for i in range(500))))),
    Case("a crumb with a line feed", "8.2.3", headers(request(more=[("cookie", "a=1"),
                                                                     ("cookie", "b\n=2")])), REFUSED),

    # ---- 8.3 pseudo-fields ----
    Case("unknown pseudo-field", "8.3", headers(request() + [(":color", "red")]), MALFORMED),
    Case("a response's pseudo-field", "8.3", headers(request() + [(":status", "200")]), MALFORMED),
    Case("pseudo-field behind a field", "8.3",
         headers([(":method", "GET"), (":scheme", "https"), ("x-a", "b"), (":path", "/"),
                  (":authority", "a.test")]), MALFORMED),
    *(Case(f"two {name}", "8.3", headers(request() + [(name, value)]), MALFORMED)
      for name, value in ((":method", "GET"), (":scheme", "https"), (":path", "/"),
                          (":authority", "a.test"))),
    *(Case(f"no {name}", "8.3.1", headers([(n, v) for n, v in request() if n != name]), MALFORMED)
      for name in (":method", ":scheme", ":path")),
    Case("neither :authority nor host", "8.3.1", get(authority=None), REFUSED),
    Case("pseudo-fields in any order", "8.3", headers(list(reversed(request()))), status(200)),
    Case("an upper-case pseudo-field", "8.3", headers([(":Method", "GET"), *request()[1:]]), MALFORMED),

    # :method
    Case("lower-case method", "8.3.1", get(method="get"), status(200, also=line("get / HTTP/1.1"))),
    Case("unknown method", "8.3.1", get(method="BREW"), status(200, also=line("BREW / HTTP/1.1"))),
    *(Case(f"method {method!r}", "8.3.1", get(method=method), REFUSED)
      for method in ("", "GE T", "GET ", " GET", "GET\t", "GET\0", "GET\r\nX", "G(T", "G\xe4T",
                     "GET / HTTP/1.1")),
    Case("TRACE", "8.3.1", get(method="TRACE"), status(501)),
    Case("HEAD", "8.3.1", headers(request("HEAD", "/big?n=100")),
         status(200, also=lambda s: no_body(s) and s.field("content-length") == "100")),
    Case("an error's answer to HEAD has no body", "8.3.1", headers(request("HEAD", authority="x.test")),
         status(421, also=no_body)),
    Case("a rejection's answer to HEAD has no body", "8.3.1", headers(request("HEAD", "/#a")),
         status(400, also=no_body)),

    # :scheme
    Case("scheme http", "8.3.1", get(scheme="http"), status(200)),
    *(Case(f"scheme {scheme!r}", "8.3.1", get(scheme=scheme), REFUSED)
      for scheme in ("", "ftp", "https ", "ht tp", "javascript", "https://")),

    # :path
    *(Case(f"path {path!r}", "8.3.1", get(path=path), REFUSED)
      for path in ("", "a", "?a=b", "*", "/a b", "/a\tb", "/a\0b", "/a#b", "#", "/\xe4", "/a\x7f",
                   "/a\r\nX: y", "http://a.test/", "a.test", " /", "/ ", "a/b", "\\a")),
    *(Case(f"path {path!r} passes", "8.3.1", get(path=path), status(200, also=line(f"GET {path} HTTP/1.1")))
      for path in ("/", "//", "//b.test/", "/?", "/?a=b?c", "/%00%2f", "/a;b=c,d:e@f!$&'()+", "/../..",
                   "/a\"<>[]^`{|}", "/" + "p" * 8191)),
    Case("path of 8193 bytes", "8.3.1", get(path="/" + "p" * 8192), status(414)),
    Case("OPTIONS *", "8.3.1", get(method="OPTIONS", path="*"),
         status(200, also=line("OPTIONS * HTTP/1.1"))),

    # :authority and Host
    *(Case(f"authority {value!r}", "8.3.1", get(authority=value), REFUSED)
      for value in ("", "a.test,b.test", "user@a.test", "user:pw@a.test", "a.test/", "a.test:port",
                    "a.test:123456", "a.test:80:80", "a test", "a.test\t", "a..test", ".a.test",
                    "a%2etest", "a.test#", "a.test?", "[::1", "[]", "::1", "[::1]x", "[a.test]",
                    "\xe4.test", "a.test\\b", "a" * 256, "a.test\0", "https://a.test")),
    *(Case(f"authority {value!r} is a.test", "8.3.1", get(authority=value),
           status(200, also=received("host", value)))
      for value in ("a.test", "A.TEST", "a.test:443", "a.test:", "a.test.", "a.test.:8443")),
    *(Case(f"authority {value!r} is not served", "8.3.1", get(authority=value), status(421))
      for value in ("c.test", "xa.test", "a.test.b", "[::1]", "127.0.0.1", "a_b.test", "a")),
    Case("host alone", "8.3.1", headers(request(authority=None, more=[("host", "b.test")])),
         status(200, also=received("host", "b.test"))),
    Case("host equal to :authority", "8.3.1", with_field("host", "a.test"),
         status(200, also=received("host", "a.test"))),
    Case("host equal but for case", "8.3.1", with_field("host", "A.Test"), status(200)),
    Case("host differs", "8.3.1", with_field("host", "b.test"), REFUSED),
    Case("host differs by its port", "8.3.1", with_field("host", "a.test:8443"), REFUSED),
    Case("empty host", "8.3.1", with_field("host", ""), REFUSED),
    Case("malformed host alone", "8.3.1",
         headers(request(authority=None, more=[("host", "a.test,b.test")])), REFUSED),
    Case("two hosts", "8.3.1",
         headers(request(authority=None, more=[("host", "a.test"), ("host", "b.test")])), REFUSED),
    Case("two equal hosts", "8.3.1",
         headers(request(authority=None, more=[("host", "a.test"), ("host", "a.test")])), REFUSED),

    # ---- 8.5 CONNECT, RFC 8441 ----
    Case("CONNECT", "8.5", headers([(":method", "CONNECT"), (":authority", "a.test:443")],
                                   end_stream=False), status(501)),
    Case("CONNECT with a path", "8.5", headers(request("CONNECT"), end_stream=False),
         one_of(MALFORMED, status(501))),
    Case("CONNECT without :authority", "8.5", headers([(":method", "CONNECT")], end_stream=False),
         REFUSED),
    Case("another protocol than websocket", "RFC 8441 4", extended((":protocol", "connect-udp")),
         status(501)),
    Case(":protocol with GET", "RFC 8441 4", headers(request() + [(":protocol", "websocket")]), MALFORMED),
    Case("extended CONNECT without :path", "RFC 8441 4", extended(drop=(":path",)), MALFORMED),
    Case("extended CONNECT without :scheme", "RFC 8441 4", extended(drop=(":scheme",)), MALFORMED),
    Case("extended CONNECT without :authority", "RFC 8441 4", extended(drop=(":authority",)), REFUSED),
    Case("extended CONNECT with a bad path", "RFC 8441 4", extended((":path", "/#")), REFUSED),
    Case("extended CONNECT to an unknown host", "RFC 8441 4", extended((":authority", "c.test")),
         status(421)),
    Case("two :protocol", "RFC 8441 4",
         headers(EXTENDED[:5] + [(":protocol", "websocket")], end_stream=False), MALFORMED),
    Case("a worker that answers 200 does not accept a WebSocket", "RFC 8441 5", extended(),
         status(400, 426, 501, 502)),

    # ---- what is limited, and what is answered ----
    Case("128 fields", "10.5.1", headers(request(more=[(f"x-{i}", "v") for i in range(128)])), status(200)),
    Case("129 fields", "10.5.1", headers(request(more=[(f"x-{i}", "v") for i in range(129)])), status(431)),
    Case("a head beyond 32 KiB", "10.5.1", lambda c: long_head(c, 34_500), status(431)),
    Case("a head of 31 KiB", "10.5.1", lambda c: long_head(c, 31_000), status(200)),
    Case("a hopeless head", "10.5.1", lambda c: long_head(c, 140_000),
         connection_error(ENHANCE_YOUR_CALM)),
    Case("Expect: 100-continue", "8.1", post(("expect", "100-continue"), length(3), body=b"abc"),
         status(200, also=interim_first)),
    Case("another expectation", "8.1", post(("expect", "200-ok"), body=b"abc"), status(417)),
    Case("204", "8.1", get(path="/status/204"), status(204)),
    Case("304", "8.1", get(path="/status/304"), status(304, also=no_body)),

    Case("more uploads at once than the window holds", "6.9", many_uploads, pinged),

    # ---- RFC 9218 ----
    *(Case(f"priority {value!r}", "RFC 9218 4", with_field("priority", value), status(200))
      for value in ("u=0", "u=7, i", "u=3,i=?0", "u=9", "i", "", "nonsense;;", "u=1.5", "\"u\"")),
    Case("urgency is kept", "RFC 9218 10", in_order_of_urgency, pinged),
    Case("PRIORITY_UPDATE changes the urgency", "RFC 9218 7", reprioritized, pinged),
    Case("PRIORITY_UPDATE of a request to come", "RFC 9218 7.1", priority_update(1, b"u=1") + get(),
         status(200)),
    Case("PRIORITY_UPDATE of a closed stream", "RFC 9218 7.1", get() + ping() + priority_update(1, b"u=1"),
         status(200)),
    Case("PRIORITY_UPDATE with a bad value", "RFC 9218 7.1", priority_update(1, b"\xff,,;") + get(),
         status(200)),
    Case("PRIORITY_UPDATE on a stream", "RFC 9218 7.1", priority_update(1, b"u=1", stream=1),
         connection_error(PROTOCOL_ERROR)),
    Case("PRIORITY_UPDATE of stream 0", "RFC 9218 7.1", priority_update(0, b"u=1"),
         connection_error(PROTOCOL_ERROR)),
    Case("PRIORITY_UPDATE of 3 bytes", "RFC 9218 7.1", frame(PRIORITY_UPDATE, 0, 0, b"\0\0\1"),
         connection_error(FRAME_SIZE_ERROR)),
    Case("PRIORITY_UPDATE of an even stream", "RFC 9218 7.1", priority_update(2, b"u=1"),
         one_of(connection_error(PROTOCOL_ERROR), alive)),
]


def long_head(connection, size):
    block = encode(request(more=[(f"x-{i}", "v" * 1000) for i in range(size // 1036)]))
    connection.try_send(headers(block[:16000], end_headers=len(block) <= 16000))
    for at in range(16000, len(block), 16000):
        connection.try_send(continuation(block[at:at + 16000], end_headers=at + 16000 >= len(block)))


Conformance = tests_of(CASES)

if __name__ == "__main__":
    harness.main()
