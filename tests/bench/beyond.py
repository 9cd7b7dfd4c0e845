"""What peers do not do at all: groups that sleep, 100,000 hosts of 10,000 groups, 1,000 workers at once,
several dispatchers. And what one site feels while another is flooded, beside the peers."""
import os
import pathlib
import time

import report
from servers import LOAD_CPU, SERVER_CPU, BenchError, Dmpm, Sites, harness
from cgroup import resident
from sites import SITE, percentile

NAMES = ("sleeping", "hosts", "workers", "dispatchers", "flood")

FEW_GROUPS, MANY_GROUPS = 100, 10_100
HOSTS_A_GROUP = 10
WORKERS = 1_000
DEADLINE = 120
FLOOD_RATE = 500  # requests a second of the site that is not flooded
FLOODS = {"flood": ("127.0.2.1:64", "by 64 visitors"), "flood-one": ("127.0.2.1", "by one address, 64 connections")}
VISITORS = "127.0.3.1"  # where those of the other site come from
WITHOUT_END = 1 << 40


def run(bench):
    if "dmpm" in bench.options.servers:
        for name, work in (("sleeping", sleeping_groups), ("hosts", many_hosts),
                           ("workers", many_workers), ("dispatchers", two_dispatchers)):
            if bench.wanted(name):
                work(bench)
    if bench.wanted("flood"):
        for kind in bench.classes():
            if kind.name != "floor":
                flood(bench, kind)


def add(bench, name, title, unit, value, server="dmpm", **goal):
    bench.results.metric(name, title, unit, **{"reference": None, **goal}).add(server, value)
    bench.say(f"{name}: {server} {report.number(value)} {unit}")


class Groups(Dmpm):
    """A dmpm with `groups` groups, each with a file, a worker and `hosts` virtual hosts of its own. The
    hosts share a certificate: what many certificates cost is measured elsewhere."""

    def __init__(self, bench, groups, hosts=1, processes=1):
        self.groups, self.hosts, self.processes = groups, hosts, processes
        sites = Sites(bench.tools, bench.backends, ["localhost", "a.test"], ["b.test"])
        super().__init__(bench.tools, bench.directory, sites)
        bench.servers.append(self)

    def settings(self):
        settings = super().settings()
        settings["dispatcher"]["processes"] = self.processes
        return settings

    def write(self):
        super().write()
        for i in range(self.groups):
            self.write_group(i)

    def write_group(self, number, moved_to=None):
        """The first host of the group may have moved to another one."""
        name = f"g{number:05}"
        hosts = [self.virtual_host(SITE.format(number * self.hosts + i), name, "a.test")
                 for i in range(self.hosts)]
        if moved_to:
            hosts[0]["group"] = moved_to
        self.write_site_file(name, {"groups": {name: self.group(name, harness.ALICE)},
                                    "virtual_hosts": hosts})

    def begin(self):
        """Seconds from exec to the first answer, by a worker that does not run yet."""
        self.write()
        begin = time.monotonic()
        self.process = self.spawn(self.command())
        return self.answers("a.test", deadline=DEADLINE) - begin

    def memory(self):
        """KiB of master and dispatcher."""
        return {name: resident(self.process_of(name)) for name in ("master", "dispatcher")}

    def kernel_objects(self):
        return sum(len(os.listdir(f"/proc/{self.process_of(name)}/fd"))
                   for name in ("master", "dispatcher", "logger"))


def sleeping_groups(bench):
    seen = []
    for count in (FEW_GROUPS, MANY_GROUPS):
        server = Groups(bench, count)
        server.begin()
        seen.append((server.memory(), server.kernel_objects()))
        bench.stop(server)
    more = MANY_GROUPS - FEW_GROUPS
    for process in ("master", "dispatcher"):
        add(bench, f"sleeping-{process}", f"a sleeping group with one host, in the {process}", "KiB",
            (seen[1][0][process] - seen[0][0][process]) / more, goal=1.0)
    add(bench, "sleeping-kernel", f"… descriptors of {more:,} sleeping groups", "", seen[1][1] - seen[0][1],
        goal=0)


def many_hosts(bench):
    groups = bench.options.sites
    title = f"{groups * HOSTS_A_GROUP:,} virtual hosts in {groups:,} groups"
    server = Groups(bench, groups, HOSTS_A_GROUP)
    add(bench, "hosts-start", f"{title}: start until the first answer", "s", server.begin(), goal=1.5)
    for process, kibibytes in server.memory().items():
        add(bench, f"hosts-{process}", f"… memory of the {process}", "MiB", kibibytes / 1024)
    changed = groups // 2
    host = SITE.format(changed * HOSTS_A_GROUP)
    for i in range(5):
        backend = "b" if i % 2 == 0 else "a"
        server.answers("b.test", backends="b")
        server.write_group(changed, moved_to=backend)
        before = server.cgroup.microseconds()
        begin = time.monotonic()
        server.reload()
        in_force = server.answers(host, backends=backend, retry=1_000, deadline=DEADLINE)
        add(bench, "hosts-reload", "… one changed site file in force", "ms", (in_force - begin) * 1000,
            goal=50)
        time.sleep(0.2)
        add(bench, "hosts-reload-cpu", "… and what that costs", "CPU ms",
            (server.cgroup.microseconds() - before) / 1000)
    bench.stop(server)


def many_workers(bench):
    server = Groups(bench, WORKERS)
    server.begin()
    said = bench.tools.load("handshakes", server, sites=f"0:{WORKERS}", count=WORKERS, connections=64)
    running = len(server.workers())
    if running < WORKERS:
        raise BenchError(f"{running} workers run instead of {WORKERS}")
    add(bench, "workers-start", f"{WORKERS:,} sleeping sites asked at once: all have answered", "s",
        said["seconds"])
    again = bench.tools.load("handshakes", server, sites=f"0:{WORKERS}", count=WORKERS, connections=8)
    add(bench, "workers-again", f"… {WORKERS:,} workers run: a request to each, p99", "ms",
        again["p99_us"] / 1000)
    for process, kibibytes in server.memory().items():
        add(bench, f"workers-{process}", f"… memory of the {process}", "MiB", kibibytes / 1024)
    bench.stop(server)


def two_dispatchers(bench):
    """Requests are shared by the kernel, so what two give is twice one's, less what each request costs
    more. On two processors the generator needs one of them, and a dispatcher beside it pays for that: what
    one alone pays there is measured as well, and what two pay on the processor where one has it best."""
    places = {"one": [SERVER_CPU], "beside": [LOAD_CPU], "two": [SERVER_CPU, LOAD_CPU],
              "together": [SERVER_CPU, SERVER_CPU]}
    for _ in range(bench.options.rounds):
        cost = {}
        for processes in (1, 2):
            server = start_dispatchers(bench, processes)
            for name, processors in places.items():
                if len(processors) == processes:
                    place_dispatchers(server, processors)
                    before = server.cgroup.microseconds()
                    requests = bench.tools.wrk(server, max(1, round(2 * bench.options.scale)))
                    cost[name] = (server.cgroup.microseconds() - before) / requests
            bench.stop(server)
        add(bench, "dispatchers", "two dispatchers: requests for each second of processor time, × one's",
            "×", 2 * cost["one"] / cost["two"], goal=1.8, grows=True)
        add(bench, "dispatchers-together", "… both on one processor, the generator on the other", "×",
            2 * cost["one"] / cost["together"], goal=1.8, grows=True)
        add(bench, "dispatchers-beside", "… a request of one that shares its processor with the generator, "
            "× one that does not", "×", cost["beside"] / cost["one"])


def start_dispatchers(bench, processes):
    server = Groups(bench, 0, processes=processes)
    server.begin()
    server.settle()
    return server


def place_dispatchers(server, processors):
    found = [pid for pid in server.cgroup.processes() if harness.comm(pid) == "dmpm-dispatcher"]
    for pid, processor in zip(found, processors, strict=True):
        os.sched_setaffinity(pid, {processor})


# ---- another site is flooded ----


def flood(bench, kind):
    """As many requests as it can take, by visitors that each have one under way."""
    two = Sites(bench.tools, bench.backends, ["localhost", "a.test"], ["b.test"])
    server = bench.start(kind, two)
    server.answers("b.test", backends="b")
    server.settle()
    calm = steady(bench, server)
    add(bench, "flood-calm", "p99 of a site at rest", "ms", calm, server=kind.name)
    for name, (source, title) in FLOODS.items():
        with bench.tools.start_load("steady", server, hosts="localhost", source=source, connections=64,
                                    rate=WITHOUT_END, count=WITHOUT_END) as load:
            load.ready()
            load.begin()
            time.sleep(0.5)
            flooded = steady(bench, server)
            load.stop()
            load.end()
        add(bench, f"{name}-p99", f"p99 of a site while another is flooded {title}", "ms", flooded,
            server=kind.name)
        add(bench, name, "… times the p99 at rest", "×", flooded / calm, server=kind.name, goal=2.0)
    bench.stop(server)


def steady(bench, server):
    """Milliseconds. The generator and the site's server go before the flood's: they share a processor
    with it, and what they would wait for it is not the proxy's doing."""
    file = bench.directory / "samples"
    with bench.tools.start_load("steady", server, hosts="b.test", backends="b", source=VISITORS,
                                rate=FLOOD_RATE, connections=16, count=FLOOD_RATE * 2,
                                samples=file) as load:
        load.ready()
        first = os.sched_param(10)
        for pid in (load.process.pid, backend_pid(server, "b")):
            for thread in os.listdir(f"/proc/{pid}/task"):
                os.sched_setscheduler(int(thread), os.SCHED_FIFO, first)
        load.begin()
        load.end()
    took = [int(line.split()[1]) / 1000 for line in file.read_text(encoding="ascii").splitlines()]
    return percentile(took, 0.99)


def backend_pid(server, name):
    if not isinstance(server, Dmpm):
        return server.sites.backends.processes[name].pid
    for pid in server.workers():
        arguments = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        if arguments[1] == name.encode():
            return pid
    raise BenchError(f"the worker {name} does not run")
