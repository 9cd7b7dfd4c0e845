#!/usr/bin/python3
"""Permission modules: real workers with each of them, and what they can and cannot do, seen from inside.
Whatever a module prevents is shown to work in a group without modules first."""
import errno
import grp
import os
import pathlib
import re
import shutil
import signal
import unittest

import harness
from harness import ALICE, BIN, BOB, HERE, Dmpm, eventually, has_gone, run, uid

MODULES = BIN / "permission-modules"
HEADER = HERE.parent.parent / "master/permission_module.h"
PARENT = f"dmpm-test-{os.getpid()}"  # of the cgroups: tests run at the same time
ERROR_ID = re.compile(r"[Ee]rror id:?\s*(?:<[^>]*>)*\s*([0-9A-Za-z-]+)")


def prober(modules=None, user=ALICE, **scale):
    group = harness.group(user, ["/usr/bin/python3", "-IS", "{top}/probing_worker.py"], **scale)
    if modules is not None:
        group["permissions"]["modules"] = modules
    return group


class ModulesDmpm(Dmpm):
    """With a module directory of its own, and in it, made outside of any tree, a third party's."""

    def __init__(self, groups, **settings):
        super().__init__(groups=groups, hosts={f"{name}.test": name for name in groups}, **settings)
        shutil.copy(HERE / "probing_worker.py", self.directory)
        self.modules = self.directory / "modules"
        shutil.copytree(MODULES, self.modules)
        self.settings["permission_module_directory"] = str(self.modules)
        self.compile_marker()

    def compile_marker(self):
        outside = self.directory / "outside"
        (outside / "include").mkdir(parents=True)
        shutil.copy(HEADER, outside / "include")
        shutil.copy(HERE.parent / "permission-module" / "marker.c", outside)
        run("cc", "-shared", "-fPIC", "-I", "include", "marker.c", "-o", self.modules / "marker.so",
            cwd=outside)

    def try_in(self, group, code):
        """What `code` leaves in `result`, in a worker of the group; or {"error", "text"}."""
        with self.connect(f"{group}.test") as client:
            answer = client.request("POST", f"{group}.test", "/python", body=code.encode())
        if answer.status != 200:
            raise AssertionError(answer)
        answer = answer.json()
        return answer["done"] if "done" in answer else answer

    def worker_of(self, group):
        """The process id that the master knows."""
        found = re.findall(rf"group {group}: worker \d+ started, pid (\d+)", self.log_text())
        return int(found[-1])


def processes_with(word):
    """Process ids of those whose command line has the word."""
    found = []
    for path in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if word.encode() in path.read_bytes().split(b"\0"):
                found.append(int(path.parent.name))
        except (FileNotFoundError, ProcessLookupError):
            pass
    return found


class Permissions(unittest.TestCase):
    """One dmpm for all modules but those that fail."""

    @classmethod
    def setUpClass(cls):
        cls.dmpm = ModulesDmpm({
            "plain": prober(),
            "caps": prober({"capabilities": {"keep": ["NET_BIND_SERVICE"]}}),
            "none": prober({"capabilities": {}}),
            "spaces": prober({"namespaces": {
                "pid": True, "net": True, "ipc": True, "uts": True, "tmpfs": {"/tmp": "1M"},
                "hidden": ["{home}/hidden", "{home}/file"], "read_only": ["{home}/fixed"]}}),
            "cgroup": prober({"cgroup": {"memory_max": "96M", "processes": 12, "cpus": "0.5",
                                         "parent": PARENT}}),
            "land": prober({"landlock": {
                "execute": ["/usr", "/lib", "/lib64", "/bin"], "read": ["{top}"],
                "read_write": ["{home}"], "tcp_connect": [1]}}),
            "calls": prober({"seccomp": {"preset": "local", "deny": ["personality"]}}),
            "killed": prober({"seccomp": {"deny": ["personality"], "errno": "kill"}}),
            "all": prober({
                "capabilities": {"keep": ["IPC_LOCK"]},
                "cgroup": {"processes": 50, "parent": PARENT},
                "namespaces": {"pid": True, "net": True},
                "landlock": {"execute": ["/usr", "/lib", "/lib64", "/bin"],
                             "read": ["{top}", "/proc"]},
                "seccomp": {"preset": "server"}}),
            # Whose workers die: after several deaths in a row a group is closed for a second.
            **{name: prober({"namespaces": {"pid": True, "net": True}})
               for name in ("daemons", "signal", "keeper")},
            "marked": prober({"marker": {"directory": "{home}"}}),
        }, listen=[{"address": "127.0.0.1:0", "tls": True}])
        home = cls.dmpm.home("spaces")
        for name in ("hidden", "fixed"):
            (home / name).mkdir()
            shutil.chown(home / name, ALICE)
            (home / name / "inside").touch()
        (home / "file").write_text("secret")
        cls.dmpm.__enter__()

    @classmethod
    def tearDownClass(cls):
        cls.dmpm.__exit__(None, None, None)
        # SIGTERM reached every worker, also in its namespace.
        if "did not stop within" in cls.dmpm.log_text():
            raise AssertionError(cls.dmpm.log_text())
        # Nothing of the cgroups is left.
        left = list(pathlib.Path("/sys/fs/cgroup").glob(f"*/{PARENT}"))
        if left:
            raise AssertionError(left)

    def result(self, group, code):
        return self.dmpm.try_in(group, code)

    def check(self, code, plain, **others):
        """What the code gives in the group without modules, and in others."""
        self.assertEqual(self.result("plain", code), plain, "plain")
        for group, expected in others.items():
            self.assertEqual(self.result(group, code), expected, group)

    # ---- capabilities ----

    def test_capabilities_that_are_kept(self):
        code = """
try:
    with socket.socket() as sock: sock.bind(("127.0.0.1", 871))
    result = "bound"
except PermissionError: result = "denied" """
        self.check(code, "denied", caps="bound", none="denied")
        code = "result = [l.split()[1] for l in open('/proc/self/status') if l.startswith('Cap')]"
        nothing, one = "0" * 16, f"{1 << 10:016x}"
        inheritable, permitted, effective, bounding, ambient = self.result("plain", code)
        self.assertEqual({inheritable, permitted, effective, ambient}, {nothing})
        self.assertNotEqual(bounding, nothing)
        self.assertEqual(self.result("caps", code), [one] * 5)
        self.assertEqual(self.result("none", code), [nothing] * 5)

    def test_who_keeps_a_capability_cannot_become_root(self):
        code = "os.setuid(0)"
        denied = {"error": "PermissionError", "text": "[Errno 1] Operation not permitted"}
        self.check(code, denied, caps=denied, all=denied)

    # ---- namespaces ----

    def test_own_processes(self):
        master = self.dmpm.master()
        code = f"result = '{master}' in os.listdir('/proc')"
        self.check(code, True, spaces=False)
        # The init, this one, and the other threads' children if there are any.
        self.assertEqual(self.result("spaces", "result = [os.getpid(), os.getsid(0)]"), [2, 2])
        self.assertEqual(
            self.result("spaces", "result = sorted(int(n) for n in os.listdir('/proc') if n.isdigit())"),
            [1, 2])
        self.check(f"os.kill({master}, 0)",
                   {"error": "PermissionError", "text": "[Errno 1] Operation not permitted"},
                   spaces={"error": "ProcessLookupError", "text": "[Errno 3] No such process"})

    def test_who_stands_beside_the_worker_holds_nothing(self):
        self.result("spaces", "result = 0")
        keeper = self.dmpm.worker_of("spaces")
        init, worker = sorted(harness.children(keeper))
        for pid in (keeper, init):
            self.assertEqual({int(n) for n in harness.status_field(pid, "Uid").split()}, {uid(ALICE)})
            self.assertEqual(int(harness.status_field(pid, "CapPrm"), 16), 0)
            self.assertEqual(harness.status_field(pid, "NoNewPrivs"), "1")
            self.assertEqual(list(harness.descriptors(pid)), [0])
            self.assertTrue(harness.descriptors(pid)[0].startswith("pipe:"))
            self.assertEqual(os.stat(f"/proc/{pid}/maps").st_uid, 0)  # not dumpable
        self.assertEqual(sorted(harness.descriptors(worker))[:4], [0, 1, 2, 3])
        self.assertEqual(harness.status_field(worker, "SigBlk"), "0" * 16)

    def test_own_network(self):
        code = f"""
try:
    socket.create_connection(("127.0.0.1", {self.dmpm.port}), 5).close()
    result = "connected"
except ConnectionRefusedError: result = "refused" """
        self.check(code, "connected", spaces="refused")
        self.assertEqual(self.result("spaces", "result = [n for _, n in socket.if_nameindex()]"), ["lo"])
        code = """
with socket.create_server(("127.0.0.1", 0)) as server:
    socket.create_connection(server.getsockname(), 5).close()
result = "connected" """
        self.assertEqual(self.result("spaces", code), "connected")

    def test_own_names_and_ipc(self):
        host = os.uname().nodename
        self.check("result = os.uname().nodename", host, spaces="spaces")
        key = 0x646D0000 | os.getpid() & 0xFFFF
        create, remove = 0o1666, 0
        # From the plain group: the segment must be somebody's who may be asked again.
        number = self.result("plain", f"result = call('shmget', {key}, 4096, {create})")
        code = f"result = call('shmget', {key}, 0, 0)"
        gone = {"error": "FileNotFoundError", "text": "[Errno 2] No such file or directory"}
        try:
            self.check(code, number, spaces=gone)
        finally:
            self.result("plain", f"call('shmctl', {number}, {remove}, None)")

    def test_own_files(self):
        home = self.dmpm.home("spaces")
        with open(f"/tmp/{PARENT}", "w", encoding="ascii"):
            pass
        self.addCleanup(os.unlink, f"/tmp/{PARENT}")
        self.check(f"result = os.path.exists('/tmp/{PARENT}')", True, spaces=False)
        self.assertEqual(self.result("spaces", "result = [os.listdir('/tmp'), os.stat('/tmp').st_mode]"),
                         [[], 0o41777])
        full = f"[Errno {errno.ENOSPC}] No space left on device"
        self.assertEqual(
            self.result("spaces", "open('/tmp/big', 'wb', buffering=0).write(bytes(1 << 20))\n"
                                  "open('/tmp/more', 'wb', buffering=0).write(b'x')"),
            {"error": "OSError", "text": full})
        # The same user without the module.
        self.check(f"result = os.listdir('{home}/hidden')", ["inside"], spaces=[])
        self.assertEqual(self.result("spaces", f"result = open('{home}/file').read()"), "")
        code = f"open('{home}/fixed/new', 'w').close(); os.unlink('{home}/fixed/new')"
        self.check(code, None, spaces={
            "error": "OSError", "text": f"[Errno 30] Read-only file system: '{home}/fixed/new'"})

    def test_a_daemon_ends_with_its_worker(self):
        for group in ("daemons", "cgroup"):
            with self.subTest(group):
                word = f"86{os.getpid()}{len(group)}"
                self.result(group, f"daemonize('/usr/bin/sleep', '{word}')")
                (daemon,) = eventually(lambda w=word: processes_with(w), "the daemon")
                before = self.dmpm.worker_of(group)
                log = len(self.dmpm.log_text())
                with self.dmpm.connect(f"{group}.test") as client:
                    client.get(f"{group}.test", "/crash")
                # As without a namespace, the log has how it ended.
                self.dmpm.wait_for_line(rf"group {group}: worker \d+ exited with status 3", log,
                                        self.dmpm.log_text)
                self.result(group, "result = 0")  # its successor is there
                self.assertNotEqual(self.dmpm.worker_of(group), before)
                self.assertTrue(has_gone(daemon))

    def test_an_end_by_a_signal_is_told(self):
        self.result("signal", "result = 0")
        log = len(self.dmpm.log_text())
        with self.dmpm.connect("signal.test") as client:
            client.request("POST", "signal.test", "/python",
                           body=b"os.kill(os.getpid(), 11)")
        self.dmpm.wait_for_line(r"group signal: worker \d+ was killed by SIGSEGV", log,
                                self.dmpm.log_text)

    def test_a_namespace_ends_with_its_keeper(self):
        self.result("keeper", "result = 0")
        family = self.family("keeper")
        log = len(self.dmpm.log_text())
        os.kill(family[0], signal.SIGKILL)
        for pid in family:
            eventually(lambda p=pid: has_gone(p), f"{pid} has gone")
        self.dmpm.wait_for_line(r"group keeper: worker \d+ was killed by SIGKILL", log,
                                self.dmpm.log_text)

    def family(self, group):
        keeper = self.dmpm.worker_of(group)
        family = [keeper, *harness.descendants(keeper)]
        self.assertEqual(len(family), 3)
        return family

    # ---- cgroup ----

    def test_cgroup_of_a_worker(self):
        lines = self.result("cgroup", "result = open('/proc/self/cgroup').read().split()")
        paths = {line.split(":", 2)[2] for line in lines if PARENT in line}
        (path,) = paths
        self.assertRegex(path, rf"^.*/{PARENT}/cgroup/\d+\.{self.dmpm.worker_of('cgroup')}$")
        for controller in ("memory", "cpu", "pids"):
            self.assertTrue(any(PARENT in line and controller in line.split(":")[1].split(",")
                                for line in lines) or any(line.startswith("0::") for line in lines))
        plain = self.result("plain", "result = open('/proc/self/cgroup').read()")
        self.assertNotIn(PARENT, plain)

    def test_processes_are_limited(self):
        code = """
children = []
try:
    for i in range(30): children.append(subprocess.Popen(["/usr/bin/sleep", "100"]))
    result = "all"
except BlockingIOError: result = "limited"
for child in children: child.kill()
for child in children: child.wait()"""
        self.check(code, "all", cgroup="limited")

    def test_memory_is_limited(self):
        code = "result = in_child(lambda: bytearray(160 << 20))"
        self.check(code, 0, cgroup=-signal.SIGKILL)

    def test_processors_are_limited(self):
        self.result("cgroup", "result = 0")
        values = [path.read_text().split() for path in (
            pathlib.Path(f"/sys/fs/cgroup/cpu/{PARENT}/cgroup/cpu.cfs_quota_us"),
            pathlib.Path(f"/sys/fs/cgroup/{PARENT}/cgroup/cpu.max")) if path.exists()]
        self.assertEqual([value[0] for value in values], ["50000"])

    # ---- landlock ----

    def test_files_that_are_not_named(self):
        home = self.dmpm.home("land")
        for path in ("/etc/hostname", "/var/log"):
            self.check(f"result = bool(os.open('{path}', os.O_RDONLY))", True,
                       land={"error": "PermissionError",
                             "text": f"[Errno 13] Permission denied: '{path}'"})
        self.assertEqual(self.result("land", f"open('{home}/new', 'w').write('x'); os.unlink('{home}/new')"),
                         None)
        self.assertEqual(self.result("land", f"result = bool(open('{self.dmpm.directory}/worker.py').read())"),
                         True)
        self.assertEqual(self.result("land", "result = subprocess.run(['/bin/true']).returncode"), 0)
        # The log can be opened anew, as some servers do.
        self.assertEqual(self.result("land", "result = open('/dev/stderr', 'a').write('again\\n')"), 6)

    def test_ports_that_are_not_named(self):
        code = f"socket.create_connection(('127.0.0.1', {self.dmpm.port}), 5).close()"
        self.check(code, None, land={"error": "PermissionError",
                                     "text": "[Errno 13] Permission denied"})

    # ---- seccomp ----

    def test_denied_calls(self):
        ptrace = "result = in_child(lambda: call('ptrace', 0, 0, 0, 0))"
        self.check(ptrace, 0, calls=errno.EPERM, killed=0, all=errno.EPERM)
        personality = "result = in_child(lambda: call('personality', 0xffffffff))"
        self.check(personality, 0, calls=errno.EPERM, killed=-signal.SIGSYS)
        sockets = "socket.socket(socket.AF_INET).close()"
        denied = {"error": "PermissionError", "text": "[Errno 1] Operation not permitted"}
        self.check(sockets, None, calls=denied, killed=None)
        namespaces = "result = in_child(lambda: call('unshare', 0x10000000))"  # CLONE_NEWUSER
        self.check(namespaces, 0, calls=errno.EPERM)
        # What a server does every day.
        self.check("result = subprocess.run(['/bin/true']).returncode", 0, calls=0, all=0)

    # ---- together ----

    def test_all_of_them(self):
        self.assertEqual(self.result("all", "result = os.getpid()"), 2)
        status = dict(line.split(":\t", 1) for line in
                      self.result("all", "result = open('/proc/self/status').read()").splitlines())
        self.assertEqual(int(status["CapAmb"], 16), 1 << 14)
        self.assertEqual(status["Seccomp"], "2")
        self.assertEqual(status["NoNewPrivs"], "1")

    # ---- a third party's ----

    def test_a_module_of_a_third_party(self):
        pid = self.result("marked", "result = os.getpid()")
        home = self.dmpm.home("marked")
        expected = (rf"^group=marked number=\d+ pid={pid} self=(\d+) euid=(\d+) uid={uid(ALICE)} "
                    rf"gid={grp.getgrnam(ALICE).gr_gid} root=/\n")
        for stage, euid in (("before_root", 0), ("before_ids", 0), ("after_ids", uid(ALICE))):
            line = re.match(expected, (home / stage).read_text())
            self.assertEqual((int(line[1]), int(line[2])), (pid, euid), stage)
        with self.dmpm.connect("marked.test") as client:
            client.get("marked.test", "/crash")
        eventually((home / "ended").exists, "what comes after the end")
        line = eventually(lambda: re.match(expected, (home / "ended").read_text()), "the line")
        self.assertNotEqual(int(line[1]), pid)
        self.assertEqual(int(line[2]), 0)


class Failures(unittest.TestCase):
    def test_a_module_that_fails(self):
        cases = {
            "before-root": ({"marker": {"directory": "{home}", "fail_at": "before_root"}},
                            "permission module marker: told to fail at before_root: Invalid cross-device link"),
            "before-ids": ({"marker": {"directory": "{home}", "fail_at": "before_ids"}},
                           "permission module marker: told to fail at before_ids: Invalid cross-device link"),
            "after-ids": ({"marker": {"directory": "{home}", "fail_at": "after_ids"}},
                          "permission module marker: told to fail at after_ids: Invalid cross-device link"),
            "root": ({"marker": {"directory": "{home}", "keep_capabilities": True}},
                     "a permission module left a capability by which root's rights can be had back"),
            "land": ({"landlock": {"read": ["/no/such/path"]}},
                     "permission module landlock: /no/such/path: No such file or directory"),
            "spaces": ({"namespaces": {"pid": True, "hidden": ["/no/such/path"]}},
                       "permission module namespaces: hiding /no/such/path: No such file or directory"),
        }
        if not pathlib.Path("/sys/fs/selinux/enforce").exists():
            cases["selinux"] = ({"selinux": {"context": "system_u:system_r:httpd_t:s0"}},
                                "permission module selinux: SELinux is not in force here, or its policy "
                                "knows no such context")
        groups = {name: prober(modules) for name, (modules, _) in cases.items()}
        groups["good"] = prober()
        with ModulesDmpm(groups) as dmpm:
            for name, (_, reason) in cases.items():
                with self.subTest(name), dmpm.connect("good.test") as client:
                    answer = client.get(f"{name}.test")
                    self.assertEqual(answer.status, 503, answer)
                    identity = ERROR_ID.search(answer.body.decode())[1]
                    line = rf"^.*{identity}.*{re.escape(reason)}.*$"
                    eventually(lambda at=line: re.search(at, dmpm.log_text(), re.MULTILINE),
                               f"{identity} with {reason}")
                    # A client is not told.
                    self.assertNotIn("module", answer.body.decode())
                    self.assertEqual(client.get("good.test").status, 200)

    def test_what_could_not_be_cleared_away_is_told(self):
        groups = {"marked": prober({"marker": {"directory": "{home}", "fail_at": "ended"}})}
        with ModulesDmpm(groups) as dmpm:
            for _ in range(2):  # it does not keep the next one from starting
                self.assertEqual(dmpm.try_in("marked", "result = 1"), 1)
                log = len(dmpm.log_text())
                with dmpm.connect("marked.test") as client:
                    client.get("marked.test", "/crash")
                dmpm.wait_for_line(r"group marked: worker \d+ has ended, but not everything of it: permission "
                                   r"module marker: told to fail at ended", log, dmpm.log_text)


class MasterDies(unittest.TestCase):
    def test_a_namespace_ends_with_the_master(self):
        dmpm = ModulesDmpm({"spaces": prober({"namespaces": {"pid": True}})})
        self.addCleanup(dmpm.kill)
        dmpm.write_config()
        dmpm.start()
        dmpm.try_in("spaces", "result = 0")
        keeper = dmpm.worker_of("spaces")
        family = [keeper, *harness.descendants(keeper)]
        self.assertEqual(len(family), 3)
        dmpm.signal(signal.SIGKILL)
        for pid in family:
            eventually(lambda p=pid: has_gone(p), f"{pid} has gone")


class Reload(unittest.TestCase):
    def test_changed_settings_are_new_workers(self):
        groups = {"alice": prober({"seccomp": {"deny": ["ptrace"]}}),
                  "bob": prober({"seccomp": {"deny": ["ptrace"]}}, user=BOB)}
        with ModulesDmpm(groups) as dmpm:
            ptrace = "result = [os.getpid(), in_child(lambda: call('ptrace', 0, 0, 0, 0))]"
            alice, bob = dmpm.try_in("alice", ptrace), dmpm.try_in("bob", ptrace)
            self.assertEqual((alice[1], bob[1]), (errno.EPERM, errno.EPERM))
            modules = dmpm.settings["groups"]["alice"]["permissions"]["modules"]
            modules["seccomp"]["deny"] = ["personality"]
            dmpm.write_config()
            dmpm.signal(signal.SIGHUP)
            dmpm.wait_for_line(r"reload done: 1 groups changed")
            after = dmpm.try_in("alice", ptrace)
            self.assertEqual(after[1], 0)
            self.assertNotEqual(after[0], alice[0])
            self.assertEqual(dmpm.try_in("bob", ptrace), bob)
            # A wrong one changes nothing, and says where.
            modules["seccomp"]["deny"] = ["no_such_call"]
            dmpm.write_config()
            dmpm.signal(signal.SIGHUP)
            dmpm.wait_for_line(r"reload failed: nothing was changed")
            self.assertRegex(dmpm.log_text() + dmpm.stderr_text(),
                             rf"{dmpm.config_file}:\d+:\d+: each element of \"deny\" must be")
            self.assertEqual(dmpm.try_in("alice", ptrace), after)

    def test_wrong_settings_start_nothing_and_say_where(self):
        dmpm = ModulesDmpm({"alice": prober({"marker": {"directory": "relative", "nosuch": 1}})})
        self.addCleanup(dmpm.kill)
        dmpm.write_config()
        text = dmpm.config_file.read_text(encoding="utf-8").splitlines()
        places = {}
        for word in ('"relative"', '"nosuch"'):
            (number,) = [i for i, line in enumerate(text, 1) if word in line]
            places[word] = f"{dmpm.config_file}:{number}:{text[number - 1].index(word) + 1}: "
        result = run(BIN / "dmpm", "check", "--config", dmpm.config_file, check=False)
        self.assertEqual(result.returncode, 1)
        self.assertEqual(result.stderr.splitlines(), [
            places['"relative"'] + '"directory" must be an absolute path, not "relative"',
            places['"nosuch"'] + 'unknown key "nosuch" in "marker"; expected are "fail_at", '
                                 '"directory" and "keep_capabilities"'])
        self.assertFalse(dmpm.runtime.exists())


if __name__ == "__main__":
    harness.main()
