"""HTTP/1.1 messages as dmpm may write them, to its clients and to its workers, and what a client has
seen in the end, whatever its protocol."""
import dataclasses
import re

DATE = re.compile(rb"[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} 20\d\d \d\d:\d\d:\d\d GMT")
ERROR_ID = re.compile(rb"[0-9a-hjkmnp-tv-z]{12}")


@dataclasses.dataclass
class Message:
    head: bytes = b""     # with its empty line; empty while that has not come
    body: bytes = b""     # decoded
    trailers: list = dataclasses.field(default_factory=list)
    chunked: bool = False
    complete: bool = False
    size: int = 0         # on the wire, when complete

    @property
    def fields(self):
        return [tuple(line.split(b": ", 1)) for line in self.head.split(b"\r\n")[1:-2]]

    @property
    def status(self):
        return int(self.head[9:12])

    def values(self, name):
        return [value for key, value in self.fields if key.lower() == name]

    def normal(self):
        """A chunked body as one chunk: its pieces depend on how the bytes arrived."""
        if not self.chunked:
            return self.head + self.body
        chunk = b"%x\r\n%s\r\n" % (len(self.body), self.body) if self.body else b""
        trailers = b"".join(b"%s: %s\r\n" % field for field in self.trailers)
        return self.head + chunk + (b"0\r\n" + trailers + b"\r\n" if self.complete else b"")


def read_chunks(message, data, at):
    """Sizes as dmpm writes them: no extension, no leading zero."""
    while (end := data.find(b"\r\n", at)) >= 0:
        if not re.fullmatch(rb"0|[1-9a-f][0-9a-f]*", data[at:end]):
            raise AssertionError(f"a chunk size {data[at:end]}")
        size = int(data[at:end], 16)
        at = end + 2
        if size == 0:
            return read_trailers(message, data, at)
        message.body += data[at:at + size]
        at += size + 2
        if len(data) < at:
            return None
        if data[at - 2:at] != b"\r\n":
            raise AssertionError("a chunk does not end where its size says")
    return None


def read_trailers(message, data, at):
    while (end := data.find(b"\r\n", at)) >= 0:
        line, at = data[at:end], end + 2
        if not line:
            message.complete, message.size = True, at
            return
        message.trailers.append(tuple(line.split(b": ", 1)))


def read_message(data, bodiless=False, until_close=False, closed=False):
    """The message at the beginning of the bytes, as far as it has come. `until_close`: what ends it
    when it has no framing field, else such a message has no body."""
    message = Message()
    end = data.find(b"\r\n\r\n")
    if end < 0:
        return message
    message.head = data[:end + 4]
    for line in message.head.split(b"\r\n")[1:-2]:
        if not re.fullmatch(rb"[^\s:]+: [^\r\n\0]*", line):
            raise AssertionError(f"a field line {line}")
    lengths, codings = message.values(b"content-length"), message.values(b"transfer-encoding")
    if len(lengths) + len(codings) > 1 or codings not in ([], [b"chunked"]):
        raise AssertionError(f"the framing of {message.head}")
    at = end + 4
    if bodiless:
        message.complete, message.size = True, at
    elif codings:
        message.chunked = True
        read_chunks(message, data, at)
    elif until_close and not lengths:
        message.body, message.complete, message.size = data[at:], closed, len(data)
    else:
        size = int(lengths[0]) if lengths else 0
        message.body = data[at:at + size]
        message.size = at + size
        message.complete = len(data) >= message.size
    return message


def without_date(fields):
    return [(name, b"@" if name.lower() == b"date" and DATE.fullmatch(value) else value)
            for name, value in fields]


# ---- what a client has seen ------------------------------------------------------------------------


@dataclasses.dataclass
class Seen:
    """The answer to one request."""
    interim: list = dataclasses.field(default_factory=list)   # (status, fields)
    status: int = None
    fields: list = None
    body: bytes = b""
    trailers: list = dataclasses.field(default_factory=list)
    # "whole"; "open": more may come; "cut": broken off behind its head; "refused": without any answer
    state: str = "open"
    code: int = None      # of an HTTP/2 reset

    @property
    def error_id(self):
        """Of dmpm's own answer; else None."""
        values = [value for name, value in self.fields or [] if name.lower() == b"x-error-id"]
        return values[0] if len(values) == 1 and ERROR_ID.fullmatch(values[0]) else None

    def comparable(self):
        """Without what differs between any two answers: dates and error ids."""
        body, fields, error_id = self.body, without_date(self.fields or []), self.error_id
        if error_id:
            body = body.replace(error_id, b"@")
            fields = [(name, b"@" if value == error_id else value) for name, value in fields]
        return (self.interim, self.status, fields, body, self.trailers, self.state)


class Http1View:
    """What came on a client's connection since a case began."""

    def __init__(self, raw, closed, heads=()):
        self.seen, self.normal, words = [], b"", []
        self.tunnel, present = False, Seen()
        while raw and not self.tunnel:
            if b"\r\n\r\n" not in raw:
                words.append("half-a-head")
                break
            status = int(raw[9:12])
            bodiless = status < 200 or status in (204, 304) or len(self.seen) + 1 in heads
            message = read_message(raw, bodiless, until_close=True, closed=closed)
            self.normal += self.masked(message)
            words.append(str(status))
            self.tunnel = status == 101
            if status < 200 and not self.tunnel:
                present.interim.append((status, message.fields))
            else:
                present.status, present.fields, present.body = status, message.fields, message.body
                present.trailers = message.trailers
                present.state = "whole" if message.complete else "cut" if closed else "open"
                self.seen.append(present)
                present = Seen()
            if not message.complete:
                words.append("cut")
                break
            raw = raw[message.size:]
        if self.tunnel:
            self.normal += raw
            self.seen[-1].body, self.seen[-1].state = raw, "whole" if closed else "open"
        if present.interim or not self.seen:
            self.seen.append(present)
        self.text = " ".join([*(words or ["nothing"]), "closed" if closed else "open"])

    @staticmethod
    def masked(message):
        first = message.head.split(b"\r\n", 1)[0]
        lines = [first, *(b": ".join(field) for field in without_date(message.fields))]
        return dataclasses.replace(message, head=b"\r\n".join(lines) + b"\r\n\r\n").normal()
