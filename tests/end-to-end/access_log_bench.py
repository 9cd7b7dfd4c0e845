#!/usr/bin/python3
"""What the access log costs (scripts/measure-access-log): one dmpm, HTTP/1.1 over TLS with wrk, 64
connections, 1 KiB from lighttpd, and the log's settings changed by reload between short runs, in turn.
CPU is that of all of dmpm's processes, from /proc/PID/schedstat. dmpm has the first core, wrk and the
worker have the second.
"""
import json
import os
import re
import shutil
import signal
import statistics
import subprocess
import sys

import harness
from harness import ALICE, Dmpm, group

SETTINGS = {
    "off": False,
    "combined": {"format": "combined"},
    "json": {"format": "json"},
    "combined, for all and for each": {"format": "combined", "per_virtual_host": True},
}

LIGHTTPD = """
server.systemd-socket-activation = "enable"
server.document-root = "{home}"
server.max-keep-alive-requests = 10000
"""

# As a browser's: what there is to write down.
AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"
TARGET = "/1k.bin?utm_source=newsletter&id=4711"


def make_home(dmpm):
    home = dmpm.home("alice")
    (home / "lighttpd.conf").write_text(LIGHTTPD.replace("{home}", str(home)), encoding="ascii")
    (home / "1k.bin").write_bytes(b"x" * 1024)
    for path in home.rglob("*"):
        shutil.chown(path, ALICE, ALICE)


def pin(pid, core):
    for task in os.listdir(f"/proc/{pid}/task"):
        os.sched_setaffinity(int(task), {core})


def cpu(pid):
    """Nanoseconds."""
    with open(f"/proc/{pid}/schedstat", encoding="ascii") as file:
        return int(file.read().split()[0])


def processes(dmpm):
    return {"master": dmpm.master(), "dispatcher": dmpm.services("dispatcher")[0],
            "logger": dmpm.services("logger")[0]}


def use(dmpm, setting):
    dmpm.settings["access_log"] = setting
    dmpm.write_config()
    before = len(dmpm.stderr_text())
    dmpm.signal(signal.SIGHUP)
    dmpm.wait_for_line("reload done", before)


def run_wrk(dmpm, seconds):
    """How many requests were answered."""
    command = ["taskset", "-c", "1", "wrk", "-t1", "-c64", f"-d{seconds}", "-H", "Host: a.test", "-H",
               f"User-Agent: {AGENT}", "-H", "Referer: https://a.test/some/page.html",
               f"https://127.0.0.1:{dmpm.port}{TARGET}"]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    if "Non-2xx" in said or "Socket errors" in said:
        raise AssertionError(said)
    return int(re.search(r"(\d+) requests in", said)[1])


def measure(dmpm, seconds):
    """{process: microseconds a request}."""
    pids = processes(dmpm)
    before = {name: cpu(pid) for name, pid in pids.items()}
    requests = run_wrk(dmpm, seconds)
    used = {name: (cpu(pid) - before[name]) / 1000 / requests for name, pid in pids.items()}
    return {**used, "all": sum(used.values()), "requests": requests}


def main():
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 7
    seconds = int(sys.argv[2]) if len(sys.argv) > 2 else 2
    harness._Users()
    dmpm = Dmpm(groups={"alice": group(ALICE, ["/usr/sbin/lighttpd", "-D", "-f",
                                               "{home}/lighttpd.conf"])}, hosts={"a.test": "alice"})
    make_home(dmpm)
    results = {name: [] for name in SETTINGS}
    with dmpm:
        dmpm.get("a.test", "/1k.bin")
        for pid in processes(dmpm).values():
            pin(pid, 0)
        for pid in dmpm.workers():
            pin(pid, 1)
        run_wrk(dmpm, 1)
        for _ in range(rounds):
            for name, setting in SETTINGS.items():
                use(dmpm, setting)
                results[name].append(measure(dmpm, seconds))
        missing = re.findall(r"(\d+) requests are missing", dmpm.log_text())
        written = sum(len(dmpm.log_text(name).splitlines()) for name in ("access.log",
                                                                         "sites/a.test.log"))
    report(results)
    print(f"lines written: {written}, requests missing: {sum(map(int, missing))}")


def report(results):
    def median(name, what):
        return statistics.median(result[what] for result in results[name])
    off = median("off", "all")
    print(f"{'access log':32} {'µs/request':>10} {'more':>6} {'spread':>13} {'dispatcher':>10} "
          f"{'logger':>7} {'requests':>9}")
    for name, all_results in results.items():
        values = [result["all"] for result in all_results]
        print(f"{name:32} {median(name, 'all'):10.2f} {median(name, 'all') - off:6.2f} "
              f"{min(values):6.2f}-{max(values):6.2f} {median(name, 'dispatcher'):10.2f} "
              f"{median(name, 'logger'):7.2f} {sum(r['requests'] for r in all_results):9}")
    # The rounds are pairs: what each had beside the "off" of the same round.
    for name in list(results)[1:]:
        more = [result["all"] - base["all"] for result, base in zip(results[name], results["off"])]
        print(json.dumps({"setting": name, "more_median": round(statistics.median(more), 3),
                          "more": [round(value, 2) for value in more]}))


if __name__ == "__main__":
    main()
