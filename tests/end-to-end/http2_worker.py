#!/usr/bin/python3
"""worker.py, and what only some tests need:

  /ws                   accepts a WebSocket and echoes its bytes; at their end, the end
  /ws-bye               accepts, sends "bye", ends its side, and writes what still comes to the file
                        tunnel.rest in its directory
  /ws-refused           answers 403
  /unread               never reads the request's body, never answers
  /early                answers 200 without reading the request's body
  /interim              103 with a Link field, then 200
  /trailers             a chunked answer with the trailer X-Sum
"""
import base64
import hashlib
import importlib.util
import os
import socket
import sys

_spec = importlib.util.spec_from_file_location(
    "worker", os.path.join(os.path.dirname(os.path.abspath(__file__)), "worker.py"))
worker = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(worker)

GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


class Connection(worker.Connection):
    def read_body(self, request):
        if request.path.startswith("/unread"):
            worker.NEVER.wait()
        if not request.path.startswith("/early"):
            super().read_body(request)

    def accept(self, request):
        key = (request.header("sec-websocket-key") or "").encode()
        wanted = (request.header("upgrade") or "").lower() == "websocket"
        if not wanted or len(base64.b64decode(key)) != 16:
            self.reply(request, self.describe(request), status="400 Bad Request")
            raise worker.Closed
        accept = base64.b64encode(hashlib.sha1(key + GUID.encode()).digest()).decode()
        self.sock.sendall((f"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                           f"Connection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n"
                           f"X-Worker-Uid: {os.getuid()}\r\n\r\n").encode())

    def do_ws(self, request):
        self.accept(request)
        piece, self.buffer = self.buffer, b""
        while piece or (piece := self.sock.recv(65536)):
            self.sock.sendall(piece)
            piece = b""
        self.sock.shutdown(socket.SHUT_WR)
        raise worker.Closed

    def do_ws_bye(self, request):
        self.accept(request)
        self.sock.sendall(b"bye")
        self.sock.shutdown(socket.SHUT_WR)
        rest, self.buffer = self.buffer, b""
        while piece := self.sock.recv(65536):
            rest += piece
        with open("tunnel.rest.new", "wb") as file:
            file.write(rest)
        os.rename("tunnel.rest.new", "tunnel.rest")
        raise worker.Closed

    def do_ws_refused(self, request):
        self.reply(request, self.describe(request), status="403 Forbidden")

    def do_early(self, request):
        self.reply(request, self.describe(request))

    def do_interim(self, request):
        self.sock.sendall(b"HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\n")
        self.reply(request, self.describe(request))

    def do_trailers(self, request):
        self.sock.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n"
                          b"4\r\nbody\r\n0\r\nX-Sum: 42\r\n\r\n")


if __name__ == "__main__":
    worker.Connection = Connection
    sys.exit(worker.main())
