"""A dmpm whose two sites are served by http2_worker.py, with one certificate for both names."""
import shutil

import harness
from harness import ALICE, BOB, HERE, Dmpm


class Site(Dmpm):
    def __init__(self, scale=None, **settings):
        worker = ["/usr/bin/python3", "-IS", "{top}/http2_worker.py"]
        super().__init__(groups={"alice": harness.group(ALICE, worker, **(scale or {})),
                                 "bob": harness.group(BOB, worker, **(scale or {}))}, **settings)
        shutil.copy(HERE / "http2_worker.py", self.directory)
        (self.directory / "http2_worker.py").chmod(0o644)
        shared = self.authority.certificate("a.test", "b.test")
        for host in self.settings["virtual_hosts"]:
            host["tls"] = shared
