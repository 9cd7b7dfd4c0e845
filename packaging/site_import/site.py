"""A site as dmpm's site files have it."""
import json
import os
import re

PROXY = "/lib/systemd/systemd-socket-proxyd"
NO_VALUE = re.compile(r"[\x00-\x1f\"'\\$<>]")  # what values of presets may not have
HOST_NAME = re.compile(r"(\*\.)?[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*|\[[0-9A-Fa-f:.]+\]")
FOR_ALL = "dmpm has one answer for all sites: TLS 1.2 and 1.3, \"limits\" in config/example.json"
COLUMNS = 100


class NoSite(Exception):
    """There is no site file to make of this."""


class Site:
    """What is known of it so far, and what was left out."""

    def __init__(self, preset):
        self.names, self.certificates, self.keys = [], [], []
        self.permissions, self.worker, self.scale = {}, {"preset": preset}, {}
        self.php_ini, self.access_log, self.left_out = {}, None, []

    def leave_out(self, place, what, why):
        self.left_out.append(f"{place}: {what}: {why}")

    def add_name(self, place, name, first=False):
        if not HOST_NAME.fullmatch(name):
            self.leave_out(place, name, "neither a host's name nor *.NAME")
        elif first:
            self.names = [name, *(other for other in self.names if other != name)]
        elif name not in self.names:
            self.names.append(name)

    def set_php(self, place, name, value):
        if NO_VALUE.search(value):
            self.leave_out(place, f"{name} = {value}", "write it into a .user.ini file")
        else:
            self.php_ini[name] = value

    def set_access_log(self, place, path, form):
        self.access_log = {"file": re.sub(r"[^A-Za-z0-9._-]", "_", os.path.basename(path))}
        if form != "combined":
            self.leave_out(place, f"log format {form}", "it will be combined; docs/logs.md has the variables")

    # -- the file --

    def text(self):
        if "user" not in self.permissions:
            raise NoSite("nothing says which user it runs as: --user NAME")
        if "document_root" not in self.worker:
            raise NoSite("there is no document root")
        worker = {**self.worker, **({"php_ini": self.php_ini} if self.php_ini else {})}
        scale = {"scale": self.scale} if self.scale else {}
        return self._text({"permissions": self.permissions, "worker": worker, **scale})

    def text_behind(self, address):
        """Its worker hands connections over to the old server."""
        return self._text({"permissions": {"user": "www-data"},
                           "worker": {"command": [PROXY, "--connections-max=1024", address]}})

    def _text(self, group):
        if not self.names:
            raise NoSite("it has no name")
        # Named as the site is: a customer may have several.
        name = re.sub(r"[^A-Za-z0-9.-]", "_", self.names[0].replace("*", "any"))[:64]
        return render({"groups": {name: group}, "virtual_hosts": [self._virtual_host(name)]})

    def _virtual_host(self, group):
        host = {"names": self.names, "group": group}
        pairs = [{"certificate": certificate, "key": key}
                 for certificate, key in zip(self.certificates, self.keys)]
        if pairs:
            host["tls"] = {**pairs[0], **({"second": pairs[1]} if len(pairs) > 1 else {})}
        if self.access_log is not None:
            host["access_log"] = self.access_log
        return host


def render(value, indent=0, used=0):
    """JSON in which what fits on a line stands on one."""
    line = json.dumps(value, ensure_ascii=False)
    if not isinstance(value, (dict, list)) or (used and used + len(line) <= COLUMNS):
        return line
    inner = indent + 2
    items = ([(json.dumps(key) + ": ", item) for key, item in value.items()] if isinstance(value, dict) else
             [("", item) for item in value])
    begin, end = "{}" if isinstance(value, dict) else "[]"
    lines = [" " * inner + name + render(item, inner, inner + len(name) + 1) for name, item in items]
    return begin + "\n" + ",\n".join(lines) + "\n" + " " * indent + end
