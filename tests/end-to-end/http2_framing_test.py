#!/usr/bin/python3
"""RFC 9113, sections 3 to 7: starting, frames, streams, every frame type; one case a row."""
import harness
from http2_conformance import (Case, alive, connection_error, connection_error_or_close,
                               error_of_either_kind, one_of, status, stream_error, tests_of)
from http2_frames import *  # pylint: disable=wildcard-import,unused-wildcard-import

GET = headers(request())
POST = headers(request("POST"), end_stream=False)
HANG = headers(request(path="/hang"))
PIECE = b"x" * 16384
BLOCK = encode(request())
REST_LATER = headers(BLOCK[:10], end_headers=False)


def byte_by_byte(connection):
    for at in range(len(PREFACE)):
        connection.send(PREFACE[at:at + 1])
    for byte in settings() + GET:
        connection.send(bytes([byte]))


def first_frame_is_settings(connection):
    first = connection.read()
    if not isinstance(first, SettingsFrame) or "ACK" in first.flags:
        raise AssertionError(f"the first frame is {first}")
    said = connection.settings
    for key, value in ((ENABLE_CONNECT_PROTOCOL, 1), (NO_RFC7540_PRIORITIES, 1)):
        if said.get(key) != value:
            raise AssertionError(f"setting {key} is {said.get(key)}")
    if said.get(ENABLE_PUSH, 0) != 0 or not 100 <= said.get(MAX_CONCURRENT_STREAMS, 0) <= 1000:
        raise AssertionError(f"settings {said}")
    connection.check_alive()


def after_answer(*pieces):
    """Sends the pieces when stream 1 is closed by an answer."""
    def send(connection):
        connection.send(GET)
        connection.answer(1)
        connection.send(*pieces)
    return send


def settings_acknowledged(connection):
    connection.check_alive()
    connection.wait(lambda: connection.settings_acks == 2, "two acknowledgements")


def pings_answered(*payloads):
    def check(connection):
        connection.wait(lambda: len(connection.pings) >= len(payloads), "answers to PINGs")
        if connection.pings != list(payloads):
            raise AssertionError(f"PINGs answered: {connection.pings}")
        connection.check_alive()
    return check


def not_answered(connection):
    connection.check_alive()
    if len(connection.pings) != 1:
        raise AssertionError("a PING with ACK was answered")


def windows(initial, *steps, size=1000):
    """A download under a small window: after each step exactly so many bytes have come."""
    def send(connection):
        connection.send(settings((INITIAL_WINDOW_SIZE, initial)),
                        headers(request(path=f"/big?n={size}")))
        stream = connection.stream(1)
        for update, total in steps:
            if update:
                connection.send(update)
            connection.wait(lambda total=total: len(stream.body) >= total, f"{total} bytes")
            for _ in range(3):  # what must not come would have come before these answers
                connection.check_ping()
            if len(stream.body) != total:
                raise AssertionError(f"{len(stream.body)} bytes came, not {total}")
    return send


def too_many_streams(connection):
    for number in range(1, 2 * 128 + 2, 2):
        connection.send(headers(request(path="/hang"), number))
    connection.send(headers(request(), 2 * 128 + 1))


def frames_fit(connection):
    """The default SETTINGS_MAX_FRAME_SIZE holds for what we are sent."""
    stream = connection.answer(1)
    largest = max(each.wire_length for each in connection.frames)
    if len(stream.body) != 60000 or largest > 16384:
        raise AssertionError(f"{stream}, largest frame {largest}")
    connection.check_alive()


def pinged(connection):
    connection.check_ping()


def refused(connection, number):
    stream = connection.stream(number)
    while stream.reset is None and connection.goaway is None:
        if not connection.read():
            break
    if stream.reset not in (REFUSED_STREAM, PROTOCOL_ERROR):
        raise AssertionError(f"expected RST_STREAM: {stream}, GOAWAY {connection.goaway}")
    # The others go on, and where one goes another may come.
    connection.send(reset(1), headers(request(), number + 2))
    if connection.answer(number + 2).status != 200:
        raise AssertionError(f"{connection.stream(number + 2)}")


def answered(connection):
    stream = connection.answer(1)
    if stream.status != 200 or not stream.ended:
        raise AssertionError(f"{stream}")


def slow_continuation(connection):
    """Twenty pieces, each a TLS record and a segment of its own."""
    value = b"v" * 12000
    rest = literal("x-long", value)
    connection.send(headers(BLOCK, end_headers=False))
    whole = continuation(rest)
    for at in range(0, len(whole), len(whole) // 20):
        connection.send(whole[at:at + len(whole) // 20])
        connection.read(0.01)


CASES = [
    # ---- 3 starting ----
    Case("preface and SETTINGS", "3.4", GET, status(200)),
    Case("preface in single bytes", "3.4", byte_by_byte, status(200), preface=b""),
    Case("the server's first frame is SETTINGS", "3.4", b"", first_frame_is_settings),
    Case("wrong preface", "3.4", b"", connection_error_or_close(PROTOCOL_ERROR),
         preface=b"INVALID CONNECTION PREFACE\r\n\r\n"),
    Case("preface with a wrong last byte", "3.4", b"", connection_error_or_close(PROTOCOL_ERROR),
         preface=PREFACE[:-1] + b"x" + settings()),
    Case("an HTTP/1.1 request", "3.2", b"", connection_error_or_close(PROTOCOL_ERROR),
         preface=b"GET / HTTP/1.1\r\nHost: a.test\r\n\r\n"),
    Case("HEADERS before SETTINGS", "3.4", GET, connection_error(PROTOCOL_ERROR), preface=PREFACE),
    Case("PING before SETTINGS", "3.4", ping(), connection_error(PROTOCOL_ERROR), preface=PREFACE),
    Case("SETTINGS with ACK as the first", "3.4", b"", connection_error(PROTOCOL_ERROR),
         preface=PREFACE + settings(flags=ACK)),
    Case("no wait for the server's SETTINGS", "3.4", GET + headers(request(authority="b.test"), 3),
         status(200, stream=3)),

    # ---- 4.1 frame format ----
    Case("unknown frame type", "4.1", frame(0x16, 0, 0, b"12345678") + GET, status(200)),
    Case("unknown frame type on an idle stream", "4.1", frame(0xfe, 0, 5, b"1") + GET, status(200)),
    Case("unknown frame type with all flags", "4.1", frame(0x17, 0xff, 1, b"") + GET, status(200)),
    Case("undefined flags of PING", "4.1", ping(flags=0xfe), pings_answered(b"12345678")),
    Case("undefined flags of HEADERS", "4.1",
         frame(HEADERS, END_STREAM | END_HEADERS | 0xd2, 1, BLOCK), status(200)),
    Case("undefined flags of DATA", "4.1", POST + data(b"abc", flags=0xf6), status(200)),
    Case("reserved bit of a stream identifier", "4.1",
         frame(HEADERS, END_STREAM | END_HEADERS, 0x80000001, BLOCK), status(200)),
    Case("reserved bit on stream 0", "4.1", ping(stream=0x80000000), pings_answered(b"12345678")),

    # ---- 4.2 frame size ----
    Case("DATA of 16384 bytes", "4.2", POST + data(PIECE), status(200)),
    Case("DATA of 16385 bytes", "4.2", POST + data(PIECE + b"x"),
         error_of_either_kind(FRAME_SIZE_ERROR)),
    Case("HEADERS of 16384 bytes", "4.2",
         headers(BLOCK + literal("x", b"y" * (16384 - len(BLOCK) - 6))), status(200)),
    Case("HEADERS of 16385 bytes", "4.2",
         headers(BLOCK + literal("x", b"y" * (16385 - len(BLOCK) - 6))),
         connection_error(FRAME_SIZE_ERROR)),
    Case("CONTINUATION of 16385 bytes", "4.2", headers(BLOCK, end_headers=False) +
         continuation(literal("x", b"y" * (16385 - 6))),
         connection_error(FRAME_SIZE_ERROR)),
    Case("unknown frame of 16385 bytes", "4.2", frame(0x20, 0, 0, PIECE + b"x"),
         connection_error(FRAME_SIZE_ERROR)),
    Case("SETTINGS of 16386 bytes", "4.2", frame(SETTINGS, 0, 0, bytes(16386)),
         connection_error(FRAME_SIZE_ERROR, ENHANCE_YOUR_CALM)),
    Case("frames to the client are no larger than 16384", "4.2",
         headers(request(path="/big?n=60000")), frames_fit),
    Case("a frame's announced length never comes", "4.2",
         frame(DATA, 0, 1, b"", length=16777215), connection_error(FRAME_SIZE_ERROR)),

    # ---- 4.3 field blocks ----
    Case("a block in one frame", "4.3", GET, status(200)),
    Case("a block in two frames", "4.3", REST_LATER + continuation(BLOCK[10:]), status(200)),
    Case("a block in frames that are read apart", "4.3", [REST_LATER, continuation(BLOCK[10:])],
         status(200)),
    Case("undecodable block", "4.3", headers(b"\xff\xff\xff\xff\xff"),
         connection_error(COMPRESSION_ERROR)),
    Case("PRIORITY within a block", "4.3", REST_LATER + priority() + continuation(BLOCK[10:]),
         connection_error(PROTOCOL_ERROR)),
    Case("HEADERS of another stream within a block", "4.3", REST_LATER + headers(request(), 3),
         connection_error(PROTOCOL_ERROR)),
    Case("HEADERS of the same stream within a block", "4.3", REST_LATER + headers(BLOCK[10:]),
         connection_error(PROTOCOL_ERROR)),
    Case("DATA within a block", "4.3", REST_LATER + data(b"x"), connection_error(PROTOCOL_ERROR)),
    Case("PING within a block", "4.3", REST_LATER + ping(), connection_error(PROTOCOL_ERROR)),
    Case("SETTINGS within a block", "4.3", REST_LATER + settings(),
         connection_error(PROTOCOL_ERROR)),
    Case("RST_STREAM within a block", "4.3", REST_LATER + reset(), connection_error(PROTOCOL_ERROR)),
    Case("unknown frame type within a block", "5.5", REST_LATER + frame(0x16, 0, 0, b"1"),
         connection_error(PROTOCOL_ERROR)),

    # ---- 5.1 stream states: idle ----
    Case("DATA on an idle stream", "5.1", data(b"x"), connection_error(PROTOCOL_ERROR)),
    Case("RST_STREAM on an idle stream", "5.1", reset(), connection_error(PROTOCOL_ERROR)),
    Case("WINDOW_UPDATE on an idle stream", "5.1", window_update(100, 1),
         connection_error(PROTOCOL_ERROR)),
    Case("CONTINUATION on an idle stream", "5.1", continuation(BLOCK),
         connection_error(PROTOCOL_ERROR)),
    Case("PRIORITY on an idle stream", "5.1", priority(5) + GET, status(200)),
    # half-closed (remote)
    Case("DATA behind END_STREAM", "5.1", HANG + data(b"x"), error_of_either_kind(STREAM_CLOSED)),
    Case("HEADERS behind END_STREAM", "5.1", HANG + headers(request()),
         error_of_either_kind(STREAM_CLOSED)),
    Case("CONTINUATION behind END_STREAM", "5.1", HANG + continuation(BLOCK),
         connection_error(PROTOCOL_ERROR, STREAM_CLOSED)),
    Case("WINDOW_UPDATE behind END_STREAM", "5.1", GET + window_update(100, 1), status(200)),
    Case("PRIORITY behind END_STREAM", "5.1", GET + priority(1, 3), status(200)),
    Case("RST_STREAM behind END_STREAM", "5.1", HANG + reset(), alive),
    # closed
    Case("DATA behind RST_STREAM", "5.1", POST + reset() + data(b"x"),
         one_of(alive, connection_error(STREAM_CLOSED))),
    Case("HEADERS behind RST_STREAM", "5.1", POST + reset() + headers(request()),
         one_of(alive, connection_error(STREAM_CLOSED, PROTOCOL_ERROR))),
    Case("CONTINUATION behind RST_STREAM", "5.1", POST + reset() + continuation(BLOCK),
         connection_error(PROTOCOL_ERROR, STREAM_CLOSED)),
    Case("WINDOW_UPDATE on a closed stream", "5.1", after_answer(window_update(100, 1)), alive),
    Case("PRIORITY on a closed stream", "5.1", after_answer(priority()), alive),
    Case("RST_STREAM on a closed stream", "5.1", after_answer(reset()), alive),
    Case("DATA on a closed stream", "5.1", after_answer(data(b"x")),
         one_of(error_of_either_kind(STREAM_CLOSED), alive)),
    Case("HEADERS on a closed stream", "5.1", after_answer(headers(request())),
         connection_error(STREAM_CLOSED, PROTOCOL_ERROR)),
    Case("CONTINUATION on a closed stream", "5.1", after_answer(continuation(BLOCK)),
         connection_error(PROTOCOL_ERROR, STREAM_CLOSED)),

    # ---- 5.1.1, 5.1.2 ----
    Case("even stream identifier", "5.1.1", headers(request(), 2), connection_error(PROTOCOL_ERROR)),
    Case("stream identifier 0", "5.1.1", headers(request(), 0), connection_error(PROTOCOL_ERROR)),
    Case("a smaller stream identifier", "5.1.1", headers(request(path="/hang"), 5) +
         headers(request(), 3), connection_error(PROTOCOL_ERROR, STREAM_CLOSED)),
    Case("stream identifiers with gaps", "5.1.1", GET + headers(request(), 101),
         status(200, stream=101)),
    Case("one stream too many", "5.1.2", too_many_streams,
         lambda c: refused(c, 257)),
    Case("a stream that depends on itself", "5.3.2", priority(1, 1) + GET,
         one_of(status(200), connection_error(PROTOCOL_ERROR))),
    Case("HEADERS with a dependency on itself", "5.3.2",
         headers(u32(1) + b"\x10" + BLOCK, flags=PRIORITY_FLAG),
         one_of(error_of_either_kind(PROTOCOL_ERROR), status(200))),

    # ---- 6.1 DATA ----
    Case("DATA", "6.1", POST + data(b"abc"), status(200, also=lambda s: s.json()["body_size"] == 3)),
    Case("DATA on stream 0", "6.1", data(b"x", 0), connection_error(PROTOCOL_ERROR)),
    Case("padded DATA", "6.1", POST + data(padded(b"abc", 200), flags=PADDED),
         status(200, also=lambda s: s.json()["body_size"] == 3)),
    Case("DATA that is only padding", "6.1",
         POST + data(padded(b"", 9), end_stream=False, flags=PADDED) + data(b"ab"),
         status(200, also=lambda s: s.json()["body_size"] == 2)),
    Case("padding as long as the payload", "6.1", POST + data(b"\x03ab", flags=PADDED),
         connection_error(PROTOCOL_ERROR)),
    Case("padding longer than the payload", "6.1", POST + data(b"\xffab", flags=PADDED),
         connection_error(PROTOCOL_ERROR)),
    Case("PADDED without a pad length", "6.1", POST + data(b"", flags=PADDED),
         connection_error(FRAME_SIZE_ERROR, PROTOCOL_ERROR)),
    Case("empty DATA with END_STREAM", "6.1", POST + data(b""),
         status(200, also=lambda s: s.json()["body_size"] == 0)),
    Case("some empty DATA", "6.1", POST + data(b"", end_stream=False) * 10 + data(b"a"),
         status(200, also=lambda s: s.json()["body_size"] == 1)),

    # ---- 6.2 HEADERS ----
    Case("padded HEADERS", "6.2", headers(padded(BLOCK, 100), flags=PADDED), status(200)),
    Case("HEADERS with priority", "6.2", headers(u32(0) + b"\x10" + BLOCK, flags=PRIORITY_FLAG),
         status(200)),
    Case("padded HEADERS with priority", "6.2",
         headers(padded(u32(0x80000003) + b"\x10" + BLOCK, 8), flags=PADDED | PRIORITY_FLAG),
         status(200)),
    Case("padding longer than the block", "6.2", headers(b"\xff" + BLOCK[:20], flags=PADDED),
         connection_error(PROTOCOL_ERROR)),
    Case("PADDED HEADERS of no length", "6.2", headers(b"", flags=PADDED),
         connection_error(FRAME_SIZE_ERROR, PROTOCOL_ERROR)),
    Case("HEADERS too short for its priority", "6.2", headers(b"\0\0\0", flags=PRIORITY_FLAG),
         connection_error(FRAME_SIZE_ERROR, PROTOCOL_ERROR)),
    Case("empty HEADERS", "6.2", headers(b""), stream_error(PROTOCOL_ERROR)),

    # ---- 6.3 PRIORITY ----
    Case("PRIORITY on stream 0", "6.3", priority(0), connection_error(PROTOCOL_ERROR)),
    Case("PRIORITY of 4 bytes", "6.3", frame(PRIORITY, 0, 1, b"\0\0\0\0"),
         connection_error(FRAME_SIZE_ERROR)),
    Case("PRIORITY of 6 bytes", "6.3", frame(PRIORITY, 0, 1, b"\0" * 6),
         connection_error(FRAME_SIZE_ERROR)),

    # ---- 6.4 RST_STREAM ----
    Case("RST_STREAM on stream 0", "6.4", reset(0), connection_error(PROTOCOL_ERROR)),
    Case("RST_STREAM of 3 bytes", "6.4", HANG + frame(RST_STREAM, 0, 1, b"\0\0\0"),
         connection_error(FRAME_SIZE_ERROR)),
    Case("RST_STREAM of 5 bytes", "6.4", HANG + frame(RST_STREAM, 0, 1, b"\0" * 5),
         connection_error(FRAME_SIZE_ERROR)),
    Case("RST_STREAM of a running request", "6.4", HANG + reset(), alive),

    # ---- 6.5 SETTINGS ----
    Case("SETTINGS is acknowledged", "6.5.3", settings((MAX_CONCURRENT_STREAMS, 10)),
         settings_acknowledged),
    Case("empty SETTINGS is acknowledged", "6.5.3", settings(), settings_acknowledged),
    Case("SETTINGS with ACK and a payload", "6.5",
         frame(SETTINGS, ACK, 0, b"\0\1\0\0\0\0"), connection_error(FRAME_SIZE_ERROR)),
    Case("SETTINGS on a stream", "6.5", settings(stream=1), connection_error(PROTOCOL_ERROR)),
    Case("SETTINGS of 5 bytes", "6.5", frame(SETTINGS, 0, 0, b"\0" * 5),
         connection_error(FRAME_SIZE_ERROR)),
    Case("SETTINGS of 7 bytes", "6.5", frame(SETTINGS, 0, 0, b"\0" * 7),
         connection_error(FRAME_SIZE_ERROR)),
    Case("unknown setting", "6.5.2", settings((0xfa1a, 7), (0, 1)) + GET, status(200)),
    Case("ENABLE_PUSH 0", "6.5.2", settings((ENABLE_PUSH, 0)) + GET, status(200)),
    Case("ENABLE_PUSH 1", "6.5.2", settings((ENABLE_PUSH, 1)) + GET, status(200)),
    Case("ENABLE_PUSH 2", "6.5.2", settings((ENABLE_PUSH, 2)), connection_error(PROTOCOL_ERROR)),
    Case("INITIAL_WINDOW_SIZE 2^31", "6.5.2", settings((INITIAL_WINDOW_SIZE, 1 << 31)),
         connection_error(FLOW_CONTROL_ERROR)),
    Case("INITIAL_WINDOW_SIZE 2^31 - 1", "6.5.2", settings((INITIAL_WINDOW_SIZE, (1 << 31) - 1)) +
         GET, status(200)),
    Case("MAX_FRAME_SIZE 16383", "6.5.2", settings((MAX_FRAME_SIZE, 16383)),
         connection_error(PROTOCOL_ERROR)),
    Case("MAX_FRAME_SIZE 2^24", "6.5.2", settings((MAX_FRAME_SIZE, 1 << 24)),
         connection_error(PROTOCOL_ERROR)),
    Case("MAX_FRAME_SIZE 2^24 - 1", "6.5.2", settings((MAX_FRAME_SIZE, (1 << 24) - 1)) + GET,
         status(200)),
    Case("HEADER_TABLE_SIZE 2^32 - 1", "6.5.2", settings((HEADER_TABLE_SIZE, (1 << 32) - 1)) + GET,
         status(200)),
    Case("one setting twice: the last holds", "6.5.3",
         settings((INITIAL_WINDOW_SIZE, 0), (INITIAL_WINDOW_SIZE, 65535)) + GET, status(200)),
    Case("MAX_CONCURRENT_STREAMS 0 does not limit requests", "6.5.2",
         settings((MAX_CONCURRENT_STREAMS, 0)) + GET, status(200)),
    Case("ENABLE_CONNECT_PROTOCOL 2", "RFC 8441 3", settings((ENABLE_CONNECT_PROTOCOL, 2)),
         one_of(connection_error(PROTOCOL_ERROR), alive)),
    Case("NO_RFC7540_PRIORITIES 2", "RFC 9218 2.1", settings((NO_RFC7540_PRIORITIES, 2)),
         one_of(connection_error(PROTOCOL_ERROR), alive)),

    # ---- 6.6 PUSH_PROMISE ----
    Case("PUSH_PROMISE from a client", "6.6", GET + frame(PUSH_PROMISE, END_HEADERS, 1, u32(2) + BLOCK),
         connection_error(PROTOCOL_ERROR)),
    Case("PUSH_PROMISE on an idle stream", "6.6", frame(PUSH_PROMISE, END_HEADERS, 3, u32(2) + BLOCK),
         connection_error(PROTOCOL_ERROR)),

    # ---- 6.7 PING ----
    Case("PING", "6.7", ping(b"\0\1\2\3\4\5\6\xff"), pings_answered(b"\0\1\2\3\4\5\6\xff")),
    Case("PINGs are answered in order", "6.7", b"".join(ping(b"PING%04d" % i) for i in range(5)),
         pings_answered(*(b"PING%04d" % i for i in range(5)))),
    Case("PING with ACK", "6.7", ping(flags=ACK), not_answered),
    Case("PING on a stream", "6.7", ping(stream=1), connection_error(PROTOCOL_ERROR)),
    Case("PING of 7 bytes", "6.7", ping(b"1234567"), connection_error(FRAME_SIZE_ERROR)),
    Case("PING of 9 bytes", "6.7", ping(b"123456789"), connection_error(FRAME_SIZE_ERROR)),
    Case("PING of no bytes", "6.7", ping(b""), connection_error(FRAME_SIZE_ERROR)),

    # ---- 6.8 GOAWAY ----
    Case("GOAWAY on a stream", "6.8", frame(GOAWAY, 0, 1, bytes(8)), connection_error(PROTOCOL_ERROR)),
    Case("GOAWAY of 7 bytes", "6.8", frame(GOAWAY, 0, 0, bytes(7)), connection_error(FRAME_SIZE_ERROR)),
    Case("a request before GOAWAY is answered", "6.8", GET + goaway(more=b"bye"),
         answered),

    # ---- 6.9 WINDOW_UPDATE ----
    Case("WINDOW_UPDATE by 0 on the connection", "6.9", window_update(0),
         connection_error(PROTOCOL_ERROR)),
    Case("WINDOW_UPDATE by 0 on a stream", "6.9", HANG + window_update(0, 1),
         error_of_either_kind(PROTOCOL_ERROR)),
    Case("WINDOW_UPDATE of 3 bytes", "6.9", frame(WINDOW_UPDATE, 0, 0, b"\0\0\1"),
         connection_error(FRAME_SIZE_ERROR)),
    Case("WINDOW_UPDATE of 5 bytes on a stream", "6.9",
         HANG + frame(WINDOW_UPDATE, 0, 1, b"\0\0\0\0\1"), connection_error(FRAME_SIZE_ERROR)),
    Case("reserved bit of WINDOW_UPDATE", "6.9", window_update(0x80000001) + GET, status(200)),
    Case("the connection's window beyond 2^31 - 1", "6.9.1", window_update((1 << 31) - 1),
         connection_error(FLOW_CONTROL_ERROR)),
    Case("a stream's window beyond 2^31 - 1", "6.9.1", HANG + window_update((1 << 31) - 1, 1),
         stream_error(FLOW_CONTROL_ERROR)),
    Case("two updates beyond 2^31 - 1", "6.9.1", window_update(1 << 30) * 2,
         connection_error(FLOW_CONTROL_ERROR)),
    Case("a setting lifts a stream's window beyond 2^31 - 1", "6.9.2",
         HANG + window_update((1 << 30), 1) + settings((INITIAL_WINDOW_SIZE, (1 << 31) - 1)),
         # nghttp2 resets the stream alone, where the RFC wants the connection's end.
         one_of(connection_error(FLOW_CONTROL_ERROR), stream_error(FLOW_CONTROL_ERROR))),
    Case("a window of one byte", "6.9.1", windows(1, (b"", 1), (window_update(2, 1), 3)), pinged),
    Case("a window of nothing", "6.9.2", windows(0, (b"", 0), (window_update(1000, 1), 1000)), pinged),
    Case("a setting opens waiting streams", "6.9.2",
         windows(0, (b"", 0), (settings((INITIAL_WINDOW_SIZE, 10)), 10)), pinged),
    Case("a window below zero", "6.9.2",
         windows(10, (b"", 10), (settings((INITIAL_WINDOW_SIZE, 0)), 10),
                 (window_update(10, 1), 10), (window_update(5, 1), 15)), pinged),
    Case("an answer without a body needs no window", "6.9.1",
         settings((INITIAL_WINDOW_SIZE, 0)) + headers(request("HEAD")), answered),

    # ---- 6.10 CONTINUATION ----
    Case("several CONTINUATIONs", "6.10",
         REST_LATER + b"".join(continuation(BLOCK[at:at + 10], end_headers=at >= len(BLOCK) - 10)
                               for at in range(10, len(BLOCK), 10)), status(200)),
    Case("empty CONTINUATION at the end", "6.10",
         headers(BLOCK, end_headers=False) + continuation(b""), status(200)),
    Case("CONTINUATION on stream 0", "6.10", REST_LATER + continuation(BLOCK[10:], 0),
         connection_error(PROTOCOL_ERROR)),
    Case("CONTINUATION of another stream", "6.10", REST_LATER + continuation(BLOCK[10:], 3),
         connection_error(PROTOCOL_ERROR)),
    Case("CONTINUATION behind END_HEADERS", "6.10", POST + continuation(BLOCK),
         connection_error(PROTOCOL_ERROR)),
    Case("CONTINUATION behind DATA", "6.10", POST + data(b"x", end_stream=False) +
         continuation(BLOCK), connection_error(PROTOCOL_ERROR)),
    Case("CONTINUATION behind CONTINUATION with END_HEADERS", "6.10",
         headers(BLOCK[:10], end_stream=False, end_headers=False) + continuation(BLOCK[10:]) +
         continuation(b""), connection_error(PROTOCOL_ERROR)),
    Case("a large block whose CONTINUATION comes in many reads", "6.10",
         slow_continuation, status(200)),

    # ---- 7 error codes ----
    Case("RST_STREAM with an unknown code", "7", HANG + reset(1, 0xdeadbeef), alive),
    Case("RST_STREAM with each known code", "7",
         b"".join(headers(request(path="/hang"), 2 * i + 1) + reset(2 * i + 1, i) for i in range(14)),
         alive),
    Case("GOAWAY with an unknown code", "7", GET + goaway(code=0xff), answered),
]


Conformance = tests_of(CASES)

if __name__ == "__main__":
    harness.main()
