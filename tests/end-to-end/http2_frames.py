"""HTTP/2 as bytes: what a client may send, right or wrong, and what came back.

Frames to send are byte strings made by the functions below, so that a test can send what no library
would make. What comes back is parsed by python3-hyperframe and python3-hpack.

    with Connection(dmpm) as client:
        stream = client.request("GET", "a.test", "/")
        print(stream.status, stream.body)
"""
import json
import os
import random
import socket
import ssl
import time

import hpack
from hyperframe.frame import (DataFrame, Frame, GoAwayFrame, HeadersFrame, PingFrame, RstStreamFrame,
                              SettingsFrame, WindowUpdateFrame, ContinuationFrame)

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DEADLINE = 10

# Frame types
DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, \
    CONTINUATION = range(10)
PRIORITY_UPDATE = 0x10

# Flags
ACK = END_STREAM = 0x1
END_HEADERS, PADDED, PRIORITY_FLAG = 0x4, 0x8, 0x20

# Errors (RFC 9113 7)
NO_ERROR, PROTOCOL_ERROR, INTERNAL_ERROR, FLOW_CONTROL_ERROR, SETTINGS_TIMEOUT, STREAM_CLOSED, \
    FRAME_SIZE_ERROR, REFUSED_STREAM, CANCEL, COMPRESSION_ERROR, CONNECT_ERROR, ENHANCE_YOUR_CALM, \
    INADEQUATE_SECURITY, HTTP_1_1_REQUIRED = range(14)

# Settings (RFC 9113 6.5.2, RFC 8441, RFC 9218)
HEADER_TABLE_SIZE, ENABLE_PUSH, MAX_CONCURRENT_STREAMS, INITIAL_WINDOW_SIZE, MAX_FRAME_SIZE, \
    MAX_HEADER_LIST_SIZE = range(1, 7)
ENABLE_CONNECT_PROTOCOL, NO_RFC7540_PRIORITIES = 8, 9


# ---- frames ----------------------------------------------------------------------------------------


def frame(kind, flags=0, stream=0, payload=b"", length=None):
    """Any frame; `length` when it is to lie about its size."""
    size = len(payload) if length is None else length
    return size.to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload


def u32(number):
    return number.to_bytes(4, "big")


def settings(*pairs, flags=0, stream=0):
    payload = b"".join(key.to_bytes(2, "big") + u32(value) for key, value in pairs)
    return frame(SETTINGS, flags, stream, payload)


def headers(fields, stream=1, end_stream=True, end_headers=True, flags=0):
    """fields: pairs, or a block that is already encoded."""
    block = fields if isinstance(fields, bytes) else encode(fields)
    flags |= (END_STREAM if end_stream else 0) | (END_HEADERS if end_headers else 0)
    return frame(HEADERS, flags, stream, block)


def continuation(block, stream=1, end_headers=True):
    return frame(CONTINUATION, END_HEADERS if end_headers else 0, stream, block)


def data(payload=b"", stream=1, end_stream=True, flags=0):
    return frame(DATA, flags | (END_STREAM if end_stream else 0), stream, payload)


def reset(stream=1, code=CANCEL):
    return frame(RST_STREAM, 0, stream, u32(code))


def ping(payload=b"12345678", flags=0, stream=0):
    return frame(PING, flags, stream, payload)


def window_update(increment, stream=0):
    return frame(WINDOW_UPDATE, 0, stream, u32(increment))


def goaway(last=0, code=NO_ERROR, more=b""):
    return frame(GOAWAY, 0, 0, u32(last) + u32(code) + more)


def priority(stream=1, parent=0, weight=15):
    return frame(PRIORITY, 0, stream, u32(parent) + bytes([weight]))


def priority_update(element, value, stream=0):
    return frame(PRIORITY_UPDATE, 0, stream, u32(element) + value)


def padded(payload, size):
    return bytes([size]) + payload + bytes(size)


# ---- header blocks (RFC 7541) ----------------------------------------------------------------------


def integer(value, prefix, first=0):
    """RFC 7541 5.1, with the bits of `first` above the prefix."""
    limit = (1 << prefix) - 1
    if value < limit:
        return bytes([first | value])
    out, value = [first | limit], value - limit
    while value >= 128:
        out.append(value % 128 + 128)
        value //= 128
    return bytes([*out, value])


def text(value):
    value = value.encode("latin-1") if isinstance(value, str) else value
    return integer(len(value), 7) + value


def literal(name, value, first=0x00):
    """A new name: 0x00 without indexing, 0x10 never indexed, 0x40 with incremental indexing."""
    return bytes([first]) + text(name) + text(value)


def encode(fields):
    """Without Huffman and without the table: every block can be decoded at any time."""
    return b"".join(literal(name, value) for name, value in fields)


def request(method="GET", path="/", authority="a.test", more=(), scheme="https"):
    """The fields of a request; None leaves a pseudo-field out."""
    pseudo = [(":method", method), (":scheme", scheme), (":path", path), (":authority", authority)]
    return [(name, value) for name, value in pseudo if value is not None] + list(more)


# ---- a connection ----------------------------------------------------------------------------------


class Stream:
    """What came back on one stream."""

    def __init__(self, number):
        self.number = number
        self.interim, self.fields, self.trailers = [], None, None
        self.body = b""
        self.ended, self.reset = False, None

    @property
    def over(self):
        return self.ended or self.reset is not None

    @property
    def status(self):
        return int(dict(self.fields)[":status"]) if self.fields else None

    def field(self, name):
        return next((value for key, value in self.fields if key == name), None)

    def json(self):
        return json.loads(self.body)

    def take_headers(self, fields, end_stream):
        status = dict(fields).get(":status")
        if status is not None and status.startswith("1"):
            self.interim.append(fields)
        elif self.fields is None:
            self.fields = fields
        else:
            self.trailers = fields
        self.ended |= end_stream

    def __repr__(self):
        state = f"reset {self.reset}" if self.reset is not None else \
            "ended" if self.ended else "open"
        return f"stream {self.number} {state}: {self.fields} {self.body[:200]!r}"


def source_of_its_own():
    """An address for who misbehaves: once ended, he has to wait before he comes back from there."""
    return f"127.{random.randrange(1, 255)}.{random.randrange(256)}.{random.randrange(1, 255)}"


class Connection:
    """A client's connection that negotiated h2. `start=False`: sends nothing by itself."""

    def __init__(self, dmpm, sni="a.test", start=True, window=1 << 28, more_settings=(),
                 timeout=DEADLINE, tls=None, source="127.0.0.1"):
        self.next_probe = 0x7f01
        sock = socket.create_connection(("127.0.0.1", dmpm.port), timeout, source_address=(source, 0))
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        context = tls or tls_context(dmpm.authority.file)
        self.sock = context.wrap_socket(sock, server_hostname=sni)
        if self.sock.selected_alpn_protocol() != "h2":
            raise AssertionError("h2 was not negotiated")
        self.timeout = timeout
        self.buffer = b""
        self.streams, self.frames, self.settings, self.pings = {}, [], None, []
        self.goaway, self.goaways, self.closed = None, [], False
        self.settings_acks = 0
        self.auto = start  # answers SETTINGS and PING, opens windows
        self.window = window
        self.decoder = hpack.Decoder()
        self.decoder.max_header_list_size = 1 << 22
        self.encoder = hpack.Encoder()
        self.block = None
        self.next_stream = 1
        self.credit = 65535          # what the server lets us send
        self.stream_credit = {}
        if start:
            opening = PREFACE + settings((INITIAL_WINDOW_SIZE, window), *more_settings)
            if window > 65535:
                opening += window_update(window - 65535)
            self.send(opening)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.sock.close()

    def send(self, *pieces):
        self.sock.sendall(b"".join(pieces))

    # -- requests --

    def open(self, method, authority, path="/", more=(), end_stream=True, fields=None):
        """Sends a request's head; the stream's number."""
        number, self.next_stream = self.next_stream, self.next_stream + 2
        block = self.encoder.encode(fields or request(method, path, authority, more))
        self.stream(number)
        flags = END_STREAM if end_stream else 0
        pieces = [block[at:at + 16384] for at in range(0, len(block), 16384)]
        out = frame(HEADERS, flags | (END_HEADERS if len(pieces) == 1 else 0), number, pieces[0])
        for index, piece in enumerate(pieces[1:], 2):
            out += continuation(piece, number, index == len(pieces))
        self.send(out)
        return number

    def upload(self, number, body, end_stream=True):
        """Sends a body as far as the windows reach, and waits for more window."""
        while self.settings is None:
            self.read()
        at = 0
        while at < len(body) or (end_stream and not body):
            initial = self.settings.get(INITIAL_WINDOW_SIZE, 65535)
            mine = initial + self.stream_credit.get(number, 0)
            size = min(16384, len(body) - at, mine, self.credit)
            if size <= 0 and body:
                if self.stream(number).over or self.closed:
                    return  # an early answer: the caller looks at it
                if not self.read() and not self.closed:
                    raise AssertionError(f"no window for stream {number}: {self.credit}, {mine}")
                continue
            last = end_stream and at + size == len(body)
            self.send(data(body[at:at + size], number, last))
            at += size
            self.credit -= size
            self.stream_credit[number] = self.stream_credit.get(number, 0) - size
            if last:
                return

    def request(self, method, authority, path="/", more=(), body=None, fields=None):
        number = self.open(method, authority, path, more, body is None, fields)
        if body is not None:
            self.upload(number, body)
        return self.answer(number)

    def answer(self, number):
        """The stream, when it is over."""
        stream = self.stream(number)
        self.wait(lambda: stream.over, f"the end of stream {number}")
        return stream

    # -- what comes back --

    def stream(self, number):
        return self.streams.setdefault(number, Stream(number))

    def wait(self, condition, what, deadline=None):
        end = time.monotonic() + (deadline or self.timeout)
        while not condition():
            left = end - time.monotonic()
            if left <= 0 or not self.read(left):
                raise AssertionError(f"{'closed' if self.closed else 'nothing more'} before {what}; "
                                     f"GOAWAY {self.goaway}, {list(self.streams.values())}")

    def wait_end(self):
        """Until the server has closed."""
        while self.read():
            pass
        return self.closed

    def read(self, timeout=None):
        """One frame. None when there is none within the timeout or the connection is closed."""
        while len(self.buffer) < 9 or len(self.buffer) < 9 + int.from_bytes(self.buffer[:3], "big"):
            try:
                self.sock.settimeout(max(timeout if timeout is not None else self.timeout, 0.001))
                piece = self.sock.recv(1 << 16)
            except (TimeoutError, ssl.SSLWantReadError):
                return None
            except (ConnectionError, ssl.SSLError):
                piece = b""
            if not piece:
                self.closed = True
                return None
            self.buffer += piece
        length = int.from_bytes(self.buffer[:3], "big")
        got, _ = Frame.parse_frame_header(memoryview(self.buffer[:9]))
        got.parse_body(memoryview(self.buffer[9:9 + length]))
        got.wire_length = length
        self.buffer = self.buffer[9 + length:]
        self.take(got)
        return got

    def take(self, got):
        self.frames.append(got)
        if isinstance(got, HeadersFrame | ContinuationFrame):
            self.take_block(got)
        elif isinstance(got, DataFrame):
            stream = self.stream(got.stream_id)
            stream.body += got.data
            stream.ended |= "END_STREAM" in got.flags
            if self.auto and got.wire_length and self.window > 65535:
                update = window_update(got.wire_length)
                if not stream.over:
                    update += window_update(got.wire_length, got.stream_id)
                self.try_send(update)
        elif isinstance(got, RstStreamFrame):
            self.stream(got.stream_id).reset = got.error_code
        elif isinstance(got, SettingsFrame):
            if "ACK" in got.flags:
                self.settings_acks += 1
            else:
                self.settings = {**(self.settings or {}), **got.settings}
                if self.auto:
                    self.try_send(settings(flags=ACK))
        elif isinstance(got, PingFrame):
            if "ACK" in got.flags:
                self.pings.append(got.opaque_data)
            elif self.auto:
                self.try_send(ping(got.opaque_data, ACK))
        elif isinstance(got, GoAwayFrame):
            self.goaway = got.error_code
            self.goaways.append((got.last_stream_id, got.error_code))
        elif isinstance(got, WindowUpdateFrame):
            if got.stream_id == 0:
                self.credit += got.window_increment
            else:
                self.stream_credit[got.stream_id] = \
                    self.stream_credit.get(got.stream_id, 0) + got.window_increment

    def take_block(self, got):
        if isinstance(got, HeadersFrame):
            self.block = [got.stream_id, b"", "END_STREAM" in got.flags]
        self.block[1] += got.data
        if "END_HEADERS" in got.flags:
            number, block, end_stream = self.block
            fields = [(n.decode("latin-1"), v.decode("latin-1"))
                      for n, v in self.decoder.decode(block, raw=True)]
            self.stream(number).take_headers(fields, end_stream)

    def try_send(self, *pieces):
        try:
            self.send(*pieces)
        except OSError:
            pass  # the read says why

    # -- does it still work? --

    def check_ping(self):
        mark = os.urandom(8)
        self.send(ping(mark))
        self.wait(lambda: mark in self.pings, "the answer to a PING")

    def check_alive(self):
        """A PING and a request on a stream of its own are answered."""
        number, self.next_probe = self.next_probe, self.next_probe + 2
        mark = os.urandom(8)
        self.send(ping(mark) + headers(request(path="/alive", authority="b.test"), number))
        probe = self.stream(number)
        self.wait(lambda: mark in self.pings and probe.over, "an answer to a PING and a request")
        if probe.status != 200 or probe.reset is not None:
            raise AssertionError(f"the connection is not usable: {probe}")


def tls_context(authority, protocols=("h2",)):
    context = ssl.create_default_context(cafile=authority)
    context.set_alpn_protocols(list(protocols))
    return context
