#!/usr/bin/python3
"""The bridge: bytes and ends of streams pass unchanged, signals and deaths reach the other side."""
import os
import pathlib
import random
import signal
import socket
import threading
import unittest

from adapter import AdapterTest, eventually, read_all

SERVER = pathlib.Path(__file__).resolve().parent / "bridge_server.py"
PORT = 8080


class Bridge(AdapterTest):
    def bridge(self, place=f"port={PORT}"):
        copy = self.directory / "server.py"
        copy.write_text(SERVER.read_text())
        return self.start("bridge", place, "--", "/usr/bin/python3", "-B", copy,
                          place.partition("=")[2])

    def open(self, line):
        sock = self.connect()
        sock.sendall(line + b"\n")
        return sock

    def server(self, process):
        with open(f"/proc/{process.pid}/task/{process.pid}/children", encoding="ascii") as file:
            return int(file.read())

    def test_half_close(self):
        self.bridge()
        sock = self.open(b"echo")
        sock.sendall(b"one")
        self.assertEqual(sock.recv(100), b"one")
        sock.sendall(b"two")
        sock.shutdown(socket.SHUT_WR)
        self.assertEqual(read_all(sock), b"two")

    def test_the_server_ends_its_side_first(self):
        self.bridge()
        sock = self.open(b"early")
        self.assertEqual(read_all(sock), b"early answer")
        sock.sendall(bytes(300_000))
        sock.close()
        eventually(lambda: "read 300000 after the answer" in self.said(), "the rest of the request")

    def test_large_bodies_both_ways_at_once(self):
        self.bridge()
        data = random.Random(3).randbytes(20_000_000)
        results = {}

        def exchange(number):
            sock = self.open(b"echo")
            sender = threading.Thread(target=lambda: (sock.sendall(data),
                                                      sock.shutdown(socket.SHUT_WR)))
            sender.start()
            results[number] = read_all(sock) == data
            sender.join()

        threads = [threading.Thread(target=exchange, args=(n,)) for n in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(results, {n: True for n in range(4)})

    def test_small_pieces_fill_a_pipe_and_arrive(self):
        self.bridge()
        sock = self.open(b"echo")
        sender = threading.Thread(target=lambda: ([sock.send(b"x") for _ in range(50_000)],
                                                  sock.shutdown(socket.SHUT_WR)))
        sender.start()
        self.assertEqual(read_all(sock), b"x" * 50_000)
        sender.join()

    def test_many_connections(self):
        self.bridge()
        socks = [self.open(b"echo") for _ in range(150)]
        for number, sock in enumerate(socks):
            sock.sendall(str(number).encode())
            sock.shutdown(socket.SHUT_WR)
        self.assertEqual([read_all(sock) for sock in socks],
                         [str(number).encode() for number in range(150)])

    def test_a_private_network_and_no_rights(self):
        process = self.bridge()
        uid, gid, capabilities, pid, _, interfaces = read_all(self.open(b"who")).split(b" ", 5)
        self.assertEqual((int(uid), int(gid)),
                         (os.stat(self.directory).st_uid, os.stat(self.directory).st_gid))
        self.assertEqual(int(capabilities, 16), 0)
        self.assertEqual(interfaces, b"['lo']")
        self.assertEqual(int(pid), self.server(process))
        for pid in (process.pid, self.server(process)):
            self.assertNotEqual(os.readlink(f"/proc/{pid}/ns/net"), os.readlink("/proc/self/ns/net"))
            status = pathlib.Path(f"/proc/{pid}/status").read_text()
            self.assertIn("CapEff:\t0000000000000000", status)
            self.assertIn("CapPrm:\t0000000000000000", status)
        # Not even the machine's own root network sees the port.
        with self.assertRaises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", PORT), 1)

    def test_a_unix_path(self):
        place = self.directory / "inner"
        place.write_text("left behind")
        process = self.bridge(f"path={place}")
        sock = self.open(b"echo")
        sock.shutdown(socket.SHUT_WR)
        self.assertEqual(read_all(sock), b"")
        self.assertEqual(os.readlink(f"/proc/{process.pid}/ns/net"), os.readlink("/proc/self/ns/net"))

    def test_signals_reach_the_server_once(self):
        process = self.bridge()
        self.open(b"hold").recv(5)
        for number in (signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2, signal.SIGWINCH):
            os.killpg(process.pid, number)
            eventually(lambda: f"signal {number.name}" in self.said(), number)
        self.assertEqual(self.said().count("signal"), 4)

    def test_what_is_in_flight_at_the_end_is_served(self):
        process = self.bridge()
        sock = self.open(b"echo")
        sock.sendall(b"x")
        sock.recv(1)
        process.send_signal(signal.SIGTERM)
        eventually(lambda: "signal SIGTERM" in self.said(), "the signal")
        sock.sendall(b"still")
        sock.shutdown(socket.SHUT_WR)
        self.assertEqual(read_all(sock), b"still")
        self.assertEqual(process.wait(), 0)

    def test_the_servers_end_is_the_bridges(self):
        process = self.bridge()
        held = self.open(b"hold")
        held.recv(5)
        self.open(b"exit 7")
        self.assertEqual(held.recv(1), b"")
        held.close()
        self.assertEqual(process.wait(), 7)

    def test_a_server_that_is_killed(self):
        process = self.bridge()
        self.open(b"hold").recv(5)
        os.kill(self.server(process), signal.SIGKILL)
        self.assertEqual(process.wait(), 128 + signal.SIGKILL)

    def test_a_bridge_that_is_killed(self):
        process = self.bridge()
        self.open(b"hold").recv(5)
        server = self.server(process)
        process.kill()
        process.wait()
        eventually(lambda: not os.path.exists(f"/proc/{server}") or
                   "State:\tZ" in pathlib.Path(f"/proc/{server}/status").read_text(), "its end")

    def test_a_connection_that_breaks_is_one_connection(self):
        self.bridge()
        other = self.open(b"hold")
        other.recv(5)
        sock = self.open(b"abort")
        self.assertEqual(read_all(sock), b"")
        # A client that goes in the middle of its request.
        self.open(b"echo").close()
        sock = self.open(b"echo")
        sock.sendall(b"x")
        self.assertEqual(sock.recv(1), b"x")
        other.sendall(b"y")

    def test_what_fails_is_said(self):
        self.assertEqual(self.start("bridge", f"port={PORT}", "--", "/nowhere/server").wait(), 127)
        self.assertIn("dmpm-worker-adapter: exec /nowhere/server: No such file", self.said())


if __name__ == "__main__":
    unittest.main(verbosity=2)
