"""A machine of a test's own: the root directory is this machine's under an overlay, so that packages, users
and files can be installed and nothing of that reaches the real one. Processes, mounts, network (a loopback
interface and no other) and host name are its own, too; all of it ends with the test.

    machine.enter()          # first of all: the calling program goes on within it, as its process 1
    before = machine.changes()

There is no systemd in it: systemctl changes its links and starts nothing.
"""
import atexit
import os
import pathlib
import re
import shutil
import stat
import subprocess
import sys
import tempfile
import time

CHECKOUT = pathlib.Path(__file__).resolve().parent.parent.parent
_INSIDE = "DMPM_TEST_MACHINE"
_SYSTEM = ("proc", "sys", "dev", "run")
_upper = None  # descriptors of what was changed, and of the real root directory
_lower = None


def enter():
    """Ends with 77 where that is not possible."""
    if os.geteuid() != 0:
        print("*** SKIPPED: this test installs packages and so needs root ***", file=sys.stderr)
        sys.exit(77)
    if os.environ.pop(_INSIDE, None) is None:
        os.environ[_INSIDE] = "1"
        os.execvp("unshare", ["unshare", "--mount", "--pid", "--net", "--ipc", "--uts", "--fork",
                              "--kill-child", "--propagation", "private", sys.executable, "-B",
                              *sys.argv])
    _leave_cgroup()
    _move()
    run("ip", "link", "set", "lo", "up")
    os.environ.update({"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "SYSTEMD_OFFLINE": "1", "HOME": "/root",
                       "LC_ALL": "C.UTF-8", "DEBIAN_FRONTEND": "noninteractive"})
    # apt has what is installed, and nothing to fetch.
    for path in ("/etc/apt/sources.list.d", "/var/lib/apt/lists"):
        shutil.rmtree(path)
        os.makedirs(path)
    pathlib.Path("/etc/apt/sources.list").write_text("", encoding="ascii")


def run(*command, check=True, **options):
    """What it said, both streams in one."""
    done = subprocess.run([str(part) for part in command], check=False, text=True,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          **options)
    if check and done.returncode != 0:
        raise AssertionError(f"{command}: {done.returncode}\n{done.stdout}")
    return done


def _leave_cgroup():
    """dmpm names the cgroups of its workers as its runtime directory, and that is the same on each machine."""
    mounts = pathlib.Path("/proc/self/mountinfo").read_text(encoding="utf-8").splitlines()
    points = [line.split()[4] for line in mounts if " - cgroup2 " in line]
    if not points:
        return
    place = re.search(r"^0::(.*)$", pathlib.Path("/proc/self/cgroup").read_text(encoding="utf-8"), re.MULTILINE)[1]
    above = pathlib.Path(points[0] + place)
    own = pathlib.Path(tempfile.mkdtemp(prefix="dmpm-machine.", dir=above))
    (own / "cgroup.procs").write_text("0", encoding="ascii")
    atexit.register(_remove_cgroup, above, own)


def _remove_cgroup(above, own):
    if os.getpid() != 1:
        return
    (above / "cgroup.procs").write_text("0", encoding="ascii")
    (own / "cgroup.kill").write_text("1", encoding="ascii")
    while _has_processes(own):
        time.sleep(0.01)
    for folder in (*reversed(list(own.rglob("*/"))), own):
        os.rmdir(folder)


def _has_processes(cgroup):
    return "populated 1" in (cgroup / "cgroup.events").read_text(encoding="ascii")


def _move():
    global _upper, _lower  # pylint: disable=global-statement
    place = pathlib.Path(tempfile.mkdtemp(prefix="dmpm-machine.", dir="/var/tmp"))
    run("mount", "-t", "tmpfs", "tmpfs", place)
    names = {name: place / name for name in ("upper", "work", "root")}
    for path in names.values():
        path.mkdir()
    run("mount", "-t", "overlay", "overlay", "-o",
        f"lowerdir=/,upperdir={names['upper']},workdir={names['work']}", names["root"])
    _upper, _lower = (os.open(path, os.O_RDONLY | os.O_DIRECTORY) for path in (names["upper"], "/"))
    run("mount", "-t", "proc", "proc", names["root"] / "proc")
    for name in ("sys", "dev"):
        run("mount", "--rbind", f"/{name}", names["root"] / name)
    run("mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", names["root"] / "run")
    (names["root"] / "run/lock").mkdir()
    # Wherever they are mounted.
    run("mount", "--bind", CHECKOUT, str(names["root"]) + str(CHECKOUT))
    old = names["root"] / "mnt"
    run("pivot_root", names["root"], old)
    os.chdir("/")
    run("umount", "--lazy", "/mnt")
    # The directory that the machine was made at: nobody else sees it as a mount point.
    os.rmdir(str(place).lstrip("/"), dir_fd=_lower)


def changes():
    """Paths of files that were made, changed or removed, and of directories that were made."""
    found = set()
    for folder, directories, files, handle in os.fwalk(".", dir_fd=_upper):
        for name in (*directories, *files):
            path = os.path.normpath(os.path.join(folder, name))
            status = os.stat(name, dir_fd=handle, follow_symlinks=False)
            if not stat.S_ISDIR(status.st_mode) or not _exists_below(path):
                found.add("/" + path)
    return found


def _exists_below(path):
    try:
        os.stat(path, dir_fd=_lower, follow_symlinks=False)
        return True
    except FileNotFoundError:
        return False
