"""A page of docs/workers/ as a site: its files, its commands and its configuration, exactly as printed.

What is replaced: /home/alice, the name of the user, the group and the host, and the certificate.
"""
import json
import os
import shutil

import harness
import page


class Recipe:
    def __init__(self, name, user):
        self.name, self.user = name, user
        self.host = f"{name}.test"
        self.blocks = page.blocks(f"workers/{name}")

    def install(self, dmpm, idle_timeout):
        """Adds the site to dmpm's configuration and makes its files."""
        home = dmpm.home(self.name)
        for name in ("tmp", "htdocs"):
            (home / name).mkdir(parents=True, exist_ok=True)
        home.chmod(0o700)
        for block in self.blocks:
            if block.path and block.path.startswith("/home/alice/"):
                path = home / block.path.removeprefix("/home/alice/")
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(block.text.replace("/home/alice", str(home)), encoding="utf-8")
        self._own(home)
        for block in self.blocks:
            if block.is_command():
                self._run(block.text.replace("/home/alice", str(home)), dmpm)
        if home.stat().st_uid != 0:
            self._own(home)
        self._configure(dmpm, home, idle_timeout)

    def _own(self, home):
        for path in [home, *home.rglob("*")]:
            if not path.is_symlink():
                shutil.chown(path, self.user, self.user)
                runs = path.is_dir() or path.read_bytes()[:4] in (b"#!/b", b"\x7fELF")
                path.chmod(0o700 if runs else 0o600)

    def _run(self, text, dmpm):
        harness.run("/bin/sh", "-ec", text, env={
            **os.environ, "GOCACHE": str(dmpm.directory / "go-cache"), "HOME": str(dmpm.directory),
            "GOFLAGS": "-mod=mod", "GOPATH": str(dmpm.directory / "go")})

    def _configure(self, dmpm, home, idle_timeout):
        (text,) = (block.text for block in self.blocks if block.kind == "json")
        site = json.loads(text.replace("/home/alice", str(home)))
        group = site["groups"]["alice"]
        assert group["permissions"]["user"] == "alice"
        group["permissions"]["user"] = self.user
        group.setdefault("scale", {})["idle_timeout"] = idle_timeout
        dmpm.settings["groups"][self.name] = group
        (host,) = site["virtual_hosts"]
        assert host["names"] == ["alice.example"] and host["group"] == "alice"
        dmpm.settings["virtual_hosts"].append({
            "names": [self.host], "group": self.name,
            "tls": dmpm.authority.certificate(self.host)})
