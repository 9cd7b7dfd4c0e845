#!/usr/bin/python3
"""What a worker learns about the client comes from the dispatcher and never from the client."""
import harness


class ForwardedHeaders(harness.SharedDmpm):
    def setUp(self):
        self.client = self.dmpm.connect()
        self.addCleanup(self.client.close)

    def get(self, *headers, host="a.test"):
        answer = self.client.get(host, "/page?q=1", headers=headers)
        self.assertEqual(answer.status, 200, answer)
        return answer

    def test_the_clients_address_scheme_and_host_are_told(self):
        answer = self.get(host="a.test:8443")
        self.assertEqual(answer.received("X-Forwarded-For"), ["127.0.0.1"])
        self.assertEqual(answer.received("X-Forwarded-Proto"), ["https"])
        self.assertEqual(answer.received("X-Forwarded-Host"), ["a.test:8443"])
        self.assertEqual(answer.received("Forwarded"),
                         ['for=127.0.0.1;host="a.test:8443";proto=https'])
        self.assertEqual(answer.received("Host"), ["a.test:8443"])
        self.assertEqual(answer.json()["line"], "GET /page?q=1 HTTP/1.1")

    def test_what_the_client_claims_is_removed(self):
        answer = self.get(("X-Forwarded-For", "9.9.9.9"), ("x-forwarded-for", "8.8.8.8"),
                          ("X-Forwarded-Proto", "http"), ("X-Forwarded-Host", "evil.test"),
                          ("X-FORWARDED-HOST", "evil.test"), ("Forwarded", "for=9.9.9.9"))
        self.assertEqual(answer.received("X-Forwarded-For"), ["127.0.0.1"])
        self.assertEqual(answer.received("X-Forwarded-Proto"), ["https"])
        self.assertEqual(answer.received("X-Forwarded-Host"), ["a.test"])
        self.assertEqual(answer.received("Forwarded"), ['for=127.0.0.1;host="a.test";proto=https'])
        self.assertNotIn("9.9.9.9", str(answer.json()["headers"]))

    def test_underscores_cannot_imitate_a_header(self):
        answer = self.get(("X_Forwarded_For", "9.9.9.9"))
        self.assertNotIn("9.9.9.9", str(answer.json()["headers"]))

    def test_hop_by_hop_headers_end_here(self):
        answer = self.get(("Connection", "keep-alive, X-Secret"), ("X-Secret", "1"),
                          ("Keep-Alive", "timeout=5"), ("Proxy-Connection", "keep-alive"),
                          ("TE", "trailers"), ("X-Kept", "yes"))
        for name in ("X-Secret", "Keep-Alive", "Proxy-Connection", "TE"):
            self.assertEqual(answer.received(name), [], name)
        self.assertEqual(answer.received("X-Kept"), ["yes"])

    def test_hop_by_hop_headers_of_the_worker_end_here(self):
        answer = self.client.get("a.test", "/headers?Keep-Alive=timeout%3D5&Connection=X-Inner"
                                           "&X-Inner=1&X-Outer=2")
        self.assertEqual(answer.all_headers("keep-alive"), [])
        self.assertEqual(answer.all_headers("x-inner"), [])
        self.assertEqual(answer.all_headers("x-outer"), ["2"])

    def test_an_absolute_target_becomes_a_path(self):
        self.client.send(b"GET https://a.test/x?y HTTP/1.1\r\nHost: a.test\r\n\r\n")
        answer = self.client.answer()
        self.assertEqual(answer.json()["line"], "GET /x?y HTTP/1.1")


if __name__ == "__main__":
    harness.main()
