#!/usr/bin/python3
"""The tools of scripts/bench: each kind of load passes when everything is right, and only then."""
import contextlib
import json
import pathlib
import socket
import ssl
import subprocess
import tempfile
import threading
import unittest

import report
from cgroup import Cgroup
from results import Results
from servers import HERE, harness

ALICE, BIN, BOB = harness.ALICE, harness.BIN, harness.BOB

SIZE = 100_000
HOSTS = ("--hosts", "a.test,b.test", "--backends", "a,b")


def backend(user, name):
    return harness.group(user, [str(BIN / "bench-backend"), name])


def load(mode, port, *options):
    """The exit status of bench-load, what it says and what it complains of."""
    with subprocess.Popen([BIN / "bench-load", mode, "--port", str(port), *map(str, options)],
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True) as process:
        # The input stays open: its end would end a steady load.
        with contextlib.suppress(BrokenPipeError):
            process.stdin.write("begin\n")
            process.stdin.flush()
        said, complaint = process.stdout.read(), process.stderr.read()
        with contextlib.suppress(BrokenPipeError):
            process.stdin.close()
        return process.wait(), said, complaint


@contextlib.contextmanager
def server_without_sessions():
    """One that answers every request with an empty 200, and gives no TLS session to resume."""
    with tempfile.TemporaryDirectory() as directory:
        base = pathlib.Path(directory)
        harness.run(BIN / "bench-sites", base, "a.test")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(base / "a.test.crt", base / "a.test.key")
        context.num_tickets = 0
    listener = socket.create_server(("127.0.0.1", 0))

    def serve():
        with contextlib.suppress(OSError):  # the listener is closed in the end
            while True:
                with context.wrap_socket(listener.accept()[0], server_side=True) as client:
                    client.recv(1000)
                    client.send(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
                    client.recv(1)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()


class LoadTest(harness.SharedDmpm):
    @classmethod
    def options(cls):
        return {"groups": {"a": backend(ALICE, "a"), "b": backend(BOB, "b")},
                "hosts": {"a.test": "a", "b.test": "b"}, "access_log": {"file": "access.log"}}

    def passes(self, mode, *options):
        status, said, complaint = load(mode, self.dmpm.port, *HOSTS, *options)
        self.assertEqual((status, complaint), (0, ""))
        return json.loads(said.splitlines()[-1])

    def fails(self, mode, *options):
        status, said, complaint = load(mode, self.dmpm.port, *options)
        self.assertEqual(status, 1, said)
        self.assertNotIn("{", said)
        return complaint

    # -- what is right --

    def test_requests(self):
        for http in (1, 2):
            with self.subTest(http=http):
                said = self.passes("requests", "--http", http, "--count", 40, "--connections", 4)
                self.assertEqual(said["requests"], 40)

    def test_bodies(self):
        for http in (1, 2):
            with self.subTest(http=http):
                self.passes("requests", "--http", http, "--count", 4, "--path", f"/bytes/{SIZE}")
                self.passes("requests", "--http", http, "--count", 4, "--path", "/sink", "--upload", SIZE)

    def test_handshakes(self):
        self.assertGreater(self.passes("handshakes", "--count", 4)["p50_us"], 0)
        status, _, complaint = load("handshakes", self.dmpm.port, "--hosts", "a.test", "--count", 4,
                                    "--connections", 2, "--resume")
        self.assertEqual((status, complaint), (0, ""))

    def test_idle(self):
        self.passes("idle", "--connections", 5)

    def test_steady(self):
        with tempfile.NamedTemporaryFile("r") as samples:
            said = self.passes("steady", "--count", 20, "--rate", 1000, "--connections", 4, "--fresh",
                               "--samples", samples.name)
            lines = samples.read().splitlines()
        self.assertEqual((said["requests"], len(lines)), (20, 20))
        self.assertEqual([line.split()[2] for line in lines], ["a", "b"] * 10)

    def test_where_connections_come_from(self):
        self.passes("requests", "--count", 40, "--connections", 4, "--source", "127.0.2.1:3")

        def used():
            lines = (self.dmpm.logs / "access.log").read_text().splitlines()
            return {line.split()[0] for line in lines if line.startswith("127.0.2.")}

        harness.eventually(lambda: used() == {"127.0.2.1", "127.0.2.2", "127.0.2.3"}, "three addresses")
        self.assertIn("bind", self.fails("requests", "--hosts", "a.test", "--source", "192.0.2.1"))

    def test_first(self):
        self.passes("first")

    # -- what is not --

    def test_a_status_other_than_200_is_noticed(self):
        for mode in ("requests", "handshakes", "idle"):
            with self.subTest(mode=mode):
                self.assertIn("status 404", self.fails(mode, "--hosts", "a.test", "--path", "/nothing"))
        self.assertIn("status 404", self.fails("steady", "--hosts", "a.test", "--path", "/nothing",
                                               "--rate", 100))

    def test_the_wrong_site_is_noticed(self):
        complaint = self.fails("requests", "--hosts", "a.test,b.test", "--backends", "a,a", "--count", 2)
        self.assertIn("b.test was answered by b", complaint)

    def test_a_session_that_is_not_resumed_is_noticed(self):
        options = ("--hosts", "a.test", "--path", "/", "--count", 2)
        with server_without_sessions() as port:
            self.assertEqual(load("handshakes", port, *options)[0], 0)
            status, _, complaint = load("handshakes", port, *options, "--resume")
        self.assertEqual(status, 1)
        self.assertIn("no session to resume", complaint)

    def test_nobody_there_is_noticed(self):
        with contextlib.closing(socket.socket()) as unused:
            unused.bind(("127.0.0.1", 0))
            status, _, complaint = load("first", unused.getsockname()[1], "--hosts", "a.test",
                                        "--deadline", 0)
        self.assertEqual(status, 1)
        self.assertIn("connect", complaint)

    def test_another_cipher_or_key_is_noticed(self):
        for what, key, cipher in (("handshake", "prime256v1", "TLS_AES_256_GCM_SHA384"),
                                  ("P-256", "secp384r1", "TLS_AES_128_GCM_SHA256")):
            with self.subTest(what=what), tempfile.TemporaryDirectory() as directory:
                base = pathlib.Path(directory)
                harness.run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                            f"ec_paramgen_curve:{key}", "-nodes", "-subj", "/CN=a.test", "-keyout",
                            base / "key", "-out", base / "crt")
                with subprocess.Popen(
                        ["openssl", "s_server", "-accept", "127.0.0.1:0", "-key", base / "key", "-cert",
                         base / "crt", "-ciphersuites", cipher, "-HTTP"], cwd=base,
                        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True) as server:
                    try:
                        line = next(line for line in server.stdout if line.startswith("ACCEPT"))
                        port = line.split(":")[-1]
                        status, _, complaint = load("handshakes", port.strip(), "--hosts", "a.test")
                    finally:
                        server.kill()
                self.assertEqual(status, 1)
                self.assertIn(what, complaint)


class FloorTest(unittest.TestCase):
    """The floor, and the backend on a path of its own, as the peers have it."""

    def test_bodies(self):
        with tempfile.TemporaryDirectory() as directory, contextlib.ExitStack() as processes:
            base = pathlib.Path(directory)
            harness.run(BIN / "bench-sites", base, "a.test")
            with contextlib.closing(socket.socket()) as probe:
                probe.bind(("127.0.0.1", 0))
                port = probe.getsockname()[1]
            for command in (["bench-backend", "a", base / "sock"],
                            ["bench-floor", port, base / "a.test.crt", base / "a.test.key", base / "sock"]):
                process = subprocess.Popen([BIN / command[0], *map(str, command[1:])])
                processes.callback(process.wait)
                processes.callback(process.kill)
                if command[0] == "bench-backend":
                    harness.eventually((base / "sock").exists, "the backend listens")
            hosts = ("--hosts", "a.test", "--backends", "a")
            for options in (("first",), ("requests", "--path", f"/bytes/{SIZE}"),
                            ("requests", "--path", "/sink", "--upload", SIZE, "--count", 3)):
                with self.subTest(options=options):
                    status, _, complaint = load(options[0], port, *hosts, *options[1:])
                    self.assertEqual((status, complaint), (0, ""))


class WholeTest(unittest.TestCase):
    """A whole comparison, as small as it can be: with a peer, the floor and dmpm."""

    def test_table(self):
        try:
            Cgroup("probe").remove()
        except OSError as error:
            self.skipTest(f"no control group can be made here: {error}")
        with tempfile.TemporaryDirectory() as directory:
            output = pathlib.Path(directory)
            harness.run("/usr/bin/python3", "-B", HERE / "bench.py", "--programs", BIN,
                        "--servers", "nginx", "floor", "dmpm", "--quick", "--only", "upload1",
                        "alternating", "--output", output)
            measured = json.loads((output / "bench.json").read_text(encoding="utf-8"))
            table = (output / "bench.md").read_text(encoding="utf-8")
            self.assertIn("</svg>", (output / "bench.svg").read_text(encoding="utf-8"))
        metrics = measured["metrics"]
        self.assertEqual({name: set(metric["servers"]) for name, metric in metrics.items()},
                         {"upload1": {"nginx", "floor", "dmpm"}, "alternating": {"nginx", "dmpm"}})
        self.assertTrue(all(each["median"] > 0 for metric in metrics.values()
                            for each in metric["servers"].values()))
        self.assertIn("| one connection alternating between two sites | µs/request |", table)


class ReportTest(unittest.TestCase):
    def test_goals(self):
        results = Results()
        beside = results.metric("one", "beside the best", "µs", reference="best", goal=0.9)
        for server, values in (("nginx", [10, 12, 11]), ("h2o", [20, 20, 20]), ("floor", [1, 1, 1]),
                               ("dmpm", [9, 10, 9.5])):
            for value in values:
                beside.add(server, value)
        self.assertEqual((beside.reference_server(), beside.median("nginx")), ("nginx", 11))
        self.assertAlmostEqual(beside.bound(), 9.9)
        self.assertTrue(beside.met())
        by_itself = results.metric("two", "by itself", "s", reference=None, goal=0.1)
        by_itself.add("dmpm", 0.2)
        self.assertIs(by_itself.met(), False)
        missing = results.metric("three", "without its reference", "s", reference="nginx", goal=1.0)
        missing.add("dmpm", 1)
        self.assertIsNone(missing.met())
        about = {"date": "today", "machine": "this", "versions": {"dmpm": "1"}, "rounds": 3}
        text = report.table(results, about)
        self.assertIn("| 9.50 ±5% | 0.86 | ≤ 0.90 × best: nginx | yes |", text)
        self.assertIn("**no**", text)
        self.assertIn("</svg>", report.plot(results, about))


if __name__ == "__main__":
    harness.main()
