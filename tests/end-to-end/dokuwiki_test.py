#!/usr/bin/python3
"""A customer's application, unchanged: DokuWiki with its .htaccess under Apache and mod_php, as the
customer's user, installed, logged into and edited in a browser. The site sleeps in between."""
import json
import pathlib
import re
import shutil
import unittest

import harness
from chromium import Chromium
from harness import ALICE, BOB, Dmpm, eventually, uid

PACKAGE = pathlib.Path("/usr/share/dokuwiki")
HOST = "wiki.test"
TEXT = "Written in a browser, kept by the customer."


def unpack(place, user):
    """As it comes from its makers: Debian's package keeps parts elsewhere, for all sites in common."""
    shutil.copytree(PACKAGE, place, symlinks=False)
    (place / "inc/preload.php").unlink()
    (place / ".htaccess").unlink()
    rules = (PACKAGE / ".htaccess.dist").read_text()
    (place / ".htaccess").write_text(re.sub(r"(?m)^#(Rewrite(?!Base))", r"\1", rules))
    conf = place / "conf"
    conf.mkdir()
    for path in pathlib.Path("/etc/dokuwiki").iterdir():
        if path.is_file() and path.name not in ("local.php", "apache.conf", "lighttpd.conf", "htaccess",
                                                "users.auth.php", "acl.auth.php"):
            shutil.copy(path, conf)
    settings = (conf / "dokuwiki.php").read_text()
    (conf / "dokuwiki.php").write_text(settings.replace("'/var/lib/dokuwiki/data'", "'./data'"))
    (conf / "local.protected.php").write_text("<?php $conf['userewrite'] = 1;\n")
    for name in ("attic", "cache", "index", "locks", "log", "media", "media_attic", "media_meta", "meta",
                 "pages", "tmp"):
        (place / "data" / name).mkdir(parents=True)
    shutil.copy(place / "inc/.htaccess", place / "data")  # Debian keeps data out of the site's reach
    for path in [place, *place.rglob("*")]:
        shutil.chown(path, user, user)
        path.chmod(0o700 if path.is_dir() else 0o600)


class Tab:
    """One page of a browser, on which things are filled in and clicked."""

    def __init__(self, browser):
        self.browser = browser
        target = browser.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = browser.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        browser.call("Page.enable", self.session)

    def evaluate(self, expression):
        result = self.browser.call("Runtime.evaluate", self.session, expression=expression,
                                   returnByValue=True)
        if "exceptionDetails" in result:
            raise AssertionError(f"{expression}: {result['exceptionDetails']}\n{self.text()[:3000]}")
        return result["result"].get("value")

    def text(self):
        return self.browser.call("Runtime.evaluate", self.session, returnByValue=True,
                                 expression="document.body.innerText")["result"].get("value", "")

    def open(self, url):
        self.browser.events.clear()
        went = self.browser.call("Page.navigate", self.session, url=url)
        if "errorText" in went:
            raise AssertionError(f"{url}: {went['errorText']}")
        self.browser.wait_for("Page.loadEventFired")

    def fill_and_click(self, fields, button):
        for selector, value in fields.items():
            self.evaluate(f"document.querySelector({json.dumps(selector)}).value = {json.dumps(value)}")
        self.browser.events.clear()
        self.evaluate(f"document.querySelector({json.dumps(button)}).click()")
        self.browser.wait_for("Page.loadEventFired")


class DokuWiki(unittest.TestCase):
    @unittest.skipUnless(PACKAGE.exists() and shutil.which("chromium"), "no DokuWiki, no Chromium")
    def test_installed_logged_into_and_edited(self):
        dmpm = Dmpm(groups={"wiki": {"permissions": {"user": ALICE},
                                     "worker": {"preset": "apache", "document_root": "{home}/htdocs",
                                                "private_directory": "{home}/private"},
                                     "scale": {"idle_timeout": "1s"}}}, hosts={HOST: "wiki"})
        place = dmpm.home("wiki") / "htdocs"
        unpack(place, ALICE)
        with dmpm, Chromium(dmpm.directory / "browser", BOB, dmpm.authority.file) as browser:
            self.use(dmpm, Tab(browser), place)

    def use(self, dmpm, tab, place):
        url = f"https://{HOST}:{dmpm.port}"
        tab.open(f"{url}/install.php")
        tab.fill_and_click({"#title": "Alice's", "#superuser": "alice", "#fullname": "Alice",
                            "#email": "alice@a.test", "#password": "secret-77",
                            "#confirm": "secret-77"}, "button[name=submit]")
        self.assertIn("finished successfully", tab.text())

        # A path of .htaccess's making, not a file.
        tab.open(f"{url}/start?do=login")
        tab.fill_and_click({"#dw__login input[name=u]": "alice",
                            "#dw__login input[name=p]": "secret-77"}, "#dw__login button[type=submit]")
        self.assertIn("Logged in as", tab.text())

        tab.open(f"{url}/start?do=edit")
        tab.fill_and_click({"#wiki__text": TEXT}, "button[name='do[save]']")
        self.assertIn(TEXT, tab.text())

        # Asleep, and awake again: still there, and still logged in.
        eventually(lambda: not dmpm.workers(ALICE), "asleep")
        tab.open(f"{url}/start")
        self.assertIn(TEXT, tab.text())
        self.assertIn("Logged in as", tab.text())

        page = place / "data/pages/start.txt"
        self.assertEqual(page.read_text().strip(), TEXT)
        self.assertEqual(page.stat().st_uid, uid(ALICE))
        # Who changed it, as the application sees it: the client.
        self.assertIn("\t127.0.0.1\t", (place / "data/meta/_dokuwiki.changes").read_text())
        # What its .htaccess files forbid.
        for path in ("/data/pages/start.txt", "/conf/users.auth.php", "/.htaccess", "/inc/init.php"):
            self.assertEqual(dmpm.get(HOST, path).status, 403, path)


if __name__ == "__main__":
    harness.main()
