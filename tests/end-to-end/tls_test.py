#!/usr/bin/python3
"""TLS as clients see it: versions, the certificate by SNI, plain HTTP on the TLS port."""
import re
import ssl
import unittest

import harness
from harness import Dmpm, run


class Tls(harness.SharedDmpm):
    def s_client(self, *options):
        result = run("openssl", "s_client", "-connect", f"127.0.0.1:{self.dmpm.port}", "-CAfile",
                     self.dmpm.authority.file, *options, check=False, input="",
                     timeout=harness.DEADLINE)
        return result.stdout + result.stderr

    def test_versions(self):
        for option, accepted in (("-tls1_3", "TLSv1.3"), ("-tls1_2", "TLSv1.2"), ("-tls1_1", None)):
            with self.subTest(option):
                # Old versions need the lowest security level to be offered at all.
                said = self.s_client(option, "-servername", "a.test",
                                     *([] if accepted else ["-cipher", "ALL:@SECLEVEL=0"]))
                if accepted:
                    self.assertRegex(said, rf"New, {accepted}")
                    self.assertIn("Verify return code: 0 (ok)", said)
                else:
                    self.assertIn("Cipher is (NONE)", said)

    def test_the_certificate_is_chosen_by_server_name(self):
        for name in ("a.test", "b.test"):
            said = self.s_client("-servername", name)
            self.assertRegex(said, rf"subject=CN = {name}")

    def test_an_unknown_server_name_never_gets_another_customers_page(self):
        with self.dmpm.connect("a.test") as client:
            self.assertEqual(client.get("unknown.test").status, 421)
        with self.assertRaises((ssl.SSLError, OSError)):
            self.dmpm.connect("unknown.test")

    def test_plain_http_on_the_tls_port(self):
        with harness.Client(self.dmpm.port, None) as client:
            client.send(b"GET / HTTP/1.1\r\nHost: a.test\r\n\r\n")
            answer = client.answer()
            self.assertEqual(answer.status, 400)
            self.assertTrue(client.at_end())

    def test_garbage_and_silence_leave_it_serving(self):
        with harness.Client(self.dmpm.port, None) as garbage, \
                harness.Client(self.dmpm.port, None) as _silence:
            garbage.send(bytes(range(256)) * 16)
            self.assertEqual(self.dmpm.get("a.test").status, 200)

    def test_curl_checks_it_all(self):
        port = self.dmpm.port
        result = run("curl", "-sS", "--cacert", self.dmpm.authority.file, "--resolve",
                     f"a.test:{port}:127.0.0.1", "-w", "\\n%{http_version} %{ssl_verify_result}",
                     f"https://a.test:{port}/", timeout=harness.DEADLINE)
        self.assertRegex(result.stdout, re.compile(r"\n1\.1 0$|\n2 0$"))


class Addresses(unittest.TestCase):
    def test_ipv4_ipv6_and_dual_stack(self):
        listen = [{"address": address, "tls": True} for address in ("127.0.0.1:0", "[::1]:0", "*:0")]
        with Dmpm(listen=listen) as dmpm:
            v4, v6, both = (port for _, port in dmpm.ports)
            for address, port, seen in (("127.0.0.1", v4, "127.0.0.1"), ("::1", v6, "::1"),
                                        ("127.0.0.1", both, "127.0.0.1"), ("::1", both, "::1")):
                with self.subTest(address=address, port=port), \
                        harness.Client(port, dmpm.authority.file, sni="a.test",
                                       address=address) as client:
                    self.assertEqual(client.get("a.test").received("x-forwarded-for"), [seen])


if __name__ == "__main__":
    harness.main()
