"""Two sites of two users and one page: a.test's page refers to 200 resources, half of them b.test's.

    site = ManyResources(port)      # clients come by this port
    with site: ...
    site.resources                  # [Resource], the page itself the first

Both sites are lighttpd with PHP; what they serve is readable by their own user only. The same paths are
on both, and every body names its resource, its user and a random number. Of each kind of resource there
are 20 on either site: static scripts, scripts that PHP writes (it says as whom it runs), style sheets,
images, and links whose targets the page fetches.
"""
import dataclasses
import random
import secrets
import shutil

import harness
from harness import ALICE, BOB, HERE, Dmpm, uid
from lighttpd_test import lighttpd

CONFIGURATION = """
server.systemd-socket-activation = "enable"
server.modules = ("mod_extforward", "mod_fastcgi", "mod_setenv")
server.document-root = "{home}/htdocs"
server.upload-dirs = ("{home}/tmp")
index-file.names = ("index.html")
mimetype.assign = (".html" => "text/html", ".js" => "text/javascript", ".css" => "text/css",
                   ".svg" => "image/svg+xml", ".txt" => "text/plain")
extforward.forwarder = ("all" => "trust")
setenv.add-response-header = ("Access-Control-Allow-Origin" => "https://a.test:{port}",
                              "Access-Control-Allow-Credentials" => "true")
fastcgi.server = (".php" => ((
  "bin-path" => "/usr/bin/php-cgi",
  "socket" => "{home}/tmp/php.socket",
  "max-procs" => 1
)))
"""

PAGE = """<!doctype html>
<title>200 resources of two sites</title>
<link rel="icon" href="data:,">
<script>{script}</script>
{elements}
"""

SCRIPT_TAG = '<script src="{url}"></script>'
SCRIPT = 'got("{name}", "{said}");\n// {padding}\n'
SVG = '<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{uid}"/>\n<!-- {padding} -->\n'
# kind: ending, how the page refers to it, its body
KINDS = {
    "script": (".js", SCRIPT_TAG, SCRIPT),
    "program": (".php", SCRIPT_TAG, SCRIPT),
    "style": (".css", '<link id="{name}" rel="stylesheet" href="{url}">',
              ':root {{ --{name}: "{said}"; }}\n/* {padding} */\n'),
    "image": (".svg", '<img id="{name}" src="{url}">', SVG),
    "fetch": (".txt", '<a id="{name}" href="{url}"></a>', "{said}\n{padding}\n"),
}
OF_EACH_KIND = 20
SITES = (("a.test", "alice", ALICE), ("b.test", "bob", BOB))


@dataclasses.dataclass(frozen=True)
class Resource:
    host: str
    path: str
    body: bytes
    name: str = ""  # its id in the page
    element: str = ""  # how the page refers to it
    seen: str = ""  # what the page must see of it


class ManyResources(Dmpm):
    def __init__(self, client_port, one_certificate=True, **settings):
        super().__init__(groups={group: lighttpd(user) for _, group, user in SITES}, **settings)
        self.client_port = client_port
        if one_certificate:
            shared = self.authority.certificate("a.test", "b.test")
            for host in self.settings["virtual_hosts"]:
                host["tls"] = shared
        self._random = random.Random(secrets.token_hex(16))
        self.resources = []
        for host, group, user in SITES:
            self._make_site(host, group, user)
        self.resources.insert(0, self._make_page())
        for _, group, user in SITES:
            self._give(self.home(group), user)

    def url(self, resource):
        return f"https://{self.authority_of(resource)}{resource.path}"

    def authority_of(self, resource):
        return f"{resource.host}:{self.client_port}"

    def of_host(self, host):
        return [resource for resource in self.resources if resource.host == host]

    def _make_site(self, host, group, user):
        home = self.home(group)
        for part in ("htdocs", "tmp"):
            (home / part).mkdir()
        text = CONFIGURATION.replace("{home}", str(home)).replace("{port}", str(self.client_port))
        (home / "lighttpd.conf").write_text(text, encoding="ascii")
        for kind in KINDS:
            (home / "htdocs" / kind).mkdir()
            self.resources += [self._make_resource(host, group, user, kind, number)
                               for number in range(OF_EACH_KIND)]

    def _make_resource(self, host, group, user, kind, number):
        ending, tag, body = KINDS[kind]
        path, name = f"/{kind}/{number}{ending}", f"{group}-{kind}-{number}"
        proof = f"{self._random.getrandbits(64):016x}"
        # Up to 40 kB each: together more than the windows of most clients.
        values = {"name": name, "uid": uid(user), "said": f"{name} of {uid(user)}: {proof}",
                  "width": self._random.randrange(1, 10_000),
                  "padding": self._random.randbytes(self._random.randrange(20_000)).hex()}
        content = body.format(**values)
        source = content
        if kind == "program":  # the number that PHP gives is not in the file
            source = ('<?php header("Content-Type: text/javascript"); ?>' +
                      content.replace(f"of {uid(user)}:", "of <?= posix_getuid() ?>:"))
        (self.home(group) / f"htdocs{path}").write_text(source, encoding="ascii")
        seen = "{width}x{uid}" if kind == "image" else "{said}"
        url = f"https://{host}:{self.client_port}{path}"
        return Resource(host, path, content.encode(), name, tag.format(name=name, url=url),
                        seen.format(**values))

    def _make_page(self):
        script = (HERE / "many_resources_page.js").read_text(encoding="ascii")
        elements = [resource.element for resource in self.resources]
        self._random.shuffle(elements)  # so that the two sites alternate
        page = PAGE.replace("{script}", script).replace("{elements}", "\n".join(elements))
        (self.home("alice") / "htdocs/index.html").write_text(page, encoding="ascii")
        return Resource("a.test", "/", page.encode())

    @staticmethod
    def _give(home, user):
        for path in home.rglob("*"):
            shutil.chown(path, user, user)
            path.chmod(0o700 if path.is_dir() else 0o600)
