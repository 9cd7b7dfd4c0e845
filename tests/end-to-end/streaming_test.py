#!/usr/bin/python3
"""Big bodies pass both ways, whole, while the dispatcher's memory stays flat: over HTTP/1.1 with a client of
our own, over HTTP/2 with curl.

DMPM_STREAM_MIB says how big: 64 unless told (scripts/stream-4g: 4096).
"""
import contextlib
import hashlib
import os
import shutil
import subprocess
import tempfile
import time

import harness
from harness import ALICE, group
from memory import Watch, bounded
from streaming_worker import BLOCK

MIB = 1024 * 1024
SIZE = int(os.environ.get("DMPM_STREAM_MIB", "64")) * MIB + 12_345
MAX_GROWTH = 4096  # KB: one exchange's buffers, a TLS connection, the allocator's slack


def blocks(size):
    while size > 0:
        yield BLOCK[:size]
        size -= len(BLOCK)


def digest_of(size):
    digest = hashlib.sha256()
    for block in blocks(size):
        digest.update(block)
    return digest.hexdigest()


class Streaming(harness.SharedDmpm):
    @classmethod
    def options(cls):
        return {"groups": {"alice": group(ALICE, ["/usr/bin/python3", "-IS",
                                                  "{top}/streaming_worker.py"])},
                "hosts": {"a.test": "alice"},
                "listen": [{"address": "127.0.0.1:0", "tls": True}, {"address": "127.0.0.1:0"}]}

    @classmethod
    def setUpClass(cls):
        cls.dmpm = harness.Dmpm(**cls.options())
        shutil.copy(harness.HERE / "streaming_worker.py", cls.dmpm.directory)
        cls.dmpm.__enter__()
        cls.digest = digest_of(SIZE)
        with cls.dmpm.connect() as client:  # what is allocated once, is
            client.get("a.test", f"/length/{MIB}")
            client.request("POST", "a.test", "/", body=b"x" * MIB)

    def watched(self, what, function):
        (pid,) = self.dmpm.services("dispatcher")
        start = time.monotonic()
        with Watch(pid) as watch:
            function()
        rate = SIZE / MIB / (time.monotonic() - start)
        print(f"\n{what}: {SIZE} bytes, {rate:.0f} MiB/s; dispatcher {watch}")
        if bounded():
            self.assertLess(watch.grown, MAX_GROWTH, str(watch))

    def check_download(self, pieces):
        digest, total = hashlib.sha256(), 0
        for piece in pieces:
            digest.update(piece)
            total += len(piece)
        self.assertEqual((total, digest.hexdigest()), (SIZE, self.digest))


class Http1(Streaming):
    def upload(self, client, chunked):
        field = "Transfer-Encoding: chunked" if chunked else f"Content-Length: {SIZE}"
        client.send(f"POST / HTTP/1.1\r\nHost: a.test\r\n{field}\r\n\r\n".encode())
        for block in blocks(SIZE):
            client.send(b"%x\r\n%s\r\n" % (len(block), block) if chunked else block)
        if chunked:
            client.send(b"0\r\n\r\n")
        answer = client.answer("POST")
        self.assertEqual((answer.status, answer.body.decode()), (200, f"{SIZE} {self.digest}"), answer)

    def download(self, client, framing):
        client.send_request("GET", "a.test", f"/{framing}/{SIZE}")
        self.check_download(client.pieces())

    def connect(self, tls=True):
        client = self.dmpm.connect() if tls else self.dmpm.connect_plain()
        client.__class__ = StreamingClient
        return client

    def test_upload_by_content_length(self):
        with self.connect() as client:
            self.watched("upload", lambda: self.upload(client, False))

    def test_chunked_upload(self):
        with self.connect(tls=False) as client:
            self.watched("chunked upload, plain", lambda: self.upload(client, True))

    def test_download_by_content_length(self):
        with self.connect() as client:
            self.watched("download", lambda: self.download(client, "length"))

    def test_chunked_download(self):
        with self.connect(tls=False) as client:
            self.watched("chunked download, plain", lambda: self.download(client, "chunked"))

    def test_download_that_ends_with_the_workers_close(self):
        with self.connect() as client:
            self.watched("download until close", lambda: self.download(client, "close"))
            # Re-framed: the client's connection lives on.
            self.assertEqual(client.get("a.test", "/length/10").body, BLOCK[:10])


class Http2(Streaming):
    @contextlib.contextmanager
    def curl(self, path, *arguments, **options):
        """A curl at work; at the end it must have spoken HTTP/2 and be content."""
        command = ["curl", "--silent", "--show-error", "--fail", "--http2", *arguments,
                   "--write-out", "%{stderr}%{http_version}", "--cacert", self.dmpm.authority.file,
                   "--resolve", f"a.test:{self.dmpm.port}:127.0.0.1",
                   f"https://a.test:{self.dmpm.port}{path}"]
        pipe = subprocess.PIPE
        with subprocess.Popen(command, stdout=pipe, stderr=pipe, **options) as curl:
            try:
                yield curl
            except BrokenPipeError:
                pass  # what it says below tells more
            said = curl.stderr.read().decode()
        self.assertEqual((curl.returncode, said), (0, "2"))

    def check_answer(self, curl):
        self.assertEqual(curl.stdout.read().decode(), f"{SIZE} {self.digest}")

    def upload(self, file):
        with self.curl("/", "--request", "POST", "--upload-file", file) as curl:
            self.check_answer(curl)

    def upload_piped(self):
        with self.curl("/", "--request", "POST", "--upload-file", "-", stdin=subprocess.PIPE) as curl:
            with curl.stdin:
                for block in blocks(SIZE):
                    curl.stdin.write(block)
            self.check_answer(curl)

    def download(self, framing):
        with self.curl(f"/{framing}/{SIZE}") as curl:
            self.check_download(iter(lambda: curl.stdout.read1(1 << 18), b""))

    def test_upload_by_content_length(self):
        with tempfile.NamedTemporaryFile(dir=self.dmpm.directory) as file:
            file.writelines(blocks(SIZE))
            file.flush()
            self.watched("HTTP/2 upload", lambda: self.upload(file.name))

    def test_upload_without_a_length(self):
        self.watched("HTTP/2 upload without a length", self.upload_piped)

    def test_download_by_content_length(self):
        self.watched("HTTP/2 download", lambda: self.download("length"))

    def test_chunked_download(self):
        self.watched("HTTP/2 download, chunked by the worker", lambda: self.download("chunked"))


class StreamingClient(harness.Client):
    def pieces(self):
        """The next answer's body, piece by piece."""
        head = self._until(b"\r\n\r\n").decode("latin-1").lower()
        assert head.startswith("http/1.1 200"), head
        if "transfer-encoding: chunked" in head:
            while size := int(self._until(b"\r\n"), 16):
                yield from self._some(size)
                assert self._until(b"\r\n") == b""
            assert self._until(b"\r\n") == b""
        else:
            yield from self._some(int(head.partition("content-length: ")[2].partition("\r")[0]))

    def _some(self, size):
        while size > 0:
            if not self.buffer:
                self._fill()
            piece, self.buffer = self.buffer[:size], self.buffer[size:]
            size -= len(piece)
            yield piece


if __name__ == "__main__":
    harness.main()
