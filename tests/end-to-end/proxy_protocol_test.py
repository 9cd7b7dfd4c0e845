#!/usr/bin/python3
"""The PROXY protocol towards workers: each learns its client's address from the first bytes of a
connection, and no connection ever serves two clients."""
import os
import shutil
import signal
import unittest

import harness
import http2_frames as h2
import proxied_servers
from harness import ALICE, BOB, HERE, Client, Dmpm, eventually
from websocket_test import handshake

LISTEN = [{"address": "*:0", "tls": True}, {"address": "127.0.0.1:0"}]
REAL = tuple(proxied_servers.SERVERS)
ROUNDS = 5


def proxied_worker(user, proxy=True, **scale):
    settings = harness.group(user, ["/usr/bin/python3", "-IS", "{top}/proxied_worker.py"], **scale)
    if proxy:
        settings["worker"]["proxy_protocol"] = True
    return settings


class Site(Dmpm):
    def __init__(self, groups, hosts, **settings):
        super().__init__(groups=groups, hosts=hosts, listen=LISTEN, **settings)
        for name in ("http2_worker.py", "proxied_worker.py"):
            shutil.copy(HERE / name, self.directory)
            (self.directory / name).chmod(0o644)

    def client(self, case, source, host="a.test", address="127.0.0.1"):
        client = Client(self.port, self.authority.file, sni=host, address=address, source=source)
        case.addCleanup(client.close)
        return client

    def http2_client(self, case, source, host="a.test"):
        client = h2.Connection(self, sni=host, source=source)
        case.addCleanup(client.close)
        return client


def own(client):
    return list(client.sock.getsockname()[:2])


class Http1Visitor:
    """One request after the other, each sent before the answer to the one before is read."""
    streams = 1

    def __init__(self, case, site, source, host):
        self.host, self.client = host, site.client(case, source, host)

    def ask(self):
        self.client.send_request("GET", self.host)

    def answers(self):
        answer = self.client.answer()
        return [(answer.status, answer.body)]


class Http2Visitor:
    streams = 3

    def __init__(self, case, site, source, host):
        self.host, self.client, self.open = host, site.http2_client(case, source, host), []

    def ask(self):
        self.open = [self.client.open("GET", self.host) for _ in range(self.streams)]

    def answers(self):
        return [(stream.status, stream.body) for stream in map(self.client.answer, self.open)]


class OneDmpm(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.dmpm = Site({"alice": proxied_worker(ALICE), "bob": proxied_worker(BOB),
                         "plain": proxied_worker(BOB, proxy=False),
                         "narrow": proxied_worker(ALICE, connections_per_worker=2)},
                        {"a.test": "alice", "b.test": "bob", "plain.test": "plain",
                         "narrow.test": "narrow"})
        for name in REAL:
            proxied_servers.add(cls.dmpm, name)
        cls.dmpm.__enter__()

    @classmethod
    def tearDownClass(cls):
        cls.dmpm.__exit__(None, None, None)

    def get(self, client, host="a.test", path="/", method="GET", **options):
        answer = client.request(method, host, path, **options)
        self.assertEqual(answer.status, 200, answer)
        return answer.json()

    # -- the header --

    def test_what_the_header_says_of_a_client_over_tls(self):
        client = self.dmpm.client(self, "127.0.0.9")
        self.assertEqual(self.get(client)["proxy"], {
            "source": own(client), "destination": list(client.sock.getpeername()),
            "alpn": "http/1.1", "authority": "a.test", "ssl": [1, 1],
            "version": client.sock.version(), "cipher": client.sock.cipher()[0]})

    def test_of_one_over_http2(self):
        client = self.dmpm.http2_client(self, "127.0.0.9")
        proxy = client.request("GET", "a.test").json()["proxy"]
        self.assertEqual((proxy["source"], proxy["alpn"]), (own(client), "h2"))

    def test_of_one_over_ipv6(self):
        client = self.dmpm.client(self, "::1", address="::1")
        proxy = self.get(client)["proxy"]
        self.assertEqual(proxy["source"], own(client))
        self.assertEqual(proxy["destination"], ["::1", self.dmpm.port])

    def test_of_one_without_tls(self):
        client = Client(self.dmpm.http_port, None, source="127.0.0.9")
        self.addCleanup(client.close)
        self.assertEqual(self.get(client)["proxy"], {
            "source": own(client), "destination": ["127.0.0.1", self.dmpm.http_port]})

    def test_another_customers_name_is_not_told(self):
        client = self.dmpm.client(self, "127.0.0.9")
        self.assertEqual(self.get(client)["proxy"]["authority"], "a.test")
        proxy = self.get(client, "b.test")["proxy"]
        self.assertNotIn("authority", proxy)
        self.assertEqual(proxy["source"], own(client))

    def test_the_fields_are_there_as_well(self):
        client = self.dmpm.client(self, "127.0.0.9")
        fields = dict(self.get(client, headers=[("X-Forwarded-For", "9.9.9.9")])["headers"])
        self.assertEqual(fields["X-Forwarded-For"], "127.0.0.9")

    def test_a_client_cannot_send_a_header_itself(self):
        for header in (b"PROXY TCP4 9.9.9.9 9.9.9.9 1 2\r\n",
                       b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\x09\x09\x09\x09\x09\x09\x09\x09\0\1\0\2"):
            client = self.dmpm.client(self, "127.0.0.9")
            client.send(header + b"GET / HTTP/1.1\r\nHost: a.test\r\n\r\n")
            self.assertEqual(client.answer().status, 400)

    def test_other_groups_get_none(self):
        client = self.dmpm.client(self, "127.0.0.9")
        for _ in range(2):
            # The worker closes a connection that begins without a header.
            client.send_request("GET", "plain.test")
            self.assertIn(client.answer().status, (502, 503))

    # -- whose a connection is --

    def test_one_client_keeps_its_connection(self):
        client, other = self.dmpm.client(self, "127.0.0.2"), self.dmpm.client(self, "127.0.0.3")
        seen = []
        for _ in range(3):
            seen.append(self.get(client)["connection"])
            self.get(client, method="PUT", body=b"x" * 100_000)
            self.assertNotIn(self.get(other)["connection"], seen)
        self.assertEqual(len(set(seen)), 1)

    def test_streams_of_one_client_share_what_they_have(self):
        client = self.dmpm.http2_client(self, "127.0.0.2")
        connections = set()
        for _ in range(10):
            open_streams = [client.open("GET", "a.test") for _ in range(5)]
            for answer in [client.answer(number).json() for number in open_streams]:
                self.assertEqual(answer["proxy"]["source"], own(client))
                connections.add(answer["connection"])
        self.assertLessEqual(len(connections), 5)

    def interleave(self, host, check):
        """Clients over both protocols, at the same time; check(visitor, answer's body)."""
        visitors = [kind(self, self.dmpm, f"127.0.0.{number}", host)
                    for number, kind in enumerate((Http1Visitor, Http2Visitor) * 3, 20)]
        for number in range(ROUNDS):
            for visitor in visitors:
                visitor.ask()
            for visitor in visitors[number:] + visitors[:number]:
                answers = visitor.answers()
                self.assertEqual([status for status, _ in answers], [200] * visitor.streams, answers)
                for _, body in answers:
                    check(visitor, body.decode())

    def test_real_servers_see_each_clients_address(self):
        for name in REAL:
            with self.subTest(name):
                def check(visitor, body):
                    self.check_address(name, visitor.client, body)
                self.interleave(f"{name}.test", check)

    def check_address(self, name, client, body):
        """The address alone where the server does not tell the port."""
        size = 1 if name == "apache" else 2
        self.assertEqual(body.split(" ")[:size], [str(part) for part in own(client)][:size])

    def test_real_servers_take_the_longest_header(self):
        for name in REAL:
            with self.subTest(name):
                host = proxied_servers.long_name(name)
                client = self.dmpm.client(self, "::1", host, "::1")
                answer = client.get(host)
                self.assertEqual(answer.status, 200, answer)
                self.check_address(name, client, answer.body.decode())

    def test_no_connection_is_ever_shared(self):
        owners = {}

        def check(visitor, body):
            number = body.split(" ")[2]
            self.assertEqual(owners.setdefault(number, own(visitor.client)), own(visitor.client))
        self.interleave("nginx.test", check)
        # Three clients with one stream and three with three, and idle ones are used again.
        self.assertLessEqual(len(owners), 12)
        self.assertGreaterEqual(len(owners), 6)

    def test_a_worker_that_takes_few_connections(self):
        def check(visitor, body):
            self.assertIn(f'"source": ["{own(visitor.client)[0]}", {own(visitor.client)[1]}]', body)
        self.interleave("narrow.test", check)

    # -- their ends --

    def ended(self, number, name="alice"):
        return (self.dmpm.home(name) / f"ended.{number}").exists()

    def test_a_clients_connections_end_with_it(self):
        for leave in (lambda client: client.close(),
                      lambda client: self.get(client, headers=[("Connection", "close")])):
            client = self.dmpm.client(self, "127.0.0.2")
            number = self.get(client)["connection"]
            leave(client)
            eventually(lambda: self.ended(number), "the end of its connection")

    def test_one_that_the_worker_ends_is_replaced(self):
        client = self.dmpm.client(self, "127.0.0.2")
        before = self.get(client, path="/drop-next")["connection"]
        answer = self.get(client)
        self.assertNotEqual(answer["connection"], before)
        self.assertEqual((answer["request"], answer["proxy"]["source"]), (1, own(client)))

    def test_websockets(self):
        client = self.dmpm.client(self, "127.0.0.2")
        number = self.get(client)["connection"]
        client.send(handshake("/ws"))
        self.assertIn("101", client._until(b"\r\n\r\n").decode().split("\r\n")[0])
        client.send(b"through the tunnel")
        self.assertEqual(client._exactly(18), b"through the tunnel")
        client.close()
        eventually(lambda: self.ended(number), "the end of the tunnel's connection")


class Lives(unittest.TestCase):
    def test_idle_stop_in_spite_of_a_client_that_stays(self):
        with Site({"alice": proxied_worker(ALICE, idle_timeout="100ms")}, {"a.test": "alice"}) as dmpm:
            client = dmpm.client(self, "127.0.0.2")
            first = client.get("a.test").json()
            eventually(lambda: harness.has_gone(first["pid"]), "the worker is asleep")
            second = client.get("a.test").json()
            self.assertNotEqual(second["pid"], first["pid"])
            self.assertEqual(second["proxy"]["source"], own(client))

    def test_a_reload_that_changes_it(self):
        group = harness.python_worker(ALICE)
        with Site({"alice": group}, {"a.test": "alice"}) as dmpm:
            clients = [dmpm.client(self, f"127.0.0.{number}") for number in (2, 3)]
            other = dmpm.http2_client(self, "127.0.0.4")
            for turn in range(4):
                old = clients[0].get("a.test").json()["pid"]
                proxied = turn % 2 == 0
                dmpm.settings["groups"]["alice"]["worker"] = {}
                dmpm.add_group("alice", proxied_worker(ALICE) if proxied else harness.python_worker(ALICE))
                dmpm.write_config()
                dmpm.signal(signal.SIGHUP)
                pids = set()

                def all_new():
                    pids.clear()
                    for client in clients:
                        answer = client.get("a.test")
                        self.assertEqual(answer.status, 200, answer)
                        pids.add(answer.json()["pid"])
                    answer = other.request("GET", "a.test")
                    self.assertEqual(answer.status, 200, answer)
                    pids.add(answer.json()["pid"])
                    return old not in pids
                eventually(all_new, "the new worker serves")
                for client in clients:
                    proxy = client.get("a.test").json().get("proxy")
                    self.assertEqual(proxy and proxy["source"], own(client) if proxied else None)

    def test_a_crash(self):
        with Site({"alice": proxied_worker(ALICE)}, {"a.test": "alice"}) as dmpm:
            clients = [dmpm.client(self, f"127.0.0.{number}") for number in (2, 3)]
            pid = [client.get("a.test").json()["pid"] for client in clients][0]
            os.kill(pid, signal.SIGKILL)
            eventually(lambda: harness.has_gone(pid), "its end")
            for client in clients:
                answer = client.get("a.test")
                self.assertEqual(answer.status, 200, answer)
                self.assertEqual(answer.json()["proxy"]["source"], own(client))


if __name__ == "__main__":
    harness.main()
