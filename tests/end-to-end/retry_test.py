#!/usr/bin/python3
"""A worker that closes idle connections whenever it likes: nobody sees it who asks with GET, and no POST
is done twice."""
import os
import random
import shutil
import threading
import unittest

import harness
from harness import ALICE, Dmpm, group

CLIENTS = 8
REQUESTS = 400  # of each client


class Client:
    """Asks and counts; every fourth request is a POST."""

    def __init__(self, dmpm, number, seed):
        self.dmpm, self.number, self.random = dmpm, number, random.Random(seed * 1000 + number)
        self.failed_gets, self.failed_posts, self.answered_posts, self.gets = [], [], [], 0
        self.thread = threading.Thread(target=self.ask)
        self.thread.start()

    def ask(self):
        client = self.dmpm.connect_plain()
        for i in range(REQUESTS):
            token = f"{self.number}-{i}"
            post = i % 4 == 0
            # So that connections lie idle for about as long as the worker keeps them.
            threading.Event().wait(self.random.expovariate(1 / 0.004))
            try:
                answer = client.request("POST" if post else "GET", "a.test", f"/{token}",
                                        body=b"x" * self.random.randrange(1, 3000) if post else None)
                served = answer.status == 200 and answer.body == token.encode()
                problem = str(answer)
            except OSError as error:
                served, problem = False, repr(error)
                client.close()
                client = self.dmpm.connect_plain()
            self.count(post, token, served, problem)
        client.close()

    def count(self, post, token, served, problem):
        if post:
            (self.answered_posts if served else self.failed_posts).append(token)
        elif served:
            self.gets += 1
        else:
            self.failed_gets.append((token, problem))


class Retry(unittest.TestCase):
    def run_stream(self, closing, maximum):
        seed = int(os.environ.get("DMPM_SEED", random.randrange(1 << 30)))
        worker = group(ALICE, ["/usr/bin/python3", "-IS", "{top}/closing_worker.py",
                               str(seed), closing, str(maximum)])
        dmpm = Dmpm(groups={"alice": worker}, hosts={"a.test": "alice"},
                    listen=[{"address": "127.0.0.1:0"}])
        shutil.copy(harness.HERE / "closing_worker.py", dmpm.directory)
        with dmpm:
            clients = [Client(dmpm, number, seed) for number in range(CLIENTS)]
            for client in clients:
                client.thread.join()
            with dmpm.connect_plain() as client:
                counts = client.get("a.test", "/counts").json()
        failed = [token for client in clients for token in client.failed_posts]
        answered = [token for client in clients for token in client.answered_posts]
        print(f"\nseed {seed}, {closing} within {maximum} ms: {sum(c.gets for c in clients)} GETs and "
              f"{len(answered)} POSTs answered, {len(failed)} POSTs failed; the worker closed "
              f"{counts['closed']} connections of {counts['connections']}")
        self.assertEqual([f for client in clients for f in client.failed_gets], [])
        self.assertEqual({t: n for t, n in counts["posts"].items() if n != 1}, {}, "done twice")
        self.assertEqual([t for t in answered if t not in counts["posts"]], [])
        # The worker only ever closes what is idle: what failed was not done.
        self.assertEqual([t for t in failed if t in counts["posts"]], [])
        self.assertGreater(counts["closed"], 50, "the worker closed too little to prove anything")

    def test_connections_closed_a_moment_after_the_answer(self):
        self.run_stream("close", 10)

    def test_connections_closed_with_the_answer(self):
        self.run_stream("close", 0)

    def test_connections_reset(self):
        self.run_stream("reset", 10)


if __name__ == "__main__":
    harness.main()
