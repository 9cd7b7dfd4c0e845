#!/usr/bin/python3
"""Plays one attack of http2_attacks*.py against a dmpm on this machine, on several connections at a time,
each made anew as soon as it has come to its end. Tells at the end, as JSON, what became of them.

    http2_attacker.py NAME --port N [--connections N] [--seconds N] [--enough N]

One thread and no waiting; OpenSSL works in memory, so that bytes which came before a reset can still
be read: they say why the server ended the connection.
"""
import argparse
import collections
import heapq
import json
import select
import socket
import ssl
import sys
import time

import http2_attacks
import http2_attacks_heads

PIECE = 1 << 16


def attacks():
    """{name: class} of all that are there."""
    found = {}
    for module in (http2_attacks, http2_attacks_heads):
        for name, value in vars(module).items():
            if isinstance(value, type) and issubclass(value, http2_attacks.Attack) and \
                    value.__module__ == module.__name__ and hasattr(value, "script") and \
                    name not in ("Attack", "Paced", "Resets", "Streams", "Flood", "DataFlood"):
                found[name] = value
    return found


class Victim:
    """Where to connect to, and from where."""

    def __init__(self, port, source):
        self.port, self.source = port, source
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self.context.check_hostname, self.context.verify_mode = False, ssl.CERT_NONE
        self.context.set_alpn_protocols(["h2"])


class Link:
    """One connection of the attacker, from its handshake to its end."""

    def __init__(self, attack, victim):
        self.attack = attack
        self.sock = socket.socket()
        self.sock.setblocking(False)
        self.sock.bind((victim.source, 0))
        try:
            self.sock.connect(("127.0.0.1", victim.port))
        except BlockingIOError:
            pass
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = victim.context.wrap_bio(self.incoming, self.outgoing, server_hostname="a.test")
        self.script = None      # once the handshake is done
        self.unsent = memoryview(b"")
        self.plain = b""        # received, less than a frame
        self.quiet_until = 0.0
        self.wanted = 0         # streams that must be over before the script goes on
        self.over = 0
        self.sent = 0
        self.goaway = None
        self.end = None         # how it ended

    # -- events --

    def advance(self, events):
        """Does what is possible now; the events to wait for."""
        try:
            if events & select.EPOLLIN and (self.script is None or self.attack.reads):
                self.receive()
            if self.script is None:
                self.shake_hands()
            if self.goaway is not None:
                raise ConnectionResetError  # no use in going on with this one
            if self.script is not None:
                self.play()
            if events & (select.EPOLLHUP | select.EPOLLERR | select.EPOLLRDHUP):
                raise ConnectionResetError
        except (OSError, ssl.SSLError):
            self.see_end()
        mask = select.EPOLLRDHUP
        if self.script is None or self.attack.reads:
            mask |= select.EPOLLIN
        sends = self.unsent or (self.script is not None and self.may_go_on())
        return mask | (select.EPOLLOUT if sends else 0)

    def shake_hands(self):
        if self.incoming.pending and not self.attack.answer_hello():
            self.end = "left"
            return
        try:
            self.tls.do_handshake()
            self.script = self.attack.script()
        except ssl.SSLWantReadError:
            pass
        self.flush()

    def play(self):
        """The script, as far as the socket takes it, but no more than a few steps: then others send."""
        for _ in range(4):
            if not self.flush() or not self.may_go_on():
                break
            step = next(self.script, "end")
            if isinstance(step, bytes):
                self.tls.write(step)
            elif isinstance(step, float):
                self.quiet_until = time.monotonic() + step
            elif isinstance(step, http2_attacks.Answers):
                self.wanted = step.count
            elif step is http2_attacks.HOLD:
                self.quiet_until = float("inf")
            else:
                self.end = "left"

    def may_go_on(self):
        return self.end is None and self.over >= self.wanted and time.monotonic() >= self.quiet_until

    def flush(self):
        """Whether all has left."""
        while True:
            if not self.unsent:
                self.unsent = memoryview(self.outgoing.read())
                if not self.unsent:
                    return True
            try:
                count = self.sock.send(self.unsent[:PIECE])
            except BlockingIOError:
                return False
            self.sent += count
            self.unsent = self.unsent[count:]

    # -- what comes back --

    def receive(self):
        """What is there now. Raises when the server has closed."""
        piece = self.sock.recv(1 << 18)
        if not piece:
            raise ConnectionResetError
        self.incoming.write(piece)
        self.decrypt()

    def decrypt(self):
        if self.tls.version() is None or self.script is None:
            return
        while True:
            try:
                piece = self.tls.read(1 << 18)
            except ssl.SSLWantReadError:
                break
            if not piece:
                break
            self.plain += piece
        self.parse()

    def parse(self):
        at, plain = 0, self.plain
        while len(plain) >= at + 9:
            size = int.from_bytes(plain[at:at + 3], "big")
            if len(plain) < at + 9 + size:
                break
            kind, flags = plain[at + 3], plain[at + 4]
            if kind == 3 or (kind in (0, 1) and flags & 1):
                self.over += 1
            elif kind == 7:
                self.goaway = int.from_bytes(plain[at + 13:at + 17], "big")
            at += 9 + size
        self.plain = plain[at:]

    def see_end(self):
        """The server has closed, or reset: what it had said before can still be read."""
        try:
            while True:
                self.receive()
        except (OSError, ssl.SSLError):
            pass
        if self.end is None:
            self.end = "refused" if self.script is None else \
                "cut" if self.goaway is None else f"goaway {self.goaway}"


class Attacker:
    def __init__(self, attack, victim, connections):
        self.attack, self.victim, self.connections = attack, victim, connections
        self.poll = select.epoll()
        self.links = {}
        self.timers = []
        self.ends = collections.Counter()
        self.sent = 0

    def run(self, seconds, enough):
        """Until `enough` connections were ended by the server, or for so many seconds."""
        stop = time.monotonic() + seconds
        while (now := time.monotonic()) < stop and self.ended < enough:
            while len(self.links) < self.connections:
                self.connect()
            self.wake(now)
            next_timer = self.timers[0][0] if self.timers else stop
            wait = max(0.0, min(stop, next_timer) - time.monotonic())
            for descriptor, events in self.poll.poll(min(wait, 0.5)):
                if descriptor in self.links:
                    self.advance(self.links[descriptor], events)
        for link in list(self.links.values()):
            link.end = link.end or ("open" if link.script else "unfinished")
            self.drop(link)

    @property
    def ended(self):
        return sum(count for end, count in self.ends.items() if end.startswith("goaway"))

    def connect(self):
        try:
            link = Link(self.attack(), self.victim)
        except OSError:
            self.ends["refused"] += 1
            time.sleep(0.001)  # out of ports
            return
        self.links[link.sock.fileno()] = link
        self.poll.register(link.sock, select.EPOLLOUT | select.EPOLLRDHUP)

    def wake(self, now):
        while self.timers and self.timers[0][0] <= now:
            _, descriptor, link = heapq.heappop(self.timers)
            if self.links.get(descriptor) is link:
                self.advance(link, 0)

    def advance(self, link, events):
        mask = link.advance(events)
        descriptor = link.sock.fileno()
        if link.end is not None:
            return self.drop(link)
        self.poll.modify(descriptor, mask)
        if time.monotonic() < link.quiet_until < float("inf"):
            heapq.heappush(self.timers, Timer((link.quiet_until, descriptor, link)))

    def drop(self, link):
        self.ends[link.end] += 1
        self.sent += link.sent
        del self.links[link.sock.fileno()]
        link.sock.close()


class Timer(tuple):
    """(when, descriptor, link), in the order of `when`."""

    def __lt__(self, other):
        return self[0] < other[0]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("name", choices=sorted(attacks()))
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--connections", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--enough", type=int, default=1 << 60,
                        help="stops when so many connections were ended by a GOAWAY")
    parser.add_argument("--source", default="127.0.0.2")
    options = parser.parse_args()
    attacker = Attacker(attacks()[options.name], Victim(options.port, options.source),
                        options.connections)
    attacker.run(options.seconds, options.enough)
    json.dump({"ends": attacker.ends, "sent": attacker.sent}, sys.stdout)


if __name__ == "__main__":
    main()
