"""Plays the workers of all sites: takes down every request that arrives, to the byte, and answers it as
the case at hand says. The sites' listening sockets come from lending_worker.py."""
import dataclasses
import os
import queue
import selectors
import socket
import threading

from harness import DEADLINE
from meanings_messages import read_message

PROBE = b"GET /probe "
PROBE_REPLY = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nprobe"


@dataclasses.dataclass
class Arrival:
    site: str
    data: bytes  # in normal form (Message.normal), so far as it has come
    whole: bool


@dataclasses.dataclass
class Script:
    """What the workers do in a case."""
    replies: list = dataclasses.field(default_factory=list)  # to the first requests; then "reply-N"
    then_close: bool = False   # behind the first reply
    early: int = None          # the first reply comes as soon as so much of the body has arrived


class Stream:
    """A connection of the dispatcher's."""

    def __init__(self, site, sock):
        self.site, self.sock = site, sock
        self.data = b""          # of the present request
        self.tunnel = None       # the arrival that has become one
        self.continued = self.answered = self.ended = False


class WorkerPlay:
    def __init__(self, listeners):
        """listeners: {site: socket}"""
        self.selector = selectors.DefaultSelector()
        self.streams, self.orders = [], queue.SimpleQueue()
        self.wake, self.woken = socket.socketpair()
        self.selector.register(self.woken, selectors.EVENT_READ)
        for site, listener in listeners.items():
            listener.setblocking(False)
            self.selector.register(listener, selectors.EVENT_READ, site)
        self.begin_case(Script())
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def begin_case(self, script):
        self.streams = [stream for stream in self.streams if not stream.ended]
        self.script, self.arrivals, self.probes = script, [], []
        self.answers = 0          # how many replies went out
        self.first = self.first_request = None  # its connection, and it, as it was when answered
        self.problem = None

    # -- asked by the test --

    def do(self, function):
        """Runs it between two events, with all that has come read; its result."""
        done = queue.SimpleQueue()
        self.orders.put((function, done))
        self.wake.send(b"x")
        result, error = done.get(timeout=DEADLINE)
        if error:
            raise error
        return result

    def begin(self, script):
        self.do(lambda: self.begin_case(script))

    def all_arrivals(self):
        """Whole requests in their order, then what has come of the others."""
        def collect():
            if self.problem:
                raise self.problem
            parts = []
            for stream in self.streams:
                if stream.data and not stream.tunnel:
                    part = read_message(stream.data)
                    parts.append(Arrival(stream.site, part.normal() if part.head else stream.data, False))
            return self.arrivals + parts
        return self.do(collect)

    def drop_all(self):
        self.do(lambda: [self.close(stream) for stream in list(self.streams)])

    def stop(self):
        self.orders.put((None, None))
        self.wake.send(b"x")
        self.thread.join(DEADLINE)
        for key in list(self.selector.get_map().values()):
            key.fileobj.close()
        self.wake.close()

    # -- events --

    def run(self):
        while True:
            ready = self.selector.select()
            self.handle(ready)
            if any(key.fileobj is self.woken for key, _ in ready):
                self.woken.recv(1)
                while len(more := self.selector.select(0)) > 0:
                    if all(key.fileobj is self.woken for key, _ in more):
                        break
                    self.handle(more)
                function, done = self.orders.get()
                if function is None:
                    return
                try:
                    done.put((function(), None))
                except Exception as error:  # pylint: disable=broad-exception-caught
                    done.put((None, error))

    def handle(self, ready):
        for key, _ in ready:
            if isinstance(key.data, str):
                self.accept(key.fileobj, key.data)
            elif key.data is not None and not key.data.ended:
                self.read(key.data)

    def accept(self, listener, site):
        try:
            sock, _ = listener.accept()
        except BlockingIOError:
            return
        sock.setblocking(True)
        stream = Stream(site, sock)
        self.streams.append(stream)
        self.selector.register(sock, selectors.EVENT_READ, stream)

    def read(self, stream):
        try:
            piece = stream.sock.recv(1 << 18)
        except ConnectionError:
            piece = b""
        if not piece:
            return self.end(stream)
        if stream.tunnel:
            stream.tunnel.data += piece
            return None
        stream.data += piece
        try:
            self.advance(stream)
        except (AssertionError, ValueError) as problem:
            self.problem = problem
            self.close(stream)
        except OSError:
            self.end(stream)
        return None

    def advance(self, stream):
        while stream.data and not stream.ended and not stream.tunnel:
            message = read_message(stream.data)
            if not message.head:
                return
            early = self.script.early
            if not stream.answered and early is not None and self.answers == 0 and \
                    len(message.body) >= early:
                stream.answered = True
                self.reply(stream, message)
            elif early is None and not stream.continued and message.values(b"expect"):
                stream.continued = True
                stream.sock.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
            if not message.complete or stream.ended:
                return
            self.take_whole(stream, message)

    def take_whole(self, stream, message):
        stream.data = stream.data[message.size:]
        answered, stream.answered, stream.continued = stream.answered, False, False
        if message.head.startswith(PROBE):
            self.probes.append(stream)
            stream.sock.sendall(PROBE_REPLY)
            return
        arrival = Arrival(stream.site, message.normal(), True)
        self.arrivals.append(arrival)
        if not answered or self.answers < len(self.script.replies):
            self.reply(stream, message, arrival)

    def reply(self, stream, message, arrival=None):
        number, self.answers = self.answers, self.answers + 1
        if number == 0:
            self.first, self.first_request = stream, message.normal()
        if number >= len(self.script.replies):
            body = b"reply-%d" % self.answers
            head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body)
            stream.sock.sendall(head + (b"" if message.head.startswith(b"HEAD ") else body))
            return
        reply = self.script.replies[number]
        if b"HTTP/1.1 101 " in reply and b"\r\nUpgrade: websocket\r\n" in reply:
            stream.tunnel = arrival
        stream.sock.sendall(reply)
        if number == 0 and self.script.then_close:
            self.close(stream)

    def end(self, stream):
        """The dispatcher has ended the connection: what came in part stays to be looked at."""
        stream.ended = True
        self.selector.unregister(stream.sock)
        stream.sock.close()
        if not stream.data or stream.tunnel:
            self.streams.remove(stream)

    def close(self, stream):
        stream.data = b""
        if not stream.ended:
            self.end(stream)
        elif stream in self.streams:
            self.streams.remove(stream)


# ---- borrowed sockets ------------------------------------------------------------------------------


class Lenders:
    """Where the workers bring their listening sockets; made before dmpm starts."""

    def __init__(self, homes):
        """homes: {site: directory}"""
        self.sockets = {}
        for site, home in homes.items():
            sock = socket.socket(socket.AF_UNIX)
            sock.bind(str(home / "lend"))
            os.chmod(home / "lend", 0o666)
            sock.listen()
            sock.settimeout(DEADLINE)
            self.sockets[site] = sock

    def borrow(self):
        """{site: listening socket}, and the connections that keep their workers alive."""
        listeners, kept = {}, []
        for site, sock in self.sockets.items():
            lender, _ = sock.accept()
            lender.settimeout(DEADLINE)
            _, descriptors, _, _ = socket.recv_fds(lender, 16, 1)
            listeners[site] = socket.socket(fileno=descriptors[0])
            kept.append(lender)
            sock.close()
        return listeners, kept
