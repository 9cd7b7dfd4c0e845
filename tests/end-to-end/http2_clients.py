"""curl, nghttp, h2load and Node, told to load the resources of many_resources.py over one connection.

Each function runs the client and gives {(host, path): (status, body)}, or what the client can tell.
"""
import json
import re

import harness
from harness import HERE

DEADLINE = 100  # seconds: a failure, however busy the machine


def curl(site, resources, one_name=True):
    """One curl, 50 resources at a time: (its answers, the connections it says it made). With more than
    the server allows streams it would make a second connection instead of waiting.

    curl never asks for one name over the connection of another, so all are asked of a.test, with the
    resource's own host as Host, which curl sends as :authority. Without `one_name` it does as it likes.
    """
    folder = site.directory / f"curl-{one_name}"
    folder.mkdir()
    parts = []
    for number, resource in enumerate(resources):
        name = "a.test" if one_name else resource.host
        parts.append(f'''
            url = "https://{name}:{site.client_port}{resource.path}"
            header = "Host: {site.authority_of(resource)}"
            resolve = "{name}:{site.client_port}:127.0.0.1"
            cacert = "{site.authority.file}"
            output = "{folder}/{number}"
            write-out = "%{{json}}\\n"
            http2''')
    config = folder / "config"
    config.write_text("\nnext".join(parts), encoding="ascii")
    said = harness.run("curl", "-q", "-sS", "--parallel", "--parallel-max", 50, "-K", config,
                       timeout=DEADLINE).stdout
    answers, connections = {}, 0
    for told in map(json.loads, said.splitlines()):
        resource = resources[int(told["filename_effective"].rsplit("/", 1)[1])]
        status = told["http_code"] if told["http_version"] == "2" else f"HTTP/{told['http_version']}"
        with open(told["filename_effective"], "rb") as file:
            answers[resource.host, resource.path] = (status, file.read())
        connections += told["num_connects"]
    return answers, connections


def nghttp(site, resources):
    """One nghttp, which knows one :authority only: all resources are of one host.

    Of two given, the first is the name in TLS and the last is the one that is sent.
    """
    authorities = [f"a.test:{site.client_port}", site.authority_of(resources[0])]
    options = [part for authority in authorities for part in ("-H", f":authority: {authority}")]
    urls = [f"https://127.0.0.1:{site.client_port}{resource.path}" for resource in resources]
    said = harness.run("nghttp", "-v", "-y", *options, *urls, timeout=DEADLINE, encoding="latin-1",
                       errors=None)
    return _parse_nghttp(said.stdout)


_NGHTTP_SAYS = re.compile(r"\[ *\d+\.\d{3}\] (?P<line>(?:Connected|send |recv )[^\n]*)\n"
                          r"(?P<more>(?: {10}[^\n]*\n)*)|The negotiated protocol: [^\n]*\n")


def _parse_nghttp(text):
    """Between its lines stand the bodies: a DATA frame's bytes come before the line about it."""
    asked, status, bodies = {}, {}, {}
    at, pending = 0, ""
    for said in _NGHTTP_SAYS.finditer(text):
        pending += text[at:said.start()]
        at = said.end()
        line, more = said["line"] or "", said["more"] or ""
        stream = re.search(r"stream_id=(\d+)", line)
        if line.startswith("send HEADERS"):
            fields = dict(re.findall(r"^ +(:\w+): (.*)$", more, re.MULTILINE))
            asked[stream[1]] = (fields[":authority"].split(":")[0], fields[":path"])
        elif found := re.search(r"\) :status: (\d+)$", line):
            status[stream[1]] = int(found[1])
        elif line.startswith("recv DATA"):
            if len(pending) != int(re.search(r"length=(\d+)", line)[1]):
                raise AssertionError(f"nghttp: {len(pending)} bytes before {line}")
            bodies[stream[1]] = bodies.get(stream[1], "") + pending
            pending = ""
    return {what: (status.get(stream), bodies.get(stream, "").encode("latin-1"))
            for stream, what in asked.items()}


def h2load(site, resources):
    """One h2load with one client. It keeps no body: {what it counted}.

    It, too, knows one :authority only; the name in TLS is a.test.
    """
    uris = site.directory / "uris"
    uris.write_text("".join(f"https://a.test:{site.client_port}{resource.path}\n"
                            for resource in resources), encoding="ascii")
    said = harness.run("h2load", "-c", 1, "-m", 100, "-n", len(resources), "-i", uris,
                       "--connect-to", f"127.0.0.1:{site.client_port}", "-H",
                       f":authority: {site.authority_of(resources[0])}", timeout=DEADLINE).stdout
    return {
        "protocol": re.search(r"^Application protocol: (\S+)$", said, re.MULTILINE)[1],
        "succeeded": int(re.search(r"\b(\d+) succeeded\b", said)[1]),
        "2xx": int(re.search(r"^status codes: (\d+) 2xx\b", said, re.MULTILINE)[1]),
        "data": int(re.search(r"\((\d+)\) data$", said, re.MULTILINE)[1]),
    }


def node(site, resources):
    """One Node with one session: (its answers, its sessions, their protocol)."""
    task = {"address": "127.0.0.1", "port": site.client_port, "server": "a.test",
            "ca": str(site.authority.file),
            "requests": [{"host": resource.host, "path": resource.path} for resource in resources]}
    told = json.loads(harness.run("node", HERE / "http2_client.js", input=json.dumps(task),
                                  timeout=DEADLINE).stdout)
    answers = {(one["host"], one["path"]): (one["status"], one["body"].encode("latin-1"))
               for one in told["answers"]}
    return answers, told["sessions"], told["protocol"]
