#!/usr/bin/python3
"""An HTTP/2 connection over time: windows that come back, time-outs, drain, reload."""
import os
import signal
import time
import unittest

import harness
from harness import eventually
from http2_frames import *  # pylint: disable=wildcard-import,unused-wildcard-import
from http2_site import Site


class Windows(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.dmpm = Site().__enter__()

    @classmethod
    def tearDownClass(cls):
        cls.dmpm.__exit__(None, None, None)

    def abandon(self, client, path, more, size, times):
        """Uploads that are reset when `size` bytes have been sent."""
        for _ in range(times):
            number = client.open("POST", "a.test", path, more, end_stream=False)
            client.upload(number, b"x" * size, end_stream=False)
            self.assertFalse(client.stream(number).over)
            client.send(reset(number))
        client.check_ping()

    def test_the_window_of_abandoned_short_uploads_comes_back(self):
        with Connection(self.dmpm) as client:
            self.abandon(client, "/", [("content-length", "60000")], 50_000, 40)
            self.check_upload(client)

    def test_the_window_of_abandoned_uploads_to_a_slow_worker_comes_back(self):
        with Connection(self.dmpm) as client:
            self.abandon(client, "/unread", [], 60_000, 40)
            self.check_upload(client)

    def test_the_window_of_answered_uploads_comes_back(self):
        with Connection(self.dmpm) as client:
            for _ in range(40):
                number = client.open("POST", "a.test", "/early", [("content-length", "900000")],
                                     end_stream=False)
                client.upload(number, b"x" * 60_000, end_stream=False)
                client.answer(number)
            self.check_upload(client)

    def test_what_was_on_its_way_when_an_upload_was_answered_is_no_abuse(self):
        """But who goes on sending is sent away."""
        with Connection(self.dmpm) as client:
            for _ in range(30):
                number = client.open("POST", "a.test", "/early", [("content-length", "900000")],
                                     end_stream=False)
                client.answer(number)
                client.upload(number, b"x" * 60_000, end_stream=False)
            self.check_upload(client)
            try:
                for _ in range(256):
                    client.send(data(bytes(16384), number, end_stream=False))
                client.wait_end()
            except OSError:
                client.closed = True
            self.assertTrue(client.closed)

    def check_upload(self, client):
        client.timeout = 5
        stream = client.request("POST", "b.test", "/", body=b"y" * 3_000_000)
        self.assertEqual(stream.status, 200, stream)
        self.assertEqual(stream.json()["body_size"], 3_000_000)

    def test_no_more_than_the_window_is_taken(self):
        """A worker that does not read: the client may send 64 KiB and no more."""
        with Connection(self.dmpm) as client:
            number = client.open("POST", "a.test", "/unread", end_stream=False)
            client.wait(lambda: client.settings, "SETTINGS")
            window = client.settings[INITIAL_WINDOW_SIZE]
            sent = 0
            while sent < 8_000_000:
                room = min(window + client.stream_credit.get(number, 0), client.credit, 16384)
                if room <= 0:
                    if client.read(0.5) is None:
                        break
                    continue
                client.send(data(bytes(room), number, end_stream=False))
                client.credit -= room
                client.stream_credit[number] = client.stream_credit.get(number, 0) - room
                sent += room
            self.assertLess(sent, 1_000_000)  # the kernel's socket buffers and 64 KiB
            client.check_alive()

    def test_a_window_overrun_is_an_error(self):
        with Connection(self.dmpm) as client:
            number = client.open("POST", "a.test", "/unread", end_stream=False)
            for _ in range(100):
                client.try_send(data(bytes(16384), number, end_stream=False))
            while client.goaway is None and client.stream(number).reset is None and client.read():
                pass
            # What had not been read may make the kernel take the GOAWAY back.
            if not client.closed:
                self.assertIn(FLOW_CONTROL_ERROR, (client.goaway, client.stream(number).reset))

    def test_a_slow_stream_does_not_hold_up_the_others(self):
        with Connection(self.dmpm, window=65535) as client:
            client.send(window_update(1 << 28))
            stuck = client.stream(client.open("GET", "a.test", "/big?n=3000000"))
            client.wait(lambda: len(stuck.body) == 65535, "a full window")
            for _ in range(20):
                self.assertEqual(client.request("GET", "b.test", "/big?n=60000").status, 200)


class Timeouts(unittest.TestCase):
    """Each with a dmpm whose limits are short."""

    def test_a_malformed_request_does_not_start_a_clock(self):
        with Site(limits={"head_timeout": "2s"}) as dmpm, Connection(dmpm) as client:
            waiting = client.open("GET", "a.test", "/wait/later")
            eventually((dmpm.home("alice") / "later.seen").exists, "the request arrived")
            bad = client.open("GET", "a.test", "/", end_stream=True,
                              fields=request(more=[("connection", "close")]))
            self.assertEqual(client.answer(bad).reset, PROTOCOL_ERROR)
            end = time.monotonic() + 5
            while time.monotonic() < end and not client.closed:
                client.read(0.2)
            self.assertIsNone(client.goaway)
            (dmpm.home("alice") / "later").touch()
            self.assertEqual(client.answer(waiting).status, 200)

    def test_a_head_that_does_not_end(self):
        with Site(limits={"head_timeout": "1s"}) as dmpm, Connection(dmpm) as client:
            client.check_alive()
            client.send(headers(encode(request())[:5], 0x7f03, end_headers=False))
            begun = time.monotonic()
            self.assertTrue(client.wait_end())
            self.assertEqual(client.goaway, ENHANCE_YOUR_CALM)
            self.assertLess(time.monotonic() - begun, 5)

    def test_a_slow_head_of_many_reads(self):
        """A byte now and then does not make the head's time longer."""
        with Site(limits={"head_timeout": "1s"}) as dmpm, Connection(dmpm) as client:
            client.check_alive()
            client.send(headers(b"", 0x7f03, end_headers=False))
            begun = time.monotonic()
            whole = continuation(literal("x", "v" * 10000), 0x7f03)
            for at in range(0, 200):
                client.try_send(whole[at:at + 1])
                client.read(0.05)
                if client.closed:
                    break
            self.assertTrue(client.closed)
            self.assertLess(time.monotonic() - begun, 5)

    def test_nothing_is_sent(self):
        with Site(limits={"head_timeout": "1s", "idle_timeout": "1s"}) as dmpm:
            with Connection(dmpm, start=False) as client:
                begun = time.monotonic()
                self.assertTrue(client.wait_end())
                self.assertLess(time.monotonic() - begun, 5)

    def test_an_idle_connection_ends_in_spite_of_pings(self):
        with Site(limits={"head_timeout": "1s", "idle_timeout": "1s"}) as dmpm, \
                Connection(dmpm) as client:
            client.check_alive()
            begun = time.monotonic()
            while not client.closed and time.monotonic() - begun < 8:
                client.try_send(ping())
                while client.read(0.3):
                    pass
            self.assertTrue(client.closed)
            self.assertEqual(client.goaway, NO_ERROR)

    def test_a_body_that_does_not_come(self):
        with Site(limits={"head_timeout": "1s", "body_timeout": "1s"}) as dmpm, Connection(dmpm) as client:
            number = client.open("POST", "a.test", "/", end_stream=False)
            client.send(data(b"x", number, end_stream=False))
            stream = client.answer(number)
            self.assertEqual(stream.status, 408)
            client.check_alive()

    def test_a_client_that_takes_nothing(self):
        with Site(limits={"head_timeout": "1s", "send_timeout": "1s"}) as dmpm:
            with Connection(dmpm, more_settings=[(INITIAL_WINDOW_SIZE, 0)]) as client:
                stream = client.stream(client.open("GET", "a.test", "/big?n=100000"))
                client.wait(lambda: stream.reset is not None, "a reset")
                self.assertEqual(stream.reset, CANCEL)
                client.check_ping()


class DrainAndReload(unittest.TestCase):
    def test_sigterm_lets_streams_complete(self):
        with Site() as dmpm, Connection(dmpm) as client, Connection(dmpm) as idle:
            idle.check_alive()
            number = client.open("GET", "a.test", "/wait/go")
            upload = client.open("POST", "b.test", "/", end_stream=False)
            client.upload(upload, b"first half, ", end_stream=False)
            big = client.stream(client.open("GET", "b.test", "/big?n=300000"))
            eventually((dmpm.home("alice") / "go.seen").exists, "the request arrived")
            dmpm.begin_stop()
            self.assertTrue(idle.wait_end())
            self.assertEqual(idle.goaway, NO_ERROR)
            client.wait(lambda: len(client.goaways) == 2, "two GOAWAYs")
            self.assertEqual(client.goaways[0], ((1 << 31) - 1, NO_ERROR))
            self.assertEqual(client.goaways[1][0], big.number)
            self.assertIsNone(dmpm.process.poll())
            client.upload(upload, b"second half")
            (dmpm.home("alice") / "go").touch()
            self.assertEqual(client.answer(upload).json()["body_size"], 23)
            self.assertEqual(client.answer(number).status, 200)
            self.assertEqual(len(client.answer(big.number).body), 300000)
            self.assertTrue(client.wait_end())
            self.assertEqual(dmpm.stop(), 0)

    def test_a_request_behind_the_first_goaway_is_served(self):
        with Site() as dmpm, Connection(dmpm) as client:
            client.auto = False  # no answer to the PING: the server may not send its second GOAWAY
            client.send(settings(flags=ACK))
            first = client.open("GET", "a.test", "/wait/go")
            eventually((dmpm.home("alice") / "go.seen").exists, "the request arrived")
            dmpm.begin_stop()
            client.wait(lambda: client.goaways, "GOAWAY")
            late = client.open("GET", "b.test")
            self.assertEqual(client.answer(late).status, 200)
            (dmpm.home("alice") / "go").touch()
            self.assertEqual(client.answer(first).status, 200)
            for got in client.frames:
                if isinstance(got, PingFrame) and "ACK" not in got.flags:
                    client.send(ping(got.opaque_data, ACK))
            self.assertTrue(client.wait_end())

    def test_a_client_that_does_not_answer_the_ping_cannot_hold_up_the_end(self):
        with Site() as dmpm, Connection(dmpm) as client:
            client.check_alive()
            client.auto = False
            dmpm.begin_stop()
            self.assertEqual(dmpm.process.wait(10), 0)

    def test_a_reload_does_not_touch_streams(self):
        with Site() as dmpm, Connection(dmpm) as client:
            number = client.open("GET", "a.test", "/wait/go")
            tunnel = client.open("", "b.test", end_stream=False, fields=[
                (":method", "CONNECT"), (":protocol", "websocket"), (":scheme", "https"),
                (":path", "/ws"), (":authority", "b.test"), ("sec-websocket-version", "13")])
            client.wait(lambda: client.stream(tunnel).status == 200, "the WebSocket")
            eventually((dmpm.home("alice") / "go.seen").exists, "the request arrived")
            dmpm.add_host("c.test", "bob")
            dmpm.write_config()
            seen = len(dmpm.stderr_text())
            dmpm.signal(signal.SIGHUP)
            dmpm.wait_for_line("reload", after=seen)
            eventually(lambda: client.request("GET", "c.test").status == 200, "the new host")
            client.send(data(b"echo", tunnel, end_stream=False))
            client.wait(lambda: client.stream(tunnel).body == b"echo", "the echo")
            (dmpm.home("alice") / "go").touch()
            self.assertEqual(client.answer(number).status, 200)
            self.assertEqual(client.goaways, [])


if __name__ == "__main__":
    harness.main()
