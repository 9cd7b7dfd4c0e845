#!/usr/bin/python3
"""RFC 7541 (HPACK): what a header block may hold and what ends the connection; one case a row."""
import harness
from http2_conformance import Case, alive, connection_error, one_of, status, stream_error, tests_of
from http2_frames import *  # pylint: disable=wildcard-import,unused-wildcard-import

BROKEN = connection_error(COMPRESSION_ERROR)
START = encode(request())


def block(more, before=b""):
    """A good request, with bytes behind (or before) it in its block."""
    return headers(before + START + more)


def indexed(index):
    return integer(index, 7, 0x80)


def named_by(index, value, prefix=6, first=0x40):
    return integer(index, prefix, first) + text(value)


def size_update(size):
    return integer(size, 5, 0x20)


def huffman(raw):
    return integer(len(raw), 7, 0x80) + raw


def received(name, *values):
    def check(stream):
        return [v for k, v in stream.json()["headers"] if k.lower() == name] == list(values)
    return check


def second(block_two, block_one=b""):
    """Two requests; what the first put into the table, the second may use."""
    return block(block_one) + headers(START + block_two, 3)


def in_two(raw, at):
    return headers(raw[:at], end_headers=False) + continuation(raw[at:])


def no_table_for_answers(connection):
    """With HEADER_TABLE_SIZE 0 the server's encoder says so and keeps nothing."""
    connection.decoder.max_allowed_table_size = 0
    connection.send(settings((HEADER_TABLE_SIZE, 0)))
    connection.check_ping()
    for number in (1, 3, 5):
        connection.send(headers(request(), number))
        if connection.answer(number).status != 200:
            raise AssertionError(f"{connection.stream(number)}")
    if len(connection.decoder.header_table.dynamic_entries) != 0:
        raise AssertionError("the table is not empty")


def many_requests_by_index(connection):
    """500 requests with the table in use all the time; each gets its own answer."""
    connection.auto = True
    connection.window = 1 << 20
    connection.send(settings((INITIAL_WINDOW_SIZE, 1 << 20)), window_update(1 << 24))
    for number in range(1, 1001, 2):
        token = f"t{number % 37}"
        block_ = connection.encoder.encode(request(path=f"/p{number % 11}", more=[("x-token", token)]))
        connection.send(headers(block_, number))
        if connection.answer(number).field("x-token") != token:
            raise AssertionError(f"{connection.stream(number)}")


# "www.example.com" and "custom-value" of RFC 7541 C.4, in Huffman code
WWW = bytes.fromhex("f1e3c2e5f23a6ba0ab90f4ff")
CUSTOM_VALUE = bytes.fromhex("25a849e95bb8e8b4bf")

CASES = [
    # ---- 2.3, 6.1 indices ----
    Case("static entries", "HPACK 6.1",
         headers(indexed(2) + indexed(7) + indexed(4) + named_by(1, "a.test", 4, 0x00)), status(200)),
    Case("index 0", "HPACK 6.1", block(indexed(0)), BROKEN),
    Case("index 62 of an empty table", "HPACK 2.3.3", block(indexed(62)), BROKEN),
    Case("index far beyond the table", "HPACK 2.3.3", block(indexed(100_000)), BROKEN),
    Case("name by an index beyond the table", "HPACK 2.3.3", block(named_by(62, "v")), BROKEN),
    Case("name by index 70, without indexing", "HPACK 2.3.3", block(named_by(70, "v", 4, 0x00)), BROKEN),
    Case("name by index 70, never indexed", "HPACK 2.3.3", block(named_by(70, "v", 4, 0x10)), BROKEN),
    Case("a static entry for answers", "HPACK A", block(indexed(8)), stream_error(PROTOCOL_ERROR)),
    Case("the last static entry's name", "HPACK A", block(named_by(61, "auth", 4, 0x00)),
         status(200, also=received("www-authenticate", "auth"))),

    # ---- 5.1 integers ----
    Case("an integer with needless zeros", "HPACK 5.1", block(b"\x0f\x82\x80\x00\x01v"),
         one_of(status(200), BROKEN)),
    Case("an integer of more than 32 bits", "HPACK 5.1", block(b"\xff\x80\x80\x80\x80\x80\x01"), BROKEN),
    Case("an integer that wraps to a good index", "HPACK 5.1",
         block(b"\xff\x83\xff\xff\xff\xff\xff\xff\xff\xff\x01"), BROKEN),
    Case("an integer of 1000 bytes", "HPACK 5.1", block(b"\xff" + b"\x80" * 1000 + b"\x01"), BROKEN),
    Case("an integer without an end", "HPACK 5.1", block(b"\xff\x80"), BROKEN),
    Case("a string length that overflows", "HPACK 5.2",
         block(b"\x00\x01x\x7f\xff\xff\xff\xff\xff\xff\xff\xff\x7f"), BROKEN),

    # ---- 5.2 strings ----
    Case("a string longer than the block", "HPACK 5.2", block(b"\x00\x01x\x0aabc"), BROKEN),
    Case("a name without a value", "HPACK 5.2", block(b"\x00\x01x"), BROKEN),
    Case("a literal without a name", "HPACK 5.2", block(b"\x00"), BROKEN),
    Case("an announced string of 1 GiB", "HPACK 5.2", block(b"\x00\x01x" + integer(1 << 30, 7)), BROKEN),
    Case("Huffman", "HPACK 5.2", block(b"\x00\x01x" + huffman(WWW)),
         status(200, also=received("x", "www.example.com"))),
    Case("Huffman with 7 bits of padding", "HPACK 5.2", block(b"\x00\x01x" + huffman(CUSTOM_VALUE)),
         status(200, also=received("x", "custom-value"))),
    Case("Huffman with 8 bits of padding", "HPACK 5.2", block(b"\x00\x01x" + huffman(WWW + b"\xff")),
         BROKEN),
    Case("Huffman padded with zeros", "HPACK 5.2", block(b"\x00\x01x" + huffman(WWW[:-1] + b"\x80")),
         BROKEN),
    Case("Huffman with EOS", "HPACK 5.2", block(b"\x00\x01x" + huffman(b"\xff\xff\xff\xff")), BROKEN),
    Case("Huffman with EOS behind a character", "HPACK 5.2",
         block(b"\x00\x01x" + huffman(b"\x1f\xff\xff\xff\xff")), BROKEN),
    Case("Huffman cut within a code", "HPACK 5.2", block(b"\x00\x01x" + huffman(b"\xfe")), BROKEN),
    Case("empty Huffman", "HPACK 5.2", block(b"\x00\x01x\x80"), status(200, also=received("x", ""))),
    Case("Huffman that decodes to a line feed", "HPACK 5.2",
         block(b"\x00\x01x" + huffman(bytes.fromhex("fffffff3"))), stream_error(PROTOCOL_ERROR)),
    Case("Huffman name in upper case", "HPACK 5.2", block(b"\x00" + huffman(b"\x87") + b"\x01v"),
         stream_error(PROTOCOL_ERROR)),

    # ---- 6.2 literals, 2.3.2 the dynamic table ----
    Case("incremental indexing", "HPACK 6.2.1", second(indexed(62), literal("x-a", "b", 0x40)),
         status(200, stream=3, also=received("x-a", "b"))),
    Case("without indexing", "HPACK 6.2.2", second(indexed(62), literal("x-a", "b", 0x00)), BROKEN),
    Case("never indexed", "HPACK 6.2.3", second(indexed(62), literal("x-a", "b", 0x10)), BROKEN),
    Case("the newest entry comes first", "HPACK 2.3.3",
         second(indexed(63) + indexed(62), literal("x-a", "b", 0x40) + literal("x-c", "d", 0x40)),
         status(200, stream=3, also=lambda s: received("x-a", "b")(s) and received("x-c", "d")(s))),
    Case("name by a dynamic index", "HPACK 6.2.1",
         second(named_by(62, "new"), literal("x-a", "b", 0x40)),
         status(200, stream=3, also=received("x-a", "new"))),
    Case("duplicate entries", "HPACK 2.3.2",
         second(indexed(62) + indexed(63), literal("x-a", "b", 0x40) * 2),
         status(200, stream=3, also=received("x-a", "b", "b"))),
    Case("eviction", "HPACK 4.4",
         second(indexed(63), literal("x-a", "b", 0x40) + literal("x-c", "v" * 4050, 0x40)), BROKEN),
    Case("an entry larger than the table empties it", "HPACK 4.4",
         second(indexed(62), literal("x-a", "b", 0x40) + literal("x-c", "v" * 4096, 0x40)), BROKEN),
    Case("an entry larger than the table is a field all the same", "HPACK 4.4",
         block(literal("x-c", "v" * 5000, 0x40)), status(200, also=received("x-c", "v" * 5000))),
    Case("a name by the index of the entry that it evicts", "HPACK 4.4",
         second(named_by(62, "w" * 4000), literal("x-a", "v" * 4000, 0x40)),
         status(200, stream=3, also=received("x-a", "w" * 4000))),
    Case("a rejected request's block is decoded all the same", "HPACK 2.2",
         headers(START + literal("Upper", "x", 0x00) + literal("x-a", "b", 0x40)) +
         headers(START + indexed(62), 3), status(200, stream=3, also=received("x-a", "b"))),
    Case("the block of a stream with an unknown host is decoded all the same", "HPACK 2.2",
         headers(encode(request(authority="c.test")) + literal("x-a", "b", 0x40)) +
         headers(START + indexed(62), 3), status(200, stream=3, also=received("x-a", "b"))),
    Case("dropped trailers are decoded all the same", "HPACK 2.2",
         headers(request("POST"), end_stream=False) + headers(literal("x-a", "b", 0x40)) +
         headers(START + indexed(62), 3), status(200, stream=3, also=received("x-a", "b"))),
    Case("500 requests that use the table", "HPACK 2.2", many_requests_by_index, alive),

    # ---- 4.2, 6.3 table size ----
    Case("size update at the start", "HPACK 6.3", block(b"", size_update(100)), status(200)),
    Case("two size updates", "HPACK 4.2", block(b"", size_update(0) + size_update(4096)), status(200)),
    Case("size update to 0 empties the table", "HPACK 4.3",
         block(literal("x-a", "b", 0x40)) + headers(size_update(0) + START + indexed(62), 3), BROKEN),
    Case("size update beyond the setting", "HPACK 6.3", block(b"", size_update(4097)), BROKEN),
    Case("size update of 4 GiB", "HPACK 6.3", block(b"", size_update((1 << 32) - 1)), BROKEN),
    Case("size update behind a field", "HPACK 4.2", block(size_update(100)), BROKEN),
    Case("size update at the very end", "HPACK 4.2", block(literal("x-a", "b") + size_update(0)), BROKEN),
    Case("size update that overflows", "HPACK 6.3", block(b"", b"\x3f\xff\xff\xff\xff\xff\x7f"), BROKEN),
    Case("a block of nothing but a size update", "HPACK 6.3", headers(size_update(0)),
         stream_error(PROTOCOL_ERROR)),
    Case("the server's encoder obeys HEADER_TABLE_SIZE 0", "HPACK 4.2", no_table_for_answers,
         lambda connection: connection.check_ping()),

    # ---- blocks over several frames ----
    *(Case(f"a block cut at byte {at}", "HPACK 2.2", in_two(START + literal("x-a", "b" * 300), at),
           status(200, also=received("x-a", "b" * 300)))
      for at in (0, 1, 2, 5, len(START), len(START) + 5, len(START) + 6, len(START) + 7)),
    Case("a block cut within an integer", "HPACK 5.1",
         in_two(START + b"\x0f\x11" + text("s=1"), len(START) + 1),
         status(200, also=received("cookie", "s=1"))),
]

Conformance = tests_of(CASES)

if __name__ == "__main__":
    harness.main()
