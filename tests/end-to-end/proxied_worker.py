#!/usr/bin/python3
"""http2_worker.py for "proxy_protocol": true: takes the PROXY header (version 2) off each connection,
and no connection without one. Its answers have "proxy": what the header said. When a connection has
ended, there is a file ended.NUMBER in its directory.
"""
import importlib.util
import os
import socket
import struct
import sys

_spec = importlib.util.spec_from_file_location(
    "http2_worker", os.path.join(os.path.dirname(os.path.abspath(__file__)), "http2_worker.py"))
http2_worker = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(http2_worker)

SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
FAMILIES = {0x11: (socket.AF_INET, 4), 0x21: (socket.AF_INET6, 16)}
TYPES = {0x01: "alpn", 0x02: "authority", 0x21: "version", 0x23: "cipher"}
SSL = 0x20


def values(data):
    """{type: value} of a list of TLVs; what SSL contains stands beside it."""
    found = {}
    while data:
        kind, size = struct.unpack_from("!BH", data)
        value, data = data[3:3 + size], data[3 + size:]
        if len(value) != size:
            raise ValueError("a value is cut off")
        if kind == SSL:
            client, verify = struct.unpack_from("!BI", value)
            found |= {"ssl": [client, verify], **values(value[5:])}
        else:
            found[TYPES[kind]] = value.decode()
    return found


class Connection(http2_worker.Connection):
    def serve(self):
        self.proxy = None
        super().serve()
        with open(f"ended.{self.number}", "w", encoding="ascii"):
            pass

    def until(self, mark):
        if self.proxy is None:
            self.proxy = self.read_header()
        return super().until(mark)

    def exactly(self, size):
        while len(self.buffer) < size:
            self.fill()
        piece, self.buffer = self.buffer[:size], self.buffer[size:]
        return piece

    def read_header(self):
        head = self.exactly(16)
        signature, version, family, size = struct.unpack("!12sBBH", head)
        if signature != SIGNATURE or version != 0x21:
            raise http2_worker.worker.Closed
        rest = self.exactly(size)
        number, width = FAMILIES[family]
        ports = struct.unpack_from("!HH", rest, 2 * width)
        addresses = [socket.inet_ntop(number, rest[at:at + width]) for at in (0, width)]
        return {"source": [addresses[0], ports[0]], "destination": [addresses[1], ports[1]],
                **values(rest[2 * width + 4:])}

    def describe(self, request):
        return {**super().describe(request), "proxy": self.proxy}


if __name__ == "__main__":
    http2_worker.worker.Connection = Connection
    sys.exit(http2_worker.worker.main())
