#!/usr/bin/python3
"""20,000 requests over 64 keep-alive TLS connections that alternate between two sites: every answer
comes from the right user, belongs to its request, and none fails."""
import asyncio
import json
import ssl
import unittest

import harness
from harness import ALICE, BOB, Dmpm, two_sites, uid

CONNECTIONS = 64
REQUESTS = 20_000


async def alternate(port, context, number, count, expected, problems):
    """`count` requests on one connection, the Host changing each time."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context,
                                                   server_hostname="a.test")
    for i in range(count):
        host = ("a.test", "b.test")[(number + i) % 2]
        token = f"{number}-{i}"
        writer.write(f"GET /?{token} HTTP/1.1\r\nHost: {host}\r\nX-Token: {token}\r\n\r\n".encode())
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        fields = {k.lower(): v for k, _, v in (line.partition(": ")
                                               for line in head.split("\r\n")[1:-2])}
        body = json.loads(await reader.readexactly(int(fields["content-length"])))
        if (not head.startswith("HTTP/1.1 200 ") or fields.get("x-token") != token or
                body["uid"] != expected[host] or body["line"] != f"GET /?{token} HTTP/1.1"):
            problems.append((host, token, head, body))
    writer.close()
    return count


class Routing(unittest.TestCase):
    def test_alternating_hosts_under_load(self):
        with Dmpm(groups=two_sites(idle_timeout="60s")) as dmpm:
            context = ssl.create_default_context(cafile=dmpm.authority.file)
            expected = {"a.test": uid(ALICE), "b.test": uid(BOB)}
            problems = []
            share, rest = divmod(REQUESTS, CONNECTIONS)

            async def load():
                return sum(await asyncio.gather(*(
                    alternate(dmpm.port, context, n, share + (n < rest), expected, problems)
                    for n in range(CONNECTIONS))))

            self.assertEqual(asyncio.run(load()), REQUESTS)
            self.assertEqual(problems[:3], [], f"{len(problems)} wrong answers")
            self.assertEqual(len(dmpm.workers(ALICE)), 1)
            self.assertEqual(len(dmpm.workers(BOB)), 1)


if __name__ == "__main__":
    harness.main()
