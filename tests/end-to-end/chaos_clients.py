"""The clients of chaos_load.py: each has a connection, made when there is none, and tells the load what
became of its requests."""
import dataclasses
import time

import http2_frames as h2

RACE_STREAMS = 3  # requests that race one idle stop over HTTP/2


@dataclasses.dataclass
class Failure:
    start: float
    end: float
    since: float  # when its connection was made, when the request ended with that
    host: str
    what: str
    heard: float = float("inf")  # when something came over that connection for the last time

    def met(self, kill):
        """Whether it was in flight in what was killed. `kill`: when it was begun, when the victim had
        gone. A client may be slow to see the end of a connection that it had before, and ask once more:
        then nothing has come over that since, but for what was on its way."""
        before, gone = kill
        dead = self.since <= gone and self.heard <= gone + 0.1
        return self.end >= before and (self.start <= gone or dead)


class Instant:
    """When idle workers are stopped: at the first turn of the dispatcher's wheel (base/deadline_wheel.h)
    behind the next tenth of a second. How far behind is learnt: whoever meets a new worker was too late,
    and comes sooner next time; whoever meets the old one comes later."""
    TICK, LEAST, MOST = 0.1, 0.0002, 0.02

    def __init__(self):
        self.behind, self.step = self.TICK, self.MOST

    def next(self, idle_until):
        return (idle_until // self.TICK + 1) * self.TICK + self.behind

    def learn(self, too_late):
        if too_late == (self.step < 0):
            self.step *= 2  # it is further away
        else:
            self.step /= -2
        size = min(max(abs(self.step), self.LEAST), self.MOST)
        self.step = -size if too_late else size
        self.behind = min(max(0.0, self.behind + self.step), 2 * self.TICK)


class LoadClient:
    """A client's connection, made when there is none."""

    def __init__(self, load, number, generator):
        self.load, self.number, self.generator = load, number, generator
        self.connection, self.serial, self.since, self.heard = None, 0, 0.0, 0.0

    def token(self):
        self.serial += 1
        return f"<{self.number}.{self.serial}-{self.generator.randrange(1 << 40):010x}>"

    def connect(self, make):
        """False when the handshake broke."""
        self.since = self.heard = start = time.monotonic()
        while True:
            try:
                self.connection = make()
                return True
            except ConnectionRefusedError as error:
                self.load.note(self.load.refused, (start, repr(error)))
                time.sleep(0.05)
            except OSError as error:
                self.load.note(self.load.failed, Failure(start, time.monotonic(), start, "",
                                                         f"handshake: {error!r}"))
                return False

    def close(self):
        if self.connection:
            self.connection.close()
        self.connection = None


class Http1(LoadClient):
    reused = False

    def ask(self, site):
        """The worker that answered; None without a right answer."""
        load = self.load
        if self.connection is None:
            self.reused = False
            if not self.connect(lambda: load.dmpm.connect(load.dmpm.busy[0].host)):
                return None
        token, start = self.token(), time.monotonic()
        path = self.generator.choice(("/length", "/chunked"))
        try:
            answer = self.connection.get(site.host, path, headers=[("X-Token", token)])
        except OSError as error:
            if not (load.forgiving and self.reused and not self.connection.buffer):
                load.fail(start, site, f"h1 {error!r}", self)
            self.close()
            return None
        self.heard = time.monotonic()
        worker = load.judge("h1", start, site, token, answer, answer.status, answer.header, answer.body)
        self.reused = True
        if answer.header("connection") == "close":
            self.close()
        return worker

    burst, finish = ask, LoadClient.close


class Http2(LoadClient):
    def __init__(self, load, number, generator):
        super().__init__(load, number, generator)
        self.asked = {}  # stream: (start, site, token)

    def ready(self):
        """Whether it may open streams; connects first when there is no connection."""
        load = self.load
        if self.connection is None:
            return self.connect(lambda: h2.Connection(load.dmpm, load.dmpm.busy[0].host))
        return self.connection.goaway is None and not self.connection.closed

    def open(self, site):
        token, start = self.token(), time.monotonic()
        try:
            stream = self.connection.open("GET", site.host, "/length", [("x-token", token)])
            self.asked[stream] = (start, site, token)
        except OSError:
            self.connection.closed = True

    def read(self):
        """Waits for a frame when something was asked. The worker of the last answer, if there is one."""
        connection, worker = self.connection, None
        if connection is None:
            return None
        if self.asked and not connection.closed:
            if connection.read():
                self.heard = time.monotonic()
            connection.frames.clear()
        for number in [s for s in self.asked if connection.stream(s).over]:
            worker = self.judge(connection.streams.pop(number), *self.asked.pop(number))
        if connection.goaway is not None:
            last = connection.goaways[-1][0]
            self.asked = {s: what for s, what in self.asked.items() if s <= last}
        if connection.closed:
            for start, site, _ in self.asked.values():
                self.load.fail(start, site, "h2 connection lost", self)
            self.asked.clear()
        if not self.asked and not self.ready():
            self.close()
        return worker

    def judge(self, stream, start, site, token):
        if stream.reset is not None:
            return self.load.fail(start, site, f"h2 reset {stream.reset}")
        return self.load.judge("h2", start, site, token, stream, int(stream.status), stream.field,
                               bytes(stream.body))

    def burst(self, site):
        """Several at once: the worker that answered last."""
        worker = None
        self.look()
        for _ in range(RACE_STREAMS):
            if self.ready():
                self.open(site)
        while self.asked:
            worker = self.read() or worker
        return worker

    def look(self):
        """Nothing is asked: whether the connection has ended meanwhile."""
        if self.connection:
            while self.connection.read(0):
                self.connection.frames.clear()
            self.connection.sock.settimeout(self.connection.timeout)
            if not self.ready():
                self.close()

    def finish(self):
        while self.asked:
            self.read()
        self.close()
