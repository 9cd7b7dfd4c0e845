"""Many sites, each with a certificate of its own: how long a start and a reload take, what both cost, and
what the visitors of the other sites feel of it. One server at a time, each with the machine for itself."""
import threading
import time

import report
from servers import BenchError, Sites

NAMES = ("sites",)
# Without --full: those that operators of many sites have.
USUAL = ("nginx", "haproxy", "dmpm")

RATE = 400            # requests a second, each on a connection of its own
CALM_SECONDS = 3
BEHIND = 1.0          # seconds that are looked at from when a reload is in force
NEW_SITES = 500       # that nobody has asked for before
RELOADS = 3           # in a row, for the peak of memory
DEADLINE = 300        # seconds for a start or a reload

SITE = "site-{:05}.test"


def run(bench):
    if not bench.wanted("sites"):
        return
    bench.say(f"making {bench.options.sites} certificates")
    sites = Sites(bench.tools, bench.backends, [SITE.format(i) for i in range(bench.options.sites)])
    for kind in bench.classes():
        if kind.name == "floor" or not (bench.options.full or kind.name in USUAL):
            continue
        # What takes dmpm a tenth of a second can be done again to see how it varies.
        rounds = bench.options.rounds if kind.name == "dmpm" else bench.options.memory_rounds
        for _ in range(rounds):
            one = ManySites(bench, kind, sites)
            try:
                one.run()
            except BenchError as error:
                if kind.name == "dmpm":
                    raise
                bench.leave_out(one.server, error)
                break


class ManySites:
    """One server's life with many sites."""

    def __init__(self, bench, kind, sites):
        self.bench, self.tools = bench, bench.tools
        self.count = bench.options.sites
        self.changed = SITE.format(self.count // 2)
        self.at_b = False
        self.server = kind(bench.tools, bench.directory, sites)
        bench.servers.append(self.server)

    def run(self):
        self.start()
        self.first_requests()
        self.reload_under_load()
        self.peak_of_reloads()
        self.bench.stop(self.server)

    def add(self, name, title, unit, value, **goal):
        metric = self.bench.results.metric(f"sites-{name}", f"{self.count:,} sites: {title}", unit, **goal)
        metric.add(self.server.name, value)
        self.bench.say(f"sites-{name}: {self.server.name} {report.number(value)} {unit}")

    def start(self):
        """Its configuration is there; the clock runs from exec to the first answer."""
        self.server.write()
        begin = time.monotonic()
        self.server.process = self.server.spawn(self.server.command())
        answered = self.server.answers(self.changed, deadline=DEADLINE)
        self.server.settle()
        self.add("start", "start until the first answer", "s", answered - begin, reference=None, goal=0.15)
        self.add("memory", "memory", "MiB", self.server.cgroup.kibibytes() / 1024, reference=None, goal=40)

    def first_requests(self):
        said = self.tools.load("handshakes", self.server, sites=f"100:{NEW_SITES}", count=NEW_SITES)
        self.add("first", "first request to a site, p50", "ms", said["p50_us"] / 1000, reference=None,
                 goal=1.0)

    # -- reload --

    def visitors(self, seconds, during=None):
        """The samples of a steady load, and the processor time that the server used meanwhile. The
        load lasts as long as during() does, when it is given."""
        hosts = ",".join(f"{self.changed},{SITE.format(i)}" for i in range(50))
        file = self.bench.directory / "samples"
        with self.tools.start_load("steady", self.server, hosts=hosts, rate=RATE, fresh=True,
                                   connections=64, count=int(RATE * seconds), samples=file) as load:
            load.ready()
            before = self.server.cgroup.microseconds()
            load.begin()
            if during:
                during()
                load.stop()
            load.end()
            used = (self.server.cgroup.microseconds() - before) / 1e6
        lines = (line.split() for line in file.read_text(encoding="ascii").splitlines())
        return [(int(due) / 1e6, int(took) / 1e6, backend) for due, took, backend in lines], used

    def reload(self):
        """The changed site moves to the other backend; returns when that can be seen."""
        self.at_b = not self.at_b
        backend = "b" if self.at_b else "a"
        self.server.write_site(self.changed, backend)
        self.begun = time.monotonic()
        self.server.reload()
        self.server.answers(self.changed, backends=backend, retry=20_000, deadline=DEADLINE)
        self.server.settle()

    def reload_under_load(self):
        calm, calm_used = self.visitors(CALM_SECONDS)

        def during():
            time.sleep(0.2)
            self.reload()
            time.sleep(BEHIND)

        samples, used = self.visitors(DEADLINE, during)
        in_force = min(due + took for due, took, backend in samples if backend == "b") - self.begun
        meanwhile = [took for due, took, _ in samples
                     if self.begun <= due <= self.begun + in_force + BEHIND]
        calm_p99 = percentile([took for _, took, _ in calm], 0.99)
        self.add("reload", "reload until in force", "s", in_force, reference=None, goal=0.1)
        self.add("reload-cpu", "reload", "CPU s", used - calm_used / len(calm) * len(samples),
                 reference=None, goal=0.1)
        self.add("reload-p99", "requests during a reload, p99", "ms",
                 percentile(meanwhile, 0.99) * 1000, reference=None)
        self.add("calm-p99", "requests without a reload, p99", "ms", calm_p99 * 1000, reference=None)

    def peak_of_reloads(self):
        """Some clients keep their connections, as browsers do."""
        with self.tools.start_load("idle", self.server, connections=100, hosts=SITE.format(1)) as load:
            load.ready()
            with Peak(self.server.cgroup) as peak:
                for _ in range(RELOADS):
                    self.reload()
        self.add("peak", f"most memory during {RELOADS} reloads", "MiB", peak.kibibytes / 1024,
                 reference=None, goal=60)


class Peak:
    """The most memory that a control group's processes have together."""

    def __init__(self, cgroup):
        self.cgroup, self.kibibytes, self.stopping = cgroup, 0, threading.Event()
        self.thread = threading.Thread(target=self._look)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stopping.set()
        self.thread.join()

    def _look(self):
        while True:
            self.kibibytes = max(self.kibibytes, self.cgroup.kibibytes())
            if self.stopping.wait(0.02):
                return


def percentile(values, share):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]
