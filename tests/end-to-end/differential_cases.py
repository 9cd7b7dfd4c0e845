"""Requests as clients may send them, for differential_test.py: all are accepted by dmpm, many are odd.

Which servers do not accept which: differential_refusals.py."""
import random
import string


class Case:
    """Raw bytes from the client, and what they mean: (method, target, body) of each request."""

    def __init__(self, name, raw, meaning):
        self.name, self.raw, self.meaning = name, raw, meaning


CASES = []


def add(name, raw, target=None, body=b""):
    """`target`: where it is not the second word of the raw request."""
    method, word = raw.split(b" ", 2)[:2]
    CASES.append(Case(name, raw, [(method.decode(), target or word.decode("latin-1"), body)]))


def request(method="GET", target="/", fields=(), body=b"", host="a.test", version="1.1"):
    lines = [f"{method} {target} HTTP/{version}", f"Host: {host}", *fields]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


def with_field(name, *lines):
    add(name, request(fields=lines))


def with_target(target):
    name = target if len(target) <= 60 else f"{target[:20]}... of {len(target)}"
    add(f"target {name}", request(target=target))


def with_length(name, body, fields=(), method="POST", target="/body"):
    add(name, request(method, target, [f"Content-Length: {len(body)}", *fields], body), body=body)


def chunked(name, wire, body, fields=(), method="POST", coding="chunked"):
    add(name, request(method, "/chunks", [f"Transfer-Encoding: {coding}", *fields], wire), body=body)


def pipelined(name, *parts):
    CASES.append(Case(name, b"".join(raw for raw, _ in parts), [m for _, m in parts]))


def add_methods():
    for method in ("GET", "HEAD", "OPTIONS", "DELETE", "POST", "PUT", "PATCH", "PROPFIND", "REPORT",
                   "BREW", "M-SEARCH", "get", "PURGE", "A", "!#$%&'*+-.^_`|~9z"):
        add(f"method {method}", request(method, "/method"))
    for method in ("PATCH", "PUT", "DELETE", "PROPFIND", "BREW"):
        with_length(f"body of a {method}", b"hello", method=method)
        chunked(f"chunked {method}", b"5\r\nhello\r\n0\r\n\r\n", b"hello", method=method)
    add("OPTIONS *", request("OPTIONS", "*"))
    with_length("OPTIONS * with a body", b"hello", method="OPTIONS", target="*")


def add_targets():
    for target in ("/", "//", "//x//y", "///a.test/b", "/a/b/c?d=e&f=g", "/a;b=c", "/a,b", "/a:b", "/a@b",
                   "/a|b", "/\"quoted\"", "/<>", "/{}[]^`\\", "/~user/", "/*", "/a+b?c+d",
                   "/http://b.test/", "/index.php/extra?x[]=1&x[]=2", "/!$&'()*+,;=:@-._~"):
        with_target(target)
    # Percent-encoding is nobody's business on the way: neither decoded, nor its case changed, nor added.
    for target in ("/%20", "/%C3%A9", "/%c3%a9", "/%41%42", "/%7Euser", "/a%3Fb", "/a%23b", "/a%3Bb",
                   "/a%25", "/a%2525b", "/%2B+", "/a%26b?c%3Dd%26e", "/%2F", "/a%2fb", "/a%5cb", "/%00",
                   "/%0d%0aX:%20y", "/%7f", "/%zz", "/%", "/%2", "/%u0041", "/%ff", "/%c0%af",
                   "/%e2%82%ac"):
        with_target(target)
    for target in ("/.", "/./", "/a/.", "/a/./b", "/..a", "/...", "/a/..", "/a/../b", "/a/b/../../c",
                   "/a//../b", "/a/..;/b", "/a/%2e/b", "/a/%2E%2e/b", "/a/.%2e/b", "/a/..%2fb", "/..",
                   "/../x", "/a/../../x", "/%2e%2e/x", "//../x"):
        with_target(target)
    for target in ("/?", "//?", "/x??", "/?a=b?c", "/?=", "/?&&", "/?a&b=&=c", "/?a=1&a=2&A=3", "/x?y=/../z",
                   "/?/../..", "/?%2e%2e%2f", "/?http://b.test/", "/?a=%", "/?a=%zz", "/?a=%00", "/?a=%ff",
                   "/?a=%0d%0aX:%20y", "/?a=b;c=d", "/?a='\"<>|`{}[]^\\", "/?a=b+c%20d%2Be"):
        with_target(target)
    for size in (1000, 4000, 8000, 8192):
        with_target("/" + "u" * (size - 1))
        with_target("/?" + "q" * (size - 2))
    for target, meant in (("http://a.test/abs", "/abs"), ("https://a.test/abs?x=y", "/abs?x=y"),
                          ("HTTP://A.test/Abs", "/Abs"), ("http://a.test", "/"), ("http://a.test?", "/?"),
                          ("http://a.test?x=/y", "/?x=/y"),
                          ("http://a.test//two", "//two"), ("http://a.test/a/../b", "/a/../b"),
                          ("http://a.test/%41?%42", "/%41?%42"),
                          ("http://a.test/http://b.test/", "/http://b.test/")):
        add(f"absolute {target}", request(target=target), target=meant)
    for method, target, meant in (("OPTIONS", "http://a.test", "*"), ("OPTIONS", "http://a.test/", "/"),
                                  ("HEAD", "http://a.test/head", "/head"),
                                  ("DELETE", "http://a.test/gone", "/gone")):
        add(f"absolute {method} {target}", request(method, target), target=meant)
    add("absolute with a port", request(target="http://a.test:80/port", host="a.test:80"), target="/port")
    add("absolute with a body", request("POST", "http://a.test/abs", ["Content-Length: 5"], b"hello"),
        target="/abs", body=b"hello")
    for host in ("A.TEST", "a.test.", "a.test:443", "a.test:8443", "a.test:"):
        add(f"host {host}", request(host=host))


def add_fields():
    with_field("empty value", "X-Empty:", "X-After: 1")
    with_field("blank value", "X-Blank: \t ", "X-After: 1")
    with_field("no space behind the colon", "X-Tight:value")
    with_field("much space around", "X-Wide: \t  value \t ")
    with_field("tab inside", "X-Tab: a\tb")
    with_field("colons", "X-Colons: a:b: c:", "X-Url: http://b.test:80/")
    with_field("looks like a request", "X-Smuggle: GET /evil HTTP/1.1")
    with_field("looks like framing", "X-Content-Length: 5", "X-Transfer-Encoding: chunked",
               "Content-Length-X: 7", "Transfer-Encodin: chunked")
    with_field("obs-text", "X-Latin: caf\xe9", "X-High: \x80\x85\xa0\xff")
    with_field("UTF-8", "X-Utf8: \xc3\xa9\xe2\x82\xac", "Cookie: a=\xc3\xa9", "User-Agent: \xe9")
    with_field("quotes and backslashes", 'X-Quoted: "a\\"b, c"', "X-Open: \"unbalanced")
    with_field("separators", "X-Separators: ()<>@,;:\\\"/[]?={}")
    with_field("percent and escapes", "X-Percent: %0d%0aX-Evil: 1", "X-Escape: \\r\\nX-Evil: 1")
    with_field("every visible byte", "X-All: " + "".join(map(chr, range(0x21, 0x7f))))
    with_field("odd name", "!#$%&'*+-.^`|~9z: value", "X-After: 1")
    with_field("numeric name", "123: value")
    with_field("one letter", "X: y", "Z: \xfc")
    with_field("underscore is dropped", "X_Under: 1", "X-After: 1", "Content_Length: 10",
               "Transfer_Encoding: chunked")
    with_field("long value", "X-Long: " + "v" * 8000)
    with_field("very long value", "Cookie: " + "; ".join(f"c{i}=" + "w" * 400 for i in range(40)))
    with_field("long name", "X-" + "N" * 200 + ": value")
    with_field("many fields", *(f"X-Many-{i}: {i}" for i in range(110)))
    with_field("repeated", "X-Repeated: 1", "X-Other: x", "X-Repeated: 2", "x-repeated: 3")
    with_field("repeated, empty between", "X-Repeated: 1", "X-Repeated:", "X-Repeated: 3")
    with_field("repeated, with commas", "X-Repeated: 1, 2", "X-Repeated: ,", "X-Repeated: \"3, 4\"")
    with_field("repeated, the same", "X-Repeated: 1", "X-Repeated: 1")
    with_field("repeated obs-text", "X-Repeated: \xe9", "X-Repeated: \xff")
    with_field("repeated cookies", "Cookie: a=1", "Cookie: b=2")
    with_field("repeated lists", "Accept: text/html", "Accept: */*;q=0.1", "Accept-Encoding: gzip",
               "Accept-Encoding: br")
    # Of these a request has at most one (RFC 9110), but nothing depends on it on the way.
    dates = "Sat, 29 Oct 1994 19:43:31 GMT", "Sun, 30 Oct 1994 19:43:31 GMT"
    for name, *values in (("Content-Type", "text/plain", "text/html"), ("User-Agent", "a", "b"),
                          ("Authorization", "Basic YTpi", "Basic Yzpk"),
                          ("Range", "bytes=0-1", "bytes=5-9"), ("Max-Forwards", "1", "2"),
                          ("Referer", "http://a.test/", "http://b.test/"), ("If-Modified-Since", *dates)):
        with_field(f"two of {name}", *(f"{name}: {value}" for value in values))
    with_field("two of If-None-Match", 'If-None-Match: "a"', 'If-None-Match: "b"')
    with_field("case of names", "aCcEpT: text/plain", "x-lower: 1", "X-UPPER: 2")
    with_field("authorization", "Authorization: Basic YTpi")
    with_field("range and conditions", "Range: bytes=0-1,-5", "If-None-Match: W/\"x\", *",
               "If-Modified-Since: Sat, 29 Oct 1994 19:43:31 GMT")
    with_field("forged forwarding", "X-Forwarded-For: 1.2.3.4", "X-Forwarded-Host: b.test",
               "X-Forwarded-Proto: gopher", "Forwarded: for=1.2.3.4", "X-Real-IP: 1.2.3.4",
               "Proxy: http://evil.test/")
    for options in ("close", "keep-alive", "Keep-Alive, X-Hop", "x-hop,, ,x-gone", "TE", "upgrade",
                    "x-forwarded-for", "trailer"):
        with_field(f"connection {options}", f"Connection: {options}", "X-Hop: secret", "X-Gone: secret",
                   "X-Stays: 1")
    with_field("two connection fields", "Connection: x-hop", "X-Hop: 1", "Connection: x-gone",
               "X-Gone: 2")
    with_field("hop by hop", "Keep-Alive: timeout=5", "Proxy-Connection: keep-alive",
               "Proxy-Authorization: Basic YTpi", "TE: trailers, deflate", "Trailer: X-Sum",
               "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAAQAAP__")
    with_field("websocket refused by all", "Connection: Upgrade", "Upgrade: websocket",
               "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Version: 13")
    with_field("h2c is not passed on", "Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c",
               "HTTP2-Settings: AAMAAABkAAQAAP__")


def add_bodies():
    generator = random.Random(5)
    with_length("one byte", b"x")
    with_length("no bytes", b"")
    with_length("binary", bytes(range(256)))
    with_length("a request as a body", b"GET /evil HTTP/1.1\r\nHost: b.test\r\n\r\n")
    with_length("chunks as a body", b"5\r\nhello\r\n0\r\n\r\n")
    with_length("line ends", b"\r\n\r\n\r\n")
    with_length("60 KB", generator.randbytes(60_000))
    with_length("200 KB", generator.randbytes(200_000))
    with_length("a form", b"a=b&c=d", ["Content-Type: application/x-www-form-urlencoded"])
    with_length("body of a GET", b"hello", method="GET")
    with_length("body of an OPTIONS", b"hello", method="OPTIONS")
    with_length("body of a HEAD", b"hello", method="HEAD")
    with_length("Expect", b"hello", ["Expect: 100-continue"], method="PUT")
    add("leading zeros", request("POST", "/zeros", ["Content-Length: 0005"], b"hello"), body=b"hello")
    chunked("chunked", b"5\r\nhello\r\n0\r\n\r\n", b"hello")
    chunked("chunked, empty", b"0\r\n\r\n", b"")
    chunked("chunked, pieces", b"1\r\na\r\n2\r\nbc\r\nA\r\n0123456789\r\na\r\n0123456789\r\n0\r\n\r\n",
            b"abc01234567890123456789")
    chunked("chunked, extensions", b"5;a=b;c=\"d;e\"\r\nhello\r\n0;last\r\n\r\n", b"hello")
    chunked("chunked, leading zeros", b"0005\r\nhello\r\n000\r\n\r\n", b"hello")
    chunked("chunked, trailers", b"5\r\nhello\r\n0\r\nX-Sum: 1\r\nContent-Length: 9\r\n\r\n", b"hello")
    chunked("chunked, many trailers", b"5\r\nhello\r\n0\r\n" + b"".join(
        b"X-Trailer-%d: %d\r\n" % (i, i) for i in range(50)) + b"\r\n", b"hello", ["Trailer: X-Trailer-1"])
    chunked("chunked, trailers that a field could not be", b"5\r\nhello\r\n0\r\nHost: b.test\r\n"
            b"Transfer-Encoding: gzip\r\nX_Under: 1\r\nX-Latin: \xe9\r\n\r\n", b"hello", ["TE: trailers"])
    chunked("chunked form", b"7\r\na=b&c=d\r\n0\r\n\r\n", b"a=b&c=d",
            ["Content-Type: application/x-www-form-urlencoded"])
    chunked("chunked HEAD", b"5\r\nhello\r\n0\r\n\r\n", b"hello", method="HEAD")
    chunked("chunked OPTIONS", b"5\r\nhello\r\n0\r\n\r\n", b"hello", method="OPTIONS")
    every_byte = bytes(range(256))
    chunked("chunked, binary", b"100\r\n" + every_byte + b"\r\n0\r\n\r\n", every_byte)
    chunked("chunked, request inside", b"23\r\nGET /evil HTTP/1.1\r\nHost: b.test\r\n\r\n\r\n0\r\n\r\n"
            .replace(b"23", b"%x" % 36), b"GET /evil HTTP/1.1\r\nHost: b.test\r\n\r\n")
    chunked("chunked, upper case coding", b"5\r\nhello\r\n0\r\n\r\n", b"hello", coding="CHUNKED")
    chunked("chunked GET", b"5\r\nhello\r\n0\r\n\r\n", b"hello", method="GET")
    chunked("chunked with Expect", b"5\r\nhello\r\n0\r\n\r\n", b"hello", ["Expect: 100-Continue"])
    big = generator.randbytes(150_000)
    chunked("chunked, 150 KB", b"".join(b"%X\r\n%s\r\n" % (len(big[at:at + 7001]), big[at:at + 7001])
                                        for at in range(0, len(big), 7001)) + b"0\r\n\r\n", big)


def add_others():
    add("HTTP/1.0", request(version="1.0"))
    add("HTTP/1.0 keep-alive", request(fields=["Connection: keep-alive"], version="1.0"))
    add("HTTP/1.0 with a body", request("POST", "/old", ["Content-Length: 5"], b"hello", version="1.0"),
        body=b"hello")
    add("HTTP/1.0 with Expect", request("POST", "/old", ["Content-Length: 5", "Expect: 100-continue"],
                                        b"hello", version="1.0"), body=b"hello")
    add("HTTP/1.0 absolute", b"GET http://a.test/old HTTP/1.0\r\n\r\n", target="/old")
    CASES.append(Case("an empty line first", b"\r\n" + request(target="/late"),
                      [("GET", "/late", b"")]))
    get = request(target="/first"), ("GET", "/first", b"")
    post = (request("POST", "/second", ["Content-Length: 5"], b"hello"), ("POST", "/second", b"hello"))
    chunks = (request("PUT", "/third", ["Transfer-Encoding: chunked"], b"3\r\nabc\r\n0\r\n\r\n"),
              ("PUT", "/third", b"abc"))
    head = request("HEAD", "/fourth"), ("HEAD", "/fourth", b"")
    pipelined("pipelined GET, GET", get, get)
    pipelined("pipelined POST, GET", post, get)
    pipelined("pipelined PUT, POST, HEAD, GET", chunks, post, head, get)
    pipelined("pipelined HEAD, chunks, HEAD", head, chunks, head)


def add_random(count):
    """Fields, paths and bodies from the characters that are allowed, the same ones in every run."""
    generator = random.Random(7)
    values = string.ascii_letters + string.digits + string.punctuation + " \t\xe4\xff"
    path = string.ascii_letters + string.digits + "-._~!$&'()*+,;=:@/"
    for number in range(count):
        lines = [f"X-R{i}: " + "".join(generator.choices(values, k=generator.randrange(60))).strip()
                 for i in range(generator.randrange(8))]
        target = "/r" + "".join(generator.choices(path, k=generator.randrange(80)))
        body = generator.randbytes(generator.randrange(3000))
        if number % 2:
            add(f"random {number}", request("POST", target,
                                            lines + [f"Content-Length: {len(body)}"], body), body=body)
        else:
            add(f"random {number}", request(target=target, fields=lines))


add_methods()
add_targets()
add_fields()
add_bodies()
add_others()
add_random(20)
