"""What every server does in turn, and what one round of it costs: processor time of all its processes
for each request or GiB, or memory for each connection.

A workload is one function of (tools, server, scale), which returns its value; `scale` says how long a
round is: about 2 s at 1."""
import time
from dataclasses import dataclass
from typing import Callable

MIB10 = 10 << 20
GIB = 1 << 30
# Before the memory of idle connections is looked at, proxies may give back what they no longer need.
CALM = 0.3


@dataclass(frozen=True)
class Workload:
    name: str
    title: str
    unit: str
    run: Callable
    http2: bool = False      # not for a server without it
    two_sites: bool = False  # not for one that knows no sites
    reference: str = "best"  # the goal is `goal` times the value of this server, or of the best peer
    goal: float = 1.0


def counted(tools, server, mode, count, **options):
    """Microseconds for each of `count`; making the connections does not count."""
    with tools.start_load(mode, server, count=count, **options) as load:
        load.ready()
        server.settle()
        before = server.cgroup.microseconds()
        load.begin()
        load.end()
        return (server.cgroup.microseconds() - before) / count


# ---- small requests ----


def http1(tools, server, scale):
    before = server.cgroup.microseconds()
    requests = tools.wrk(server, max(1, round(2 * scale)))
    return (server.cgroup.microseconds() - before) / requests


def http2(tools, server, scale):
    before = server.cgroup.microseconds()
    requests = tools.h2load(server, int(50_000 * scale))
    return (server.cgroup.microseconds() - before) / requests


def alternating(tools, server, scale):
    return counted(tools, server, "requests", int(10_000 * scale), hosts="a.test,b.test",
                   backends="a,b")


# ---- handshakes ----


def full_handshake(tools, server, scale):
    return counted(tools, server, "handshakes", int(1_500 * scale), hosts="a.test", backends="a",
                   connections=8)


def resumed_handshake(tools, server, scale):
    return counted(tools, server, "handshakes", int(1_500 * scale), hosts="a.test", backends="a",
                   connections=8, resume=True)


# ---- bodies ----


def transfer(protocol, **direction):
    def run(tools, server, scale):
        used = counted(tools, server, "requests", int(48 * scale), hosts="a.test", backends="a",
                       connections=4, http=protocol, **direction)
        return used / 1e6 * GIB / MIB10
    return run


# ---- idle connections ----


def idle(protocol):
    def run(tools, server, scale):
        count = max(1_000, min(4_000, int(2_000 * scale)))
        before = server.cgroup.kibibytes()
        with tools.start_load("idle", server, connections=count, hosts="a.test",
                              http=protocol) as load:
            load.ready()
            time.sleep(CALM)
            value = (server.cgroup.kibibytes() - before) / count
            load.begin()  # asks each of them once more
            load.end()
        return value
    return run


DOWN = {"path": f"/bytes/{MIB10}"}
UP = {"path": "/sink", "upload": MIB10}

WORKLOADS = [
    Workload("http1", "HTTP/1.1, 64 connections, 1 KiB", "µs/request", http1,
             reference="nginx", goal=0.90),
    Workload("http2", "HTTP/2, 16 connections × 32 streams, 1 KiB", "µs/request", http2, http2=True,
             goal=0.80),
    Workload("handshake", "full handshake + 1 request", "µs", full_handshake, reference="nginx",
             goal=1.00),
    Workload("resumed", "resumed handshake + 1 request", "µs", resumed_handshake,
             reference="nginx", goal=0.97),
    Workload("download1", "download 10 MiB, HTTP/1.1", "CPU s/GiB", transfer(1, **DOWN), goal=0.95),
    Workload("download2", "download 10 MiB, HTTP/2", "CPU s/GiB", transfer(2, **DOWN), http2=True,
             goal=0.95),
    Workload("upload1", "upload 10 MiB, HTTP/1.1", "CPU s/GiB", transfer(1, **UP), goal=0.90),
    Workload("upload2", "upload 10 MiB, HTTP/2", "CPU s/GiB", transfer(2, **UP), http2=True,
             goal=0.90),
    Workload("alternating", "one connection alternating between two sites", "µs/request",
             alternating, two_sites=True, reference="nginx", goal=0.85),
]

IDLE_WORKLOADS = [
    Workload("idle1", "idle keep-alive connection, HTTP/1.1", "KiB", idle(1), goal=0.90),
    Workload("idle2", "idle keep-alive connection, HTTP/2", "KiB", idle(2), http2=True, goal=0.90),
]
