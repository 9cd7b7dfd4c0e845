#!/usr/bin/python3
"""The life of the package on a machine of its own: installed, started, upgraded while requests are served,
removed and purged. What systemd would do is done by hand, with the command of the unit."""
import os
import pathlib
import pwd
import shutil
import unittest

import machine
import package

if __name__ == "__main__":
    machine.enter()

# pylint: disable=wrong-import-position
import chaos
import harness
from harness import eventually

PROGRAMS = pathlib.Path("/usr/lib/dmpm")
CONFIGURATION = pathlib.Path("/etc/dmpm/dmpm.json")
SITES = pathlib.Path("/etc/dmpm/sites.d")


class Installed(chaos.ManySites):
    """The installed dmpm with its own configuration file, started as the unit does."""

    def __init__(self, sites):
        super().__init__(sites, sites)
        self.command_line = package.service_command()
        self.program = self.command_line[0]
        self.config_file, self.runtime = CONFIGURATION, pathlib.Path("/run/dmpm")
        self.logs = pathlib.Path("/var/log/dmpm")
        for path in self.folder.iterdir():
            shutil.copy(path, SITES)

    def write_config(self, text=None):
        assert self.command_line[1:] == ["run", "--config", str(CONFIGURATION)]

    def kill(self):
        super().kill()
        for path in SITES.glob("*.json"):
            path.unlink()

    def programs(self):
        """What its processes were executed from: {process: file, or "FILE (deleted)"}."""
        found, master = {}, self.master()
        for pid in [master, *harness.children(master)]:
            try:
                if harness.comm(pid).startswith("dmpm-"):
                    found[pid] = os.readlink(f"/proc/{pid}/exe")
            except FileNotFoundError:
                pass  # it has just gone
        return found

    def runs_what_is_installed(self):
        return all(not program.endswith(" (deleted)") for program in self.programs().values())


class Package(unittest.TestCase):
    """In this order: each goes on where the one before it ended."""

    @classmethod
    def setUpClass(cls):
        cls.before = machine.changes()
        cls.folder = pathlib.Path("/tmp/packages")
        cls.folder.mkdir()

    def install(self, file):
        done = machine.run("dpkg", "--install", file)
        self.assertEqual(package.state()[0], "installed")
        return done.stdout

    def test_1_policy(self):
        done = machine.run("lintian", "--fail-on", "error", "--tag-display-limit", "0", package.path(),
                           check=False)
        self.assertEqual(done.returncode, 0, done.stdout)

    def test_2_installed(self):
        self.install(package.path())
        for user in ("dmpm", "dmpm-keys", "dmpm-log", "dmpm-metrics"):
            entry = pwd.getpwnam(user)
            self.assertEqual((entry.pw_shell, entry.pw_uid < 1000), ("/usr/sbin/nologin", True))
        for path in (PROGRAMS, *PROGRAMS.rglob("*"), CONFIGURATION, SITES):
            status = path.stat()
            self.assertEqual((status.st_uid, status.st_gid, status.st_mode & 0o7022), (0, 0, 0), path)
        self.assertEqual(len(list((PROGRAMS / "permission-modules").glob("*.so"))), 6)
        self.assertTrue(pathlib.Path("/etc/systemd/system/multi-user.target.wants/dmpm.service")
                        .is_symlink())
        self.assertIn(": OK: 0 groups, 0 virtual hosts",
                      machine.run("dmpm", "check", "--config", CONFIGURATION).stdout)
        printed = (machine.CHECKOUT / "docs/logs.md").read_text(encoding="utf-8")
        self.assertIn(pathlib.Path("/etc/logrotate.d/dmpm").read_text(encoding="ascii"), printed)

    def test_3_first_start_without_sites(self):
        with Installed(0) as dmpm:
            self.assertEqual((dmpm.port, dmpm.http_port), (443, 80))
            self.assertEqual({pathlib.Path(name).parent for name in dmpm.programs().values()}, {PROGRAMS})
            with dmpm.connect_plain() as client:
                self.assertEqual(client.get("nobody.test").status, 404)

    def test_4_logs_are_rotated(self):
        with Installed(1) as dmpm:
            dmpm.get(dmpm.busy[0].host, "/length", headers=[("X-Token", "<1.1-x>")])
            machine.run("logrotate", "--force", "/etc/logrotate.d/dmpm")
            self.assertNotEqual(dmpm.log_text("dmpm.log.1"), "")
            self.assertEqual(dmpm.command("reload").returncode, 0)
            eventually(dmpm.log_text, "the new file is written to")

    def test_5_upgrade_under_load(self):
        later, wrong = (package.another_version(version, self.folder)
                        for version in ("9.1", "9.2"))
        with Installed(12) as dmpm, chaos.Load(dmpm, seed=5) as load:
            workers = set(eventually(lambda: len(dmpm.workers()) == 12 and dmpm.workers(),
                                     "every site has its worker"))
            master = dmpm.master()
            self.install(later)
            self.assertEqual(package.state(), ("installed", "9.1"))
            self.after_more_requests(load)
            eventually(dmpm.runs_what_is_installed, "no process of the old version is left", 60)
            self.assertEqual((dmpm.master(), set(dmpm.workers())), (master, workers))

            # One that cannot take over leaves the other in force, and the package installed.
            (SITES / "wrong.json").write_text("{", encoding="ascii")
            said = self.install(wrong)
            self.assertIn("the running version goes on", said)
            self.assertIn("wrong.json:1:", said)
            self.after_more_requests(load)
            self.assertFalse(dmpm.runs_what_is_installed())
            (SITES / "wrong.json").unlink()
            self.assertEqual(dmpm.command("upgrade").returncode, 0)
            eventually(dmpm.runs_what_is_installed, "the version that had to wait runs", 60)
            load.__exit__()
        print(f"{dict(load.counts)} answers", flush=True)
        self.assertEqual((load.wrong, load.refused, load.failed), ([], [], []))

    def after_more_requests(self, load):
        before = dict(load.counts)
        eventually(lambda: all(load.counts[protocol] > before[protocol] + 100 for protocol in before),
                   "requests go on being answered", 60)

    def test_6_an_administrators_file_is_kept(self):
        text = CONFIGURATION.read_text(encoding="ascii") + "// mine\n"
        CONFIGURATION.write_text(text, encoding="ascii")
        self.install(package.another_version("9.3", self.folder))
        self.assertEqual(CONFIGURATION.read_text(encoding="ascii"), text)

    def test_7_removed_while_it_runs(self):
        with Installed(1) as dmpm:
            dmpm.get(dmpm.busy[0].host, "/length", headers=[("X-Token", "<1.1-x>")])
            machine.run("dpkg", "--remove", "dmpm")
            self.assertEqual(dmpm.process.wait(harness.DEADLINE), 0)
        self.assertEqual(package.state()[0], "config-files")
        left = package.left_behind(self.before)
        kept = ("/etc/dmpm/dmpm.json", "/etc/dmpm/sites.d", "/etc/logrotate.d/dmpm", "/var/log/dmpm/dmpm.log")
        self.assertLessEqual(set(kept), set(left))
        self.assertEqual([name for name in left if not name.startswith((
            "/etc/dmpm", "/etc/logrotate.d/dmpm", "/var/lib/dmpm", "/var/log/dmpm", "/etc/systemd/system"))], [])

    def test_8_purged(self):
        machine.run("dpkg", "--purge", "dmpm")
        self.assertIsNone(package.state())
        self.assertEqual(package.left_behind(self.before), [])
        # But for the users, whose numbers nobody else gets, and the machine's list of them.
        self.assertEqual(pwd.getpwnam("dmpm-log").pw_shell, "/usr/sbin/nologin")


if __name__ == "__main__":
    harness.main()
