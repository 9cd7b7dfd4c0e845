#!/usr/bin/python3
"""The plain listener with redirect_to_https: 308 to the same place, and no worker is woken."""
import harness


class Redirect(harness.SharedDmpm):
    @classmethod
    def options(cls):
        return {"listen": [{"address": "127.0.0.1:0", "tls": True},
                           {"address": "127.0.0.1:0", "redirect_to_https": True}]}

    def check(self, client, host, path, location, method="GET", **options):
        """`location` is without the port of the TLS listener, which is none that goes without saying."""
        answer = client.request(method, host, path, **options)
        expected = location.replace(".test/", f".test:{self.dmpm.port}/", 1)
        self.assertEqual((answer.status, answer.header("location")), (308, expected))

    def test_redirects(self):
        with self.dmpm.connect_plain() as client:
            self.check(client, "a.test", "/", "https://a.test/")
            self.check(client, "a.test", "/x/y?z=1&q=%20", "https://a.test/x/y?z=1&q=%20")
            self.check(client, "a.test:8080", "/", "https://a.test/")
            self.check(client, "b.test", "/form", "https://b.test/form", method="POST", body=b"a=1")
        self.assertEqual(self.dmpm.workers(), [])

    def test_an_unknown_host_is_not_redirected(self):
        with self.dmpm.connect_plain() as client:
            self.assertEqual(client.get("unknown.test").status, 404)

    def test_nothing_else_gets_into_the_location(self):
        with self.dmpm.connect_plain() as client:
            self.check(client, "a.test", "//evil.test/%0d%0aX:%20y",
                       "https://a.test//evil.test/%0d%0aX:%20y")


if __name__ == "__main__":
    harness.main()
