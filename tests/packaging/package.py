"""The package under test, and how it is told apart from another version of itself."""
import pathlib
import re
import shlex
import sys

import machine

sys.path.insert(0, str(machine.CHECKOUT / "tests/end-to-end"))  # the harness
FOLDER = machine.CHECKOUT / "build/package"
# Those of who manages packages and users.
DATABASES = re.compile(r"/var/(lib/(dpkg|apt|logrotate|systemd)|log/(dpkg|apt|alternatives)|cache/(apt|debconf|ldconfig|man))|"
                       r"/etc/((passwd|shadow|group|gshadow)-?|\.pwd\.lock|ld\.so\.cache)$|"
                       r"/(tmp|var/tmp|run)/")


def path():
    (found,) = FOLDER.glob("*.deb")
    return found


def another_version(version, folder):
    """The same files, as they come with another version: new ones."""
    tree = folder / f"tree-{version}"
    machine.run("dpkg-deb", "--raw-extract", path(), tree)
    control = tree / "DEBIAN/control"
    text = re.sub(r"^Version: .*$", f"Version: {version}", control.read_text(encoding="utf-8"),
                  flags=re.MULTILINE)
    control.write_text(text, encoding="utf-8")
    made = folder / f"dmpm_{version}.deb"
    machine.run("dpkg-deb", "--root-owner-group", "-Znone", "--build", tree, made)
    return made


def state():
    """(status, version) as dpkg knows it; None when it knows nothing."""
    done = machine.run("dpkg-query", "-W", "-f", "${db:Status-Status} ${Version}", "dmpm", check=False)
    return tuple(done.stdout.split()) if done.returncode == 0 else None


def service_command():
    """What systemd would run."""
    unit = pathlib.Path("/lib/systemd/system/dmpm.service").read_text(encoding="utf-8")
    return shlex.split(re.search(r"^ExecStart=(.*)$", unit, re.MULTILINE)[1])


def left_behind(before):
    """What was not there before, but for the databases of those who manage packages and users."""
    return sorted(name for name in machine.changes() - before if not DATABASES.match(name))
