"""Meanings that the corpus leaves to whole programs, in the corpus's form: what goes in over HTTP/1.1 and
what must come of it, to the byte. Most differ in one thing from `GET / HTTP/1.1, Host: a.test`. Here the
requests; the responses are in meanings_answers.py."""
from meanings_corpus import CLIENT, Case, Section

EVERY_TCHAR = "!#$%&'*+-.^_`|~09azAZ"
VISIBLE = "".join(map(chr, range(0x21, 0x7f)))
ODD_SIZES = (1, 2, 5, 4096, 16383, 16385, 9, 65537)


def pattern(size):
    return (bytes(range(251)) * (size // 251 + 1))[:size]


def in_odd_chunks(body):
    """The chunked coding of the body, in pieces of all kinds of sizes."""
    out, at, count = b"", 0, 0
    while at < len(body):
        piece = body[at:at + ODD_SIZES[count % len(ODD_SIZES)]]
        out += b"%X;piece=%d\r\n%s\r\n" % (len(piece), count, piece)
        at, count = at + len(piece), count + 1
    return out


def one_chunk(body):
    return b"%x\r\n%s\r\n" % (len(body), body) if body else b""


def lines(*texts):
    return "".join(text + "\r\n" for text in texts).encode("latin-1")


def kept(fields, dropped):
    return [field for field in fields if field.partition(":")[0].lower() not in dropped]


# ---- requests --------------------------------------------------------------------------------------

# pylint: disable=too-many-arguments


def request(name, method="GET", target="/", fields=(), host="a.test", site="a.test", body=None,
            chunked=False, trailers=(), dropped=(), client=("200", "open")):
    """One that is served. `dropped`: names of fields that do not reach the worker."""
    sent, got, data, as_sent, as_got = [], [], body or b"", body or b"", body or b""
    if chunked:
        sent = got = ["Transfer-Encoding: chunked"]
        as_sent = in_odd_chunks(data) + b"0\r\n" + lines(*trailers) + b"\r\n"
        as_got = one_chunk(data) + b"0\r\n\r\n"
    elif body is not None:
        sent = got = [f"Content-Length: {len(data)}"]
    elif method in ("POST", "PUT", "PATCH"):
        got = ["Content-Length: 0"]  # RFC 9110 8.6
    line = f"{method} {target} HTTP/1.1"
    forwarded = [f"X-Forwarded-For: {CLIENT.decode()}", "X-Forwarded-Proto: https",
                 f"X-Forwarded-Host: {host}",
                 f'Forwarded: for={CLIENT.decode()};host="{host}";proto=https']
    raw = lines(line, f"Host: {host}", *fields, *sent, "") + as_sent
    at_worker = lines(line, f"Host: {host}", *kept(fields, dropped), *forwarded, *got, "") + as_got
    sections = [Section("in", [], raw, True), Section("worker", [site], at_worker, True),
                Section("client", list(client))]
    return Case(name, "more", sections + ([Section("heads", ["1"])] if method == "HEAD" else []))


def refused(name, raw, *client):
    return Case(name, "more", [Section("in", [], raw, True),
                               Section("client", list(client or ("400", "closed")))])


def refused_field(name, field):
    return refused(name, b"GET / HTTP/1.1\r\nHost: a.test\r\n%s\r\n\r\n" % field)


def methods():
    for method in ("PUT", "PATCH", "DELETE", "OPTIONS", "QUERY", "REPORT", "M-SEARCH", "PURGE", "A"):
        yield request(f"method {method}", method, "/x?y")
        yield request(f"method {method} with a body", method, "/x", body=b"some body")
        yield request(f"method {method} with chunks", method, "/x", body=b"some body", chunked=True)
    yield request("HEAD with a query", "HEAD", "/a?b=c")


def targets():
    for target in ("/%2F..%2f..", "/%ff%FE", "/%u0041%", "/a%00b?%0d%0aX:%20y", "/~user/", "/;p=1;q?;",
                   "/:80", "/@x", "/?" + "q" * 4000, "/" + "%41" * 2000, "/http://b.test/", "///", "/.",
                   "/..;/x", "/?a=b&a=c&&", "/!$&'()*+,;=:@", "/|^`{}\"<>[]\\", "/a//b/./c/../d", "/?/?*"):
        yield request(f"target {target[:30]}", target=target)


def hosts():
    for host, site in (("A.TEST", "a.test"), ("a.test.", "a.test"), ("a.test.:443", "a.test"),
                       ("a.test:", "a.test"), ("a.test:0", "a.test"), ("a.test:65535", "a.test"),
                       ("B.Test:8443", "b.test"), ("b.test.", "b.test"), ("x.w.test", "*.w.test"),
                       ("X.W.TEST.", "*.w.test"), ("a.b.c.w.test:1", "*.w.test"),
                       ("xn--4ca.w.test", "*.w.test"), ("a_b.w.test", "*.w.test"),
                       ("-.w.test", "*.w.test"), ("x" * 63 + ".w.test", "*.w.test"), ("t.test", "t.test")):
        yield request(f"host {host}", host=host, site=site)


def field_sets():
    def one(name, *more, dropped=()):
        return request(name, fields=more, dropped=dropped)
    yield one("100 small fields", *(f"X-{i}: {i}" for i in range(100)))
    yield one("a value of 20000 bytes", "X-Long: " + "v" * 20000)
    yield one("a name of 1000 bytes", "X-" + "n" * 1000 + ": v")
    yield one("every visible byte", "X-All: " + VISIBLE)
    yield one("every byte of obs-text", "X-High: " + "".join(map(chr, range(0x80, 0x100))))
    yield one("values that look like framing", "X-A: Transfer-Encoding: chunked", "X-B: \\r\\n\\r\\n",
              "X-Content-Length: 5", "Content-Length-X: 5", "Transfer-Encodin: chunked")
    yield one("empty values", "X-Empty: ", "Accept: ", "X-After: 1")
    yield one("repeated fields", "Accept: a/b", "X-Between: 1", "Accept: c/d;q=0.1", "Accept: */*")
    yield one("lists and quotes", "X-List: a,, ,b", "X-Open: \"unbalanced", "X-Escaped: \"a\\\"b\"")
    yield one("fields of browsers", "User-Agent: Mozilla/5.0 (X; \xe4)", "Accept-Encoding: gzip, br, zstd",
              "Referer: https://a.test/?x#y", "Sec-Fetch-Mode: navigate", "Upgrade-Insecure-Requests: 1",
              "Origin: null", "Priority: u=0, i", "DNT: 1", "Early-Data: 1")
    yield one("conditions", "If-None-Match: W/\"x\", *", "If-Match: \"y\"", "Range: bytes=0-1,-5",
              "If-Modified-Since: Sat, 29 Oct 1994 19:43:31 GMT", "If-Range: \"z\"")
    yield one("credentials", "Authorization: Basic YTpi", "Authorization: Bearer x",
              "Proxy-Authorization: Basic YTpi", dropped=("proxy-authorization",))
    yield one("every forged forwarding field", "X-Forwarded-For: 1.2.3.4", "X-Forwarded-For: 5.6.7.8",
              "X-Forwarded-Host: b.test", "X-Forwarded-Proto: http", "X-Forwarded-Port: 1",
              "X-Forwarded-Prefix: /", "Forwarded: for=1.2.3.4;host=b.test", "X-Real-IP: 1.2.3.4",
              "Proxy: http://b.test/", "True-Client-IP: 1.2.3.4",
              dropped=("x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-forwarded-port",
                       "x-forwarded-prefix", "forwarded", "x-real-ip", "proxy"))
    yield one("names that are not plain", f"{EVERY_TCHAR}: 1", "X_A: 1", "X.A: 1", "X-A: 2",
              dropped=(EVERY_TCHAR.lower(), "x_a", "x.a"))
    yield one("TE and Trailer", "TE: trailers", "Trailer: X-Sum", "X-A: 1", dropped=("te", "trailer"))
    yield request("TE to a site that forwards trailers", fields=["TE: trailers"], dropped=("te",),
                  host="t.test", site="t.test")
    for name, cookies in (("one", ["a=1"]), ("several in one", ["a=1; b=2; c=3"]),
                          ("several fields", ["a=1", "b=2"]), ("without a space", ["a=1;b=2"]),
                          ("empty", [""]), ("odd", ["; ;a; =b; c=d=e;"]), ("long", ["a=" + "x" * 9000])):
        yield request(f"cookies: {name}", fields=["X-A: 1", *(f"Cookie: {c}" for c in cookies), "X-B: 2"])


def bodies():
    for size in (1, 1000, 65535, 65536, 65537, 300_000):
        yield request(f"a body of {size} bytes", "PUT", body=pattern(size))
        yield request(f"a chunked body of {size} bytes", "PUT", body=pattern(size), chunked=True)
    yield request("a chunked body of a mebibyte for another site", "POST", host="b.test", site="b.test",
                  body=pattern(1 << 20), chunked=True)
    yield request("a body that is encoded", "POST", body=b"\x1f\x8b\0\0",
                  fields=["Content-Encoding: gzip", "Content-Type: multipart/form-data; boundary=\"x\""])
    yield request("a body with what is expected", "POST", fields=["Expect: 100-continue"], body=b"abc",
                  client=("100", "200", "open"))
    yield request("an expectation without a body", fields=["Expect: 100-continue"],
                  client=("100", "200", "open"))
    yield request("an expectation and no byte", "PUT", fields=["Expect: 100-continue"], body=b"",
                  client=("100", "200", "open"))
    yield request("an empty body in chunks", "POST", body=b"", chunked=True)
    for host in ("a.test", "t.test"):  # with forward_trailers as well: that is for responses
        for te in ([], ["TE: trailers"]):
            yield request(f"trailers of a request to {host} {te}", "POST", host=host, site=host,
                          fields=te, dropped=("te",), body=b"abc", chunked=True,
                          trailers=["X-Sum: 1", "X-Sum: 2", "Y: \xe4"])


def rejections():
    for byte in [*range(0x00, 0x09), *range(0x0b, 0x0d), *range(0x0e, 0x20), 0x7f, 0x0a, 0x0d]:
        yield refused_field(f"byte {byte:02x} in a value", b"A: b%cc" % byte)
    for byte in b"\0\x1f\x7f\x80\xff\"(),/;<=>?@[\\]{} \t":
        yield refused_field(f"byte {byte:02x} in a name", b"A%cb: c" % byte)
        yield refused(f"byte {byte:02x} in the method", b"G%cT / HTTP/1.1\r\nHost: a.test\r\n\r\n" % byte)
    for byte in b"\0\x01\t\x0b\x1f #\x7f\x80\xff\r":
        yield refused(f"byte {byte:02x} in the target", b"GET /a%cb HTTP/1.1\r\nHost: a.test\r\n\r\n" % byte)
    for byte in b"\0 \t!\"#$%&'()*+,/;<=>?@[\\]^`{|}~\x7f\x80\xff":
        yield refused(f"byte {byte:02x} in the host", b"GET / HTTP/1.1\r\nHost: a%cb.w.test\r\n\r\n" % byte)
    for host in (b"[::1\0]", b"a.test:-1", b"a.test:443:", b"[::1]443", b"[::ffff:1.2.3.999]",
                 b"a.test:0x1", b"w.test..", b"x" * 256):
        yield refused(f"host {host[:20]}", b"GET / HTTP/1.1\r\nHost: %s\r\n\r\n" % host)


def requests():
    found = []
    for part in (methods, targets, hosts, field_sets, bodies, rejections):
        found += part()
    return found
