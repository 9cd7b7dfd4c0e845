"""Responses that the corpus leaves to whole programs, in the corpus's form: what the worker answers, and
what an HTTP/1.1 client must get, to the byte."""
from meanings_corpus import Case, Section
from meanings_more import EVERY_TCHAR, in_odd_chunks, kept, lines, one_chunk, pattern

REASONS = {200: "OK", 204: "No Content", 304: "Not Modified"}


def answer(name, status=200, fields=(), dropped=(), body=b"ok", framing="length", trailers=(),
           kept_trailers=(), interim=(), method="GET", asked=(), host="a.test", fate=None):
    """A whole response. framing: "length", "chunked", "close", or "none" where there is no body."""
    line = f"HTTP/1.1 {status} {REASONS.get(status, 'Some Reason')}"
    early = b"".join(lines(f"HTTP/1.1 {number} x", *hints, "") for number, hints in interim)
    sent, got, tail, seen = [], [], body, body
    if framing == "length":
        sent = got = [f"Content-Length: {len(body)}"]
    elif framing == "chunked":
        sent = got = ["Transfer-Encoding: chunked"]
        tail = in_odd_chunks(body) + b"0\r\n" + lines(*trailers) + b"\r\n"
    elif framing == "close":
        got = ["Transfer-Encoding: chunked"]
    if got == ["Transfer-Encoding: chunked"]:
        seen = one_chunk(body) + b"0\r\n" + lines(*kept_trailers) + b"\r\n"
    if method == "HEAD" or status in (204, 304):
        tail = seen = b""
        got = [] if framing != "length" or status == 204 else got
    raw = early + lines(line, *fields, *sent, "") + tail
    to_client = early + lines(line, *kept(fields, dropped), "Date: @", *got, "") + seen
    ending = [Section("eof", [])] if framing == "close" else []
    statuses = [str(number) for number, _ in interim] + [str(status), "open"]
    return Case(name, "more", [
        Section("request", [], lines(f"{method} / HTTP/1.1", f"Host: {host}", *asked, ""), True),
        Section("in", [], raw, True), *ending, Section("client", statuses, to_client, True),
        Section("worker", [fate or ("closed" if framing == "close" else "reused")])])


def broken(name, raw, *client, method="GET", fate="closed", ends=True):
    """A response that is malformed or breaks off."""
    return Case(name, "more", [
        Section("request", [], lines(f"{method} / HTTP/1.1", "Host: a.test", ""), True),
        Section("in", [], raw, True), *([Section("eof", [])] if ends else []),
        Section("client", list(client)), Section("worker", [fate])])


def statuses():
    for status in (202, 203, 206, 207, 226, 299, 300, 302, 303, 307, 308, 400, 402, 403, 405, 408,
                   410, 413, 415, 416, 421, 422, 425, 426, 428, 429, 431, 451, 499, 501, 502, 504, 505, 511,
                   599):
        yield answer(f"status {status}", status, ["Location: /x?y", "Retry-After: 1"])
    for method in ("POST", "DELETE", "OPTIONS"):
        yield answer(f"204 to {method}", 204, ["A: b"], body=b"", framing="none", method=method)
    yield answer("304 with its fields", 304, ["ETag: \"x\"", "Vary: *", "Expires: 0"], body=b"",
                 framing="none")
    yield answer("404 to HEAD", 404, method="HEAD")
    yield answer("chunked 404 to HEAD", 404, method="HEAD", framing="chunked")


def field_sets():
    yield answer("twenty cookies", fields=[f"Set-Cookie: c{i}={i}; Path=/; Secure" for i in range(20)])
    yield answer("a cookie of 8000 bytes", fields=["Set-Cookie: s=" + "c" * 8000])
    yield answer("repeated fields", fields=["Link: </a>", "X-Between: 1", "link: </b>", "Link: </c>, </d>"])
    yield answer("empty values", fields=["A: ", "B: ", "C: d"])
    yield answer("obs-text", fields=["X-High: " + "".join(map(chr, range(0x80, 0x100)))])
    yield answer("every visible byte", fields=["X-All: " + "".join(map(chr, range(0x21, 0x7f)))])
    yield answer("a name of every tchar", fields=[f"{EVERY_TCHAR}: 1", "X_A: 2", "X.A: 3"])
    yield answer("200 fields", fields=[f"X-{i}: {i}" for i in range(200)])
    yield answer("fields of caches", fields=["Age: 1", "ETag: W/\"x\"", "Vary: Cookie, Accept", "Via: 1.0 y",
                                             "Cache-Control: no-cache", "cache-control: private"])
    yield answer("fields that mean something to a proxy",
                 fields=["X-Accel-Redirect: /x", "X-Sendfile: /etc/passwd", "X-Forwarded-For: x", "Host: b"])
    yield answer("fields of the connection",
                 fields=["Connection: keep-alive, X-Inner", "Keep-Alive: timeout=5", "X-Inner: 1",
                         "X-Outer: 2", "Proxy-Connection: close", "Upgrade: h2c", "TE: trailers",
                         "Trailer: X"],
                 dropped=("connection", "keep-alive", "x-inner", "proxy-connection", "upgrade", "te",
                          "trailer"))
    yield answer("a WebSocket that the worker does not open", asked=["Connection: Upgrade",
                                                                     "Upgrade: websocket"])
    yield answer("a worker that closes", fields=["Connection: close"], dropped=("connection",),
                 fate="closed")


def bodies():
    every = bytes(range(256))
    for framing in ("length", "chunked", "close"):
        yield answer(f"no byte, by {framing}", body=b"", framing=framing)
        yield answer(f"every byte, by {framing}", body=every, framing=framing)
        for size in (16384, 65537, 300_000, 1 << 20):
            yield answer(f"{size} bytes, by {framing}", body=pattern(size), framing=framing)
    yield answer("a body that looks like frames", body=b"\0\0\0\4\1\0\0\0\0PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")


def trailer_sets():
    te = ["TE: trailers"]
    sums = ["X-Sum: 1", "X-sum: 2", "Y: \xe4", "Z: "]
    for host, asked, passed in (("a.test", [], []), ("a.test", te, []), ("t.test", [], []),
                                ("t.test", te, sums), ("t.test", ["TE: Trailers"], sums)):
        yield answer(f"trailers to {host} {asked}", framing="chunked", host=host, asked=asked,
                     trailers=sums, kept_trailers=passed)
    yield answer("trailers behind no body", body=b"", framing="chunked", host="t.test", asked=te,
                 trailers=sums, kept_trailers=sums)
    yield answer("trailers behind much", body=pattern(300_000), framing="chunked", host="t.test", asked=te,
                 trailers=sums, kept_trailers=sums)
    yield answer("trailers that are long", framing="chunked", host="t.test", asked=te,
                 trailers=["X: " + "x" * 8000], kept_trailers=["X: " + "x" * 8000])
    yield answer("trailers that would be framing", framing="chunked", host="t.test", asked=te,
                 trailers=["Content-Length: 1", "Transfer-Encoding: chunked", "Connection: close", "Host: b",
                           "Content-Type: a/b", "X-Sum: 1", "Upgrade: h2c", "TE: x", "Cookie: a"],
                 kept_trailers=["X-Sum: 1"])
    yield answer("trailers of which none is kept", framing="chunked", host="t.test", asked=te,
                 trailers=["Content-Length: 1"])
    yield answer("trailers and an interim response", framing="chunked", host="t.test", asked=te,
                 interim=[(103, ["Link: </a>"])], trailers=sums, kept_trailers=sums)
    yield answer("no trailers to HEAD", framing="chunked", host="t.test", asked=te, method="HEAD")


def interim_responses():
    hints = (103, ["Link: </a>; rel=preload", "link: </b>", "Set-Cookie: a=b", "X: \xe4"])
    yield answer("103 with many fields", interim=[hints])
    yield answer("three interim responses", interim=[(100, []), (102, ["A: b"]), hints])
    yield answer("103 and 204", 204, interim=[hints], body=b"", framing="none")
    yield answer("103 and 304", 304, interim=[hints], body=b"", framing="none")
    yield answer("103 and chunks", interim=[hints], body=pattern(100_000), framing="chunked")
    yield answer("103 and a body until the close", interim=[hints], framing="close")
    yield answer("103 to HEAD", interim=[hints], method="HEAD")
    body = Section("rest", [], b"hello", True)
    asked = lines("POST / HTTP/1.1", "Host: a.test", "Expect: 100-continue", "Content-Length: 5", "")
    yield Case("a body that waits for its 100", "more", [
        Section("request", [], asked, True), body,
        Section("in", [], lines("HTTP/1.1 100 Continue", ""), True),
        Section("reply", [], lines("HTTP/1.1 200 OK", "Content-Length: 2", "") + b"ok", True),
        Section("client", ["100", "200", "open"]), Section("worker", ["reused"])])


def failures():
    sized = b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n"
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    yield broken("half of a long body", sized + pattern(50_000), "200", "cut", "closed")
    yield broken("chunks that break off", chunked + in_odd_chunks(pattern(70_000)), "200", "cut", "closed")
    yield broken("a chunk that breaks off", chunked + b"11170\r\n" + pattern(69_000), "200", "cut", "closed")
    yield broken("103 and half of a body", b"HTTP/1.1 103 x\r\nA: b\r\n\r\n" + sized + b"x",
                 "103", "200", "cut", "closed")
    yield broken("60000 bytes too much", b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok" + pattern(60_000),
                 "200", "open", ends=False)
    yield broken("a body to HEAD", b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", "200", "open",
                 method="HEAD", ends=False)
    yield broken("nonsense to HEAD", b"nonsense\r\n\r\n", "502", "open", method="HEAD", ends=False)
    yield broken("half a head to HEAD", b"HTTP/1.1 200 OK\r\nA: b", "502", "open", method="HEAD")
    yield broken("an answer of HTTP/2", b"\0\0\0\4\0\0\0\0\0", "502", "open")


def responses():
    found = []
    for part in (statuses, field_sets, bodies, trailer_sets, interim_responses, failures):
        found += part()
    return found
