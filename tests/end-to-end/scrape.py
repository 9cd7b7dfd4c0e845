"""Asks dmpm-metrics, over its Unix socket or its port, and reads what it says.

    numbers = Scrape.of(dmpm)
    numbers("dmpm_group_requests_total", group="alice", **{"class": "2xx"})
"""
import http.client
import re
import socket

import harness

LINE = re.compile(r'([a-z_]+)(?:\{(.*)\})? (\S+)')
LABEL = re.compile(r'([a-z]+)="((?:[^"\\]|\\.)*)"(?:,|$)')


class LocalConnection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=harness.DEADLINE)
        self.path = str(path)

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


def ask(dmpm, path="/metrics", method="GET", port=None, headers=None):
    """(status, type, body as text)"""
    if port:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=harness.DEADLINE)
    else:
        connection = LocalConnection(dmpm.runtime / "metrics.sock")
    try:
        connection.request(method, path, headers=headers or {})
        answer = connection.getresponse()
        return answer.status, answer.getheader("Content-Type"), answer.read().decode()
    finally:
        connection.close()


class Scrape:
    """The numbers of one answer, by name and labels."""

    def __init__(self, text):
        self.text = text
        self.numbers = {}
        for line in text.splitlines():
            if line.startswith("#"):
                continue
            name, labels, value = LINE.fullmatch(line).groups()
            key = (name, frozenset(LABEL.findall(labels or "")))
            if key in self.numbers:
                raise AssertionError(f"twice: {line}")
            self.numbers[key] = float(value)

    @classmethod
    def of(cls, dmpm, **options):
        status, _, text = ask(dmpm, **options)
        if status != 200:
            raise AssertionError(f"status {status}: {text}")
        return cls(text)

    def __call__(self, name, **labels):
        """None when there is no such line."""
        return self.numbers.get((name, frozenset(labels.items())))

    def requests(self, group, status_class):
        return self("dmpm_group_requests_total", group=group, **{"class": status_class})

    def all(self, name):
        """{labels: number} of a name."""
        return {labels: number for (n, labels), number in self.numbers.items() if n == name}

    def counters(self):
        """Everything that never falls."""
        return {key: number for key, number in self.numbers.items()
                if key[0].endswith(("_total", "_bucket", "_count", "_sum"))}
