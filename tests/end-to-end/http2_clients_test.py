#!/usr/bin/python3
"""Real HTTP/2 clients load a page with 200 resources of two sites of two users over one connection:
Chromium, curl, Node, nghttp and h2load. Every body is compared, and every connection is counted."""
import unittest

import harness
import http2_clients
from chromium import Chromium
from counting_relay import CountingRelay
from harness import ALICE, BOB, CAROL, owner, uid
from many_resources import ManyResources


def browse(site):
    """The page in Chromium: the answers that it got, what the page saw, the connections it names."""
    with Chromium(site.directory / "chromium", CAROL, site.authority.file) as browser:
        page = browser.load(site.url(site.resources[0]), "verdict()")
    by_url = {site.url(resource): resource for resource in site.resources}
    answers, connections = {}, set()
    for response in page.responses:
        resource = by_url[response.url]
        answers[resource.host, resource.path] = (response.status, response.body)
        connections.add((response.protocol, response.connection))
    return answers, page.value, connections


class TwoSites(unittest.TestCase):
    ONE_CERTIFICATE = True

    @classmethod
    def setUpClass(cls):
        cls.relay = CountingRelay()
        cls.addClassCleanup(cls.relay.close)
        cls.site = ManyResources(cls.relay.port, cls.ONE_CERTIFICATE)
        cls.enterClassContext(cls.site)
        cls.relay.target = cls.site.port

    def setUp(self):
        self.relay.finished()  # what a test before left uncounted

    def tearDown(self):
        """Whoever asked, one worker of each user answered."""
        for user in (ALICE, BOB):
            self.assertEqual([owner(pid) for pid in self.site.workers(user)], [uid(user)])

    def check(self, answers, resources=None):
        expected = {(resource.host, resource.path): (200, resource.body)
                    for resource in resources or self.site.resources}
        self.assertEqual(answers.keys(), expected.keys())
        wrong = [(what, answers[what][0], answers[what][1][:100])
                 for what in expected if answers[what] != expected[what]]
        self.assertEqual(wrong, [])

    def check_page(self, seen):
        expected = {resource.name: resource.seen for resource in self.site.resources if resource.name}
        self.assertEqual(len(expected), 200)
        self.assertEqual(seen, expected)


class OneConnection(TwoSites):
    """One certificate has both names, and so one connection may carry both."""

    def test_chromium(self):
        answers, seen, connections = browse(self.site)
        self.check(answers)
        self.check_page(seen)
        self.assertEqual([protocol for protocol, _ in connections], ["h2"])
        self.assertEqual(self.relay.finished(), 1)

    def test_curl(self):
        answers, connections = http2_clients.curl(self.site, self.site.resources)
        self.check(answers)
        self.assertEqual(connections, 1)
        self.assertEqual(self.relay.finished(), 1)

    def test_node(self):
        answers, sessions, protocol = http2_clients.node(self.site, self.site.resources)
        self.check(answers)
        self.assertEqual((sessions, protocol), (1, "h2"))
        self.assertEqual(self.relay.finished(), 1)

    def test_nghttp(self):
        """It can name one site a run: bob's part comes over a connection made for alice's, too."""
        for host in ("a.test", "b.test"):
            resources = self.site.of_host(host)
            self.check(http2_clients.nghttp(self.site, resources), resources)
            self.assertEqual(self.relay.finished(), 1)

    def test_h2load(self):
        for host in ("a.test", "b.test"):
            resources = self.site.of_host(host)
            self.assertEqual(http2_clients.h2load(self.site, resources), {
                "protocol": "h2", "succeeded": len(resources), "2xx": len(resources),
                "data": sum(len(resource.body) for resource in resources)})
            self.assertEqual(self.relay.finished(), 1)

    def test_a_second_connection_would_be_seen(self):
        answers, connections = http2_clients.curl(self.site, self.site.resources, one_name=False)
        self.check(answers)
        self.assertEqual(connections, 2)
        self.assertEqual(self.relay.finished(), 2)


class TwoConnections(TwoSites):
    """Each name has a certificate of its own: a browser that shared a connection would be wrong."""

    ONE_CERTIFICATE = False

    def test_chromium(self):
        answers, seen, connections = browse(self.site)
        self.check(answers)
        self.check_page(seen)
        self.assertEqual([protocol for protocol, _ in connections], ["h2", "h2"])
        self.assertGreaterEqual(self.relay.finished(), 2)


if __name__ == "__main__":
    harness.main()
