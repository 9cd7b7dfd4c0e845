#!/usr/bin/python3
"""1,000 clients that take 1 KB a second do not slow the others, and leave nothing behind.

Compared is how much longer a request takes through dmpm than directly to its worker, before and meanwhile,
so that what else runs on the machine falls out. slow_reader.py has the slow ones, in a process of its own.
"""
import json
import os
import pathlib
import select
import shutil
import subprocess
import sys
import time
import unittest

import harness
from client_sockets import client_sockets, limit_send_buffers
from harness import ALICE, BOB, HERE, Dmpm, eventually, group, python_worker
from memory import bounded, resident
from real_servers import Connection

LISTEN = [{"address": "127.0.0.1:0", "tls": True}, {"address": "127.0.0.1:0"}]
COUNT = 1000
ROUNDS = 2
SEND_BUFFER = 16 * 1024  # so that dmpm and not the kernel keeps what the slow ones have not read
PATIENCE = 60  # seconds until all are served, under a sanitizer on a busy machine


class SlowReaders:
    """The process that reads slowly."""

    def __init__(self, dmpm, host, path, tls):
        where = [dmpm.port if tls else dmpm.http_port, host, path, COUNT]
        authority = [dmpm.authority.file] if tls else []
        self.process = subprocess.Popen(
            [sys.executable, "-B", HERE / "slow_reader.py", *map(str, where + authority)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def __enter__(self):
        try:
            if self._line() != "served\n":
                raise AssertionError("the slow readers were not served")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.process.communicate()

    def report(self):
        self.process.stdin.write("report\n")
        self.process.stdin.flush()
        return json.loads(self._line())

    def _line(self):
        if not select.select([self.process.stdout], [], [], PATIENCE)[0]:
            raise AssertionError(f"the slow readers said nothing within {PATIENCE} s")
        return self.process.stdout.readline()


class Window:
    """What one quick client gets for a while; in turns with requests that go to the worker directly, and
    so tell how busy the machine is."""

    SECONDS = 1

    def __init__(self, dmpm, host, group_name):
        (dispatcher,) = dmpm.services("dispatcher")
        (worker,) = (dmpm.runtime / "sockets").glob(f"{group_name}.*")
        self.through, self.direct = [], []
        with dmpm.connect(host) as client, Connection(str(worker)) as other:
            for one in (client, other):
                one.get(host)
            used, start = cpu(dispatcher), time.monotonic()
            now = start
            while now < start + self.SECONDS:
                for one, latencies in ((client, self.through), (other, self.direct)):
                    if (answer := one.get(host)).status != 200:
                        raise AssertionError(answer)
                    last, now = now, time.monotonic()
                    latencies.append(now - last)
            self.cpu = (cpu(dispatcher) - used) / len(self.through)

    def __str__(self):
        through, direct = sorted(self.through), sorted(self.direct)
        p50, p99, direct_p50, direct_p99 = (latencies[int(part * len(latencies))] * 1000
                                            for latencies in (through, direct) for part in (0.5, 0.99))
        return (f"{len(through)} requests, p50 {p50:.2f} ms, p99 {p99:.2f} ms (directly {direct_p50:.2f} and "
                f"{direct_p99:.2f}); dispatcher's processor time {self.cpu * 1e6:.0f} µs a request")


def detour(windows):
    """How many times as long requests take through dmpm; without the slowest quarter of both, in which
    another process had the processor."""
    through, direct = (sum(sorted(all_of)[:len(all_of) * 3 // 4]) for all_of in (
        [latency for window in windows for latency in window.through],
        [latency for window in windows for latency in window.direct]))
    return through / direct


def cpu(pid):
    """Seconds of it that a process has used."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Others(unittest.TestCase):
    def compare(self, groups, path, hosts, tls):
        """What others get of the groups while all of a.test's slow readers read `path`."""
        dmpm = Dmpm(groups=groups, listen=LISTEN)
        shutil.copy(HERE / "streaming_worker.py", dmpm.directory)
        before, meanwhile = ({host: [] for host in hosts} for _ in range(2))

        def measure(windows):
            for host in hosts:
                windows[host].append(Window(dmpm, host, harness.TWO_HOSTS[host]))

        with dmpm:
            (dispatcher,) = dmpm.services("dispatcher")
            limit_send_buffers(dispatcher, SEND_BUFFER)
            for host in hosts:
                dmpm.get(host)  # its worker is started
            sizes = []
            for _ in range(ROUNDS):
                measure(before)
                sizes.append(resident(dispatcher))
                with SlowReaders(dmpm, "a.test", path, tls) as slow:
                    self.look_at_slow(slow, dispatcher, lambda: measure(meanwhile))
                    sizes.append(resident(dispatcher))
                eventually(lambda: client_sockets(dispatcher) == 0, "no client's socket is left")
            self.assertNotIn("dispatcher0: error", dmpm.log_text())
            for host in hosts:
                self.compare_rounds(host, before[host], meanwhile[host])
            print(f"dispatcher's KB, each time without and with the slow readers: {sizes}")
            self.check_memory(dispatcher, sizes)

    def look_at_slow(self, slow, dispatcher, measure):
        """Measures. The slow ones must be there, and be taking, all along."""
        first, start = slow.report(), time.monotonic()
        measure()
        last, seconds = slow.report(), time.monotonic() - start
        self.assertEqual(last["lost"], 0)
        eventually(lambda: client_sockets(dispatcher) == COUNT, "only the slow ones are there")
        took = [after - before for before, after in zip(first["taken"], last["taken"])]
        cpu_share = (last["cpu"] - first["cpu"]) / seconds
        print(f"\n{COUNT} slow readers took {sum(took) / seconds / COUNT:.0f} bytes a second each (the "
              f"slowest {min(took) / seconds:.0f}), with {cpu_share * 100:.0f} % of a processor")
        self.assertGreater(sum(size > 0 for size in took), COUNT / 2)

    def compare_rounds(self, host, before, meanwhile):
        for number, (one, other) in enumerate(zip(before, meanwhile)):
            print(f"{host}, round {number}, before:    {one}\n{host}, round {number}, meanwhile: {other}")
        times = detour(before), detour(meanwhile)
        print(f"{host}: a request takes {times[0]:.2f} times as long as directly before, {times[1]:.2f} "
              f"times meanwhile")
        self.assertLess(times[1], times[0] * 4)

    def check_memory(self, dispatcher, sizes):
        if not bounded():
            return
        # response_buffer, the smaller blocks that it has outgrown, the state of TLS and two connections.
        self.assertLess(max(sizes) - sizes[0], COUNT * 150)
        self.assertGreater(max(sizes) - sizes[0], COUNT * 16, "the slow ones' answers were not kept here")
        # Soon; the exchanges of a crowd are kept for the next one, and what little lies between them.
        eventually(lambda: resident(dispatcher) - sizes[0] < COUNT * 20, "memory is given back")
        print(f"given back: {resident(dispatcher)} KB are left")

    def test_answers_that_fit_a_buffer_do_not_hold_the_worker(self):
        # More than the kernel takes, less than it and dmpm do. Four at a time: were they held until the slow
        # ones have read, nobody else would get any.
        self.compare({"alice": python_worker(ALICE, connections_per_worker=4, queue=COUNT),
                      "bob": python_worker(BOB)}, "/big?n=70000", ("a.test", "b.test"), tls=False)

    def test_big_answers_hold_up_no_other_site(self):
        # So big that neither the kernel nor dmpm takes all of it: the worker waits for each reader.
        alice = group(ALICE, ["/usr/bin/python3", "-IS", "{top}/streaming_worker.py"],
                      connections_per_worker=2 * COUNT, queue=COUNT)
        self.compare({"alice": alice, "bob": python_worker(BOB)}, "/length/10000000", ("b.test",),
                     tls=True)


if __name__ == "__main__":
    harness.main()
