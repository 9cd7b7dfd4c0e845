"""Chromium without a window, as an unprivileged user, driven over its DevTools protocol.

    with Chromium(directory, user, authority_file) as browser:
        page = browser.load("https://a.test:8443/", "verdict()")
        page.responses, page.value

Its profile is made for the occasion and trusts one authority, as a user would have it trust one; no error
of a certificate is forgiven. Every name that ends in .test is 127.0.0.1, and there is no other name.
"""
import base64
import dataclasses
import json
import os
import select
import shutil
import signal
import subprocess
import time

import harness

DEADLINE = 100  # seconds: a failure, however busy the machine

FLAGS = (
    "--headless", "--no-first-run", "--disable-gpu", "--disable-extensions", "--disable-sync",
    "--disable-background-networking", "--disable-component-update", "--disable-dev-shm-usage",
    # In a container it may not make one. What it loads is ours.
    "--no-sandbox",
    "--host-resolver-rules=MAP *.test 127.0.0.1, MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
    "--remote-debugging-pipe",
)

PREFERENCES = {
    # Cookies of other sites are allowed. They are not by default when there is no window, and what is
    # asked without cookies goes over connections of its own, whatever the server offers.
    "profile": {"cookie_controls_mode": 0},
    # No connections at a guess.
    "net": {"network_prediction_options": 2},
}


@dataclasses.dataclass
class Response:
    url: str
    status: int
    protocol: str
    connection: int
    body: bytes = b""


@dataclasses.dataclass
class Page:
    responses: list
    value: object  # of the expression, after the load


class Chromium:
    def __init__(self, directory, user, authority_file):
        self.directory, self.user = directory, user
        self.stderr = directory / "stderr"
        self.events = []
        self._buffer = b""
        self._count = 0
        self._process = None
        directory.mkdir()
        shutil.chown(directory, user, user)
        self._make_profile()
        # Where the user of a Debian system keeps authorities of their own.
        store = f"sql:{directory}/.pki/nssdb"
        self._run("mkdir", "-p", directory / ".pki/nssdb")
        self._run("certutil", "-d", store, "-N", "--empty-password")
        self._run("certutil", "-d", store, "-A", "-n", "test", "-t", "C,,", "-i", authority_file)

    def _make_profile(self):
        folder = self.directory / "profile/Default"
        self._run("mkdir", "-p", folder)
        (folder / "Preferences").write_text(json.dumps(PREFERENCES), encoding="ascii")
        shutil.chown(folder / "Preferences", self.user, self.user)

    def _as_user(self):
        return {"user": self.user, "group": self.user, "extra_groups": [], "cwd": self.directory,
                "env": {"HOME": str(self.directory), "TMPDIR": str(self.directory),
                        "PATH": "/usr/bin:/bin"}}

    def _run(self, *command):
        harness.run(*command, **self._as_user())

    # -- its life --

    def __enter__(self):
        # It reads descriptor 3 and writes descriptor 4.
        launch = 'exec chromium "$@" 3<&0 4>&1 </dev/null >&2'
        profile = f"--user-data-dir={self.directory / 'profile'}"
        with open(self.stderr, "wb") as stderr:
            self._process = subprocess.Popen(
                ["/bin/sh", "-c", launch, "sh", *FLAGS, profile, "about:blank"],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=stderr, bufsize=0,
                start_new_session=True, **self._as_user())
        return self

    def __exit__(self, kind, value, trace):
        try:
            if kind is None:
                self.call("Browser.close")
                self._process.wait(DEADLINE)
        finally:
            if self._process.returncode is None:
                os.killpg(self._process.pid, signal.SIGKILL)  # with its helpers
                self._process.wait()
            self._process.stdin.close()
            self._process.stdout.close()

    # -- the protocol: JSON, each message ended by a NUL --

    def call(self, method, session=None, **parameters):
        """The result of a command. Events that come before it are kept."""
        self._count += 1
        message = {"id": self._count, "method": method, "params": parameters}
        if session:
            message["sessionId"] = session
        self._process.stdin.write(json.dumps(message).encode() + b"\0")
        answer = self._until(lambda message: message.get("id") == self._count, method)
        if "error" in answer:
            raise AssertionError(f"{method}: {answer['error']}")
        return answer["result"]

    def wait_for(self, method):
        for event in self.events:
            if event["method"] == method:
                return event
        return self._until(lambda message: message.get("method") == method, method)

    def _until(self, wanted, what):
        end = time.monotonic() + DEADLINE
        while True:
            message = self._read(end, what)
            if "method" in message:
                self.events.append(message)
            if wanted(message):
                return message

    def _read(self, end, what):
        pipe = self._process.stdout
        while b"\0" not in self._buffer:
            if not select.select([pipe], [], [], max(0, end - time.monotonic()))[0]:
                raise AssertionError(f"chromium: not within {DEADLINE} s: {what}")
            data = pipe.read(1 << 20)
            if not data:
                said = self.stderr.read_text(encoding="utf-8", errors="replace")
                raise AssertionError(f"chromium has ended before: {what}\n{said[-4000:]}")
            self._buffer += data
        message, _, self._buffer = self._buffer.partition(b"\0")
        return json.loads(message)

    # -- pages --

    def load(self, url, expression):
        """Loads a page and waits until the expression, evaluated in it, has a value."""
        session = self.open(url)
        value = self.evaluate(session, expression)
        return Page(self._responses(session), value)

    def open(self, url, width=1200, height=900):
        """The session of a page that has been loaded. Events of those before are forgotten."""
        self.events.clear()
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        self.call("Page.enable", session)
        self.call("Emulation.setDeviceMetricsOverride", session, width=width, height=height,
                  deviceScaleFactor=1, mobile=False)
        self.call("Network.enable", session, maxTotalBufferSize=1 << 28,
                  maxResourceBufferSize=1 << 26)
        went = self.call("Page.navigate", session, url=url)
        if "errorText" in went:
            raise AssertionError(f"chromium: {url}: {went['errorText']}")
        self.wait_for("Page.loadEventFired")
        return session

    def evaluate(self, session, expression):
        """Its value, or that of the promise that it is."""
        result = self.call("Runtime.evaluate", session, expression=expression, awaitPromise=True,
                           returnByValue=True)
        if "exceptionDetails" in result:
            raise AssertionError(f"chromium: {expression}: {result['exceptionDetails']}")
        return result["result"].get("value")

    def press(self, session, key):
        """A key, by its name in the DevTools protocol: "/", "Enter", "Tab"."""
        codes = {"Enter": ("Enter", 13, "\r"), "Tab": ("Tab", 9, ""), "Escape": ("Escape", 27, "")}
        # The numbers of letters and digits are their own; those of others are other keys'.
        own = ord(key.upper()) if len(key) == 1 and key.isalnum() else 0
        code, number, text = codes.get(key, ("", own, key))
        common = {"key": key, "code": code, "windowsVirtualKeyCode": number}
        self.call("Input.dispatchKeyEvent", session, type="keyDown", text=text, **common)
        self.call("Input.dispatchKeyEvent", session, type="keyUp", **common)

    def screenshot(self, session, path):
        """What is seen, as PNG."""
        picture = self.call("Page.captureScreenshot", session, format="png")
        path.write_bytes(base64.b64decode(picture["data"]))

    def _responses(self, session):
        found = []
        for event in list(self.events):
            parameters = event["params"]
            if event["method"] == "Network.loadingFailed":
                raise AssertionError(f"chromium: {parameters}")
            if event["method"] != "Network.responseReceived":
                continue
            told = parameters["response"]
            if not told["url"].startswith("https:"):
                continue
            body = self.call("Network.getResponseBody", session, requestId=parameters["requestId"])
            decode = base64.b64decode if body["base64Encoded"] else str.encode
            found.append(Response(told["url"], told["status"], told["protocol"],
                                  told["connectionId"], decode(body["body"])))
        return found
