"""Says in HTTP/2 what raw HTTP/1.1 means (RFC 9113 8.3.1, 8.2), or why HTTP/2 cannot say it.

Nothing is repaired: what is malformed in HTTP/1.1 is said just as malformed, if there are words for it.
"""
import dataclasses
import re

CHUNK_SIZE = re.compile(rb"([0-9a-fA-F]{1,16})(?:;[^\x00-\x08\x0a-\x1f\x7f]*)?\Z")
ABSOLUTE = re.compile(rb"(https?)://([^/?#]*)(.*)", re.IGNORECASE | re.DOTALL)
# RFC 9113 8.2.2: fields of an HTTP/1.1 connection.
REJECTIONS = {400, 413, 414, 417, 431, 501, 505}  # of the request itself, whoever would serve it
OF_CONNECTION = {b"connection", b"keep-alive", b"proxy-connection", b"transfer-encoding", b"upgrade"}


class NoCounterpart(Exception):
    """HTTP/2 has no way to say this; the argument is a key of meanings.WITHOUT_COUNTERPART."""


@dataclasses.dataclass
class Request:
    fields: list
    body: bytes = None       # None: the head is all
    trailers: list = None
    complete: bool = True    # else the stream stays open
    tunnel: bool = False     # an extended CONNECT (RFC 8441)

    @property
    def method(self):
        return dict(self.fields).get(b":method")


@dataclasses.dataclass
class Head:
    method: bytes
    target: bytes
    fields: list             # (name, value), names in lower case

    def values(self, name):
        return [value for key, value in self.fields if key == name]

    def tokens(self, name):
        return [token.strip(b" \t").lower() for value in self.values(name) for token in value.split(b",")]

    @property
    def asks_for_websocket(self):
        return (self.method == b"GET" and self.values(b"upgrade") == [b"websocket"] and
                b"upgrade" in self.tokens(b"connection") and
                not self.values(b"content-length") + self.values(b"transfer-encoding"))


def translate(raw, statuses, host="authority"):
    """The requests that are answered with these statuses. Where a status is a rejection, every field is
    said as it stands; else what belongs to the connection is left out, as RFC 9113 8.2.2 wants it.
    host: says Host as the "authority", as a "field", or as "both" (8.3.1)."""
    requests = []
    for status in statuses:
        # Where fields are counted, Host counts in HTTP/1.1.
        request, raw = translate_one(raw, status in REJECTIONS, status == 101,
                                     "field" if status == 431 else host)
        requests.append(request)
    if raw:
        raise NoCounterpart("independent")
    return requests


def translate_one(raw, literal, tunnel, host):
    head, rest = split_head(raw)
    if head.asks_for_websocket and not literal:
        body, rest = (rest, b"") if tunnel else (b"", rest)
        return Request(websocket_fields(head), body, complete=False, tunnel=True), rest
    lengths, codings = head.values(b"content-length"), head.values(b"transfer-encoding")
    body, trailers, complete = None, None, True
    if [c.lower() for c in codings] == [b"chunked"] and not lengths:
        body, trailers, complete, rest = read_chunks(rest, literal)
        head.fields = [field for field in head.fields if field[0] != b"transfer-encoding"]
    elif len(lengths) == 1 and lengths[0].isdigit() and not codings:
        size = int(lengths[0])
        body, rest = (rest[:size] or None), rest[size:]
        complete = len(body or b"") == size
    if literal and rest:
        body, rest = (body or b"") + rest, b""  # there is no telling where it ends
    return Request(fields_of(head, literal, host), body, trailers, complete), rest


def split_head(raw):
    raw = raw.removeprefix(b"\r\n")  # one empty line is tolerated (RFC 9112 2.2)
    head, end, rest = raw.partition(b"\r\n\r\n")
    first, *lines = head.split(b"\r\n")
    if first.count(b" ") < 2:
        raise NoCounterpart("lines")
    method, target = first.rsplit(b" ", 1)[0].split(b" ", 1)
    version = first.rsplit(b" ", 1)[1]
    if not re.fullmatch(rb"HTTP/\d\.\d", version) or not end:
        raise NoCounterpart("lines")
    if version != b"HTTP/1.1":
        raise NoCounterpart("version")
    return Head(method, target, [split_field(line) for line in lines]), rest


def split_field(line):
    name, colon, value = line.partition(b":")
    if not colon:
        raise NoCounterpart("lines")
    return name.lower(), value.strip(b" \t")


def read_chunks(raw, literal):
    """(body, trailers, whether it has ended, what is behind it). What is to be rejected may be so for its
    extensions."""
    body, at = b"", 0
    while (end := raw.find(b"\r\n", at)) >= 0:
        size = CHUNK_SIZE.match(raw[at:end])
        if not size or (literal and b";" in size[0]) or int(size[1], 16) >= 1 << 63:
            raise NoCounterpart("chunks")
        size, at = int(size[1], 16), end + 2
        if size == 0:
            return read_trailers(body, raw, at)
        body, at = body + raw[at:at + size], at + size + 2
        if len(raw) < at - 1:
            return body, None, False, b""
        if raw[at - 2:at] != b"\r\n":
            raise NoCounterpart("chunks")
    if raw[at:]:
        raise NoCounterpart("chunks")
    return body, None, False, b""


def read_trailers(body, raw, at):
    trailers = []
    while (end := raw.find(b"\r\n", at)) >= 0:
        line, at = raw[at:end], end + 2
        if not line:
            return body, trailers or None, True, raw[at:]
        trailers.append(split_field(line))
    if raw[at:]:
        raise NoCounterpart("chunks")
    return body, trailers or None, False, b""


# ---- fields ----------------------------------------------------------------------------------------


def fields_of(head, literal, host):
    hosts = head.values(b"host")
    absolute = ABSOLUTE.fullmatch(head.target)
    regular = head.fields if literal else without_connection(head)
    if absolute:
        if not hosts:
            raise NoCounterpart("host")
        scheme, authority, path = absolute.groups()
        if not path.startswith(b"/"):
            path = b"*" if head.method == b"OPTIONS" and not path else b"/" + path
        if literal and absolute[3].startswith(b"#"):
            path = absolute[3]
        pseudo = [(b":scheme", scheme), (b":authority", authority), (b":path", path)]
    elif head.method == b"CONNECT" and not head.target.startswith(b"/"):
        pseudo = [(b":authority", head.target)]
        regular = [field for field in regular if field[0] != b"host"]
    else:
        pseudo = [(b":scheme", b"https"), (b":path", head.target)]
        if len(hosts) == 1 and host != "field":
            pseudo.append((b":authority", hosts[0]))
        if len(hosts) == 1 and host == "authority":
            regular = [field for field in regular if field[0] != b"host"]
    return [(b":method", head.method), *pseudo, *crumbs(regular)]


def without_connection(head):
    """RFC 9113 8.2.2: what is of one HTTP/1.1 connection is removed, also what Connection nominates;
    of TE only "trailers" may stay."""
    nominated = set(head.tokens(b"connection")) - {b"te"}
    fields = []
    for name, value in head.fields:
        if name == b"te":
            if b"trailers" in head.tokens(b"te"):
                fields.append((name, b"trailers"))
        elif name not in OF_CONNECTION | nominated:
            fields.append((name, value))
    return fields


def crumbs(fields):
    """RFC 9113 8.2.3: cookies in pieces, as browsers send them."""
    pieces = []
    for name, value in fields:
        values = value.split(b"; ") if name == b"cookie" else [value]
        pieces += [(name, piece) for piece in values]
    return pieces


def websocket_fields(head):
    """RFC 8441 5."""
    return [(b":method", b"CONNECT"), (b":protocol", b"websocket"), (b":scheme", b"https"),
            (b":path", head.target), (b":authority", head.values(b"host")[0]),
            *(field for field in without_connection(head) if field[0] != b"host")]
