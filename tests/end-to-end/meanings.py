"""The table of meanings that HTTP/1.1 and HTTP/2 share: the corpus of tests/proxy/corpus, what it leaves
to whole programs (meanings_more.py), and everything that may differ between the protocols, each with its
reason. What stands nowhere here must be equal."""
import dataclasses
from typing import Any, Callable

import meanings_answers
import meanings_corpus
import meanings_http2
import meanings_more
from meanings_http2 import NoCounterpart
from meanings_worker import Script

SITES = {"a.test": "alice", "b.test": "bob", "*.w.test": "carol", "t.test": "trusting"}

# ---- what HTTP/2 cannot say ------------------------------------------------------------------------

WITHOUT_COUNTERPART = {
    "version": "a request of HTTP/2 has no version",
    "lines": "HTTP/2 has no lines: what is wrong with their ends or begins cannot be said",
    "chunks": "the chunked coding is HTTP/1.1's (RFC 9113 8.1); what is wrong with it cannot be said",
    "independent": "streams do not depend on what was said on the connection before",
    "host": ":authority is both the target's authority and Host (RFC 9113 8.3.1): none of them can lack",
    "half": "who ends its side of an HTTP/2 connection cannot take an answer: no window can be opened",
}

# ---- what HTTP/2 is stricter about -----------------------------------------------------------------

# Request: (what HTTP/2 answers, why). "malformed" is RST_STREAM with PROTOCOL_ERROR.
STRICTER = {
    "CONNECT with a path": ("malformed", "RFC 9113 8.5: CONNECT has no :path"),
    "trailers": ("malformed", "nghttp2 takes a Content-Length among trailers for the body's; HTTP/1.1 drops "
                              "it. RFC 9110 6.5.1: nobody may send one there"),
    "a head of 32768 bytes": (431, "RFC 9113 6.5.2: a field counts 32 bytes more than name and value"),
    "a request line without an end and a space": ("malformed", "wrong twice; the space is seen first"),
    "a head that is too large and has a bare LF behind the limit":
        ("malformed", "wrong twice; the LF is seen first"),
}


# ---- what differs at the worker --------------------------------------------------------------------


@dataclasses.dataclass
class Difference:
    what: str
    why: str
    apply: Callable       # makes what is right in HTTP/2 of what is right in HTTP/1.1
    of_both: bool = False  # to be taken out of what HTTP/2 gave as well
    used: int = 0


def change_fields(data, change):
    """Changes the lines of the client's own fields, which stand between Host and X-Forwarded-For."""
    head, end, body = data.partition(b"\r\n\r\n")
    lines = head.split(b"\r\n")
    marks = [at for at, line in enumerate(lines) if line.startswith(b"X-Forwarded-For: ")]
    if not marks:
        return data
    lines[2:marks[0]] = change(lines[2:marks[0]])
    return b"\r\n".join(lines) + end + body


def lower_names(lines):
    parts = [line.partition(b":") for line in lines]
    return [name.lower() + colon + value for name, colon, value in parts]


def join_cookies(lines):
    cookies = [line[8:] for line in lines if line.startswith(b"cookie: ")]
    others = [line for line in lines if not line.startswith(b"cookie: ")]
    return others + ([b"cookie: " + b"; ".join(cookies)] if cookies else [])


def without_key(data):
    if b"\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" not in data:
        return data
    return change_fields(data, lambda lines: [line for line in lines
                                              if not line.startswith(b"sec-websocket-key: ")])


AT_THE_WORKER = [
    Difference("names are in lower case", "RFC 9113 8.2.1: HTTP/2 has no others; equal by RFC 9110 5.1",
               lambda data: change_fields(data, lower_names)),
    Difference("one Cookie field, behind the others",
               "RFC 9113 8.2.3: crumbs are joined; RFC 9110 5.3: the order of different names has no meaning",
               lambda data: change_fields(data, join_cookies)),
    Difference("Sec-WebSocket-Key is not the client's", "RFC 8441 5: it has none, so dmpm makes one",
               without_key, of_both=True),
]

# ---- what differs at the client --------------------------------------------------------------------
# Besides: reason phrases are not compared, since HTTP/2 has none (RFC 9113 8.3.2); nor whether the
# connection is closed behind a whole answer, which is GOAWAY's matter (6.8). A request that is rejected
# with 400 may be malformed for HTTP/2 itself: then it is a stream error (8.1.1). Of an answer that breaks
# off any part may arrive, but no end: RST_STREAM overtakes what has not left yet.


def change_all_fields(seen, change):
    return dataclasses.replace(
        seen, interim=[(status, change(fields)) for status, fields in seen.interim],
        fields=None if seen.fields is None else change(seen.fields), trailers=change(seen.trailers))


def accept_upgrade(seen):
    if seen.status != 101:
        return seen
    fields = [(n, v) for n, v in seen.fields if n not in (b"upgrade", b"sec-websocket-accept")]
    return dataclasses.replace(seen, status=200, fields=[*fields, (b"date", b"@")])


AT_THE_CLIENT = [
    Difference("names are in lower case", "RFC 9113 8.2.1",
               lambda seen, _: change_all_fields(seen, lambda fields: [(n.lower(), v) for n, v in fields])),
    Difference("no Connection and no Transfer-Encoding", "RFC 9113 8.2.2: frames do what they do",
               lambda seen, _: change_all_fields(
                   seen, lambda fields: [(n, v) for n, v in fields
                                         if n not in (b"connection", b"transfer-encoding")])),
    Difference("a 2xx of a worker that does not upgrade is 502",
               "RFC 8441 5: it would say that the WebSocket is open",
               lambda seen, request: dataclasses.replace(seen, status=502)
               if request.tunnel and 200 <= seen.status < 300 else seen),
    Difference("101 is 200, without Upgrade and Sec-WebSocket-Accept, and so with a Date", "RFC 8441 5",
               lambda seen, request: accept_upgrade(seen) if request.tunnel else seen),
]


def translated(value, differences, *more):
    """What is right in HTTP/2, of what is right in HTTP/1.1."""
    for difference in differences:
        before, value = value, difference.apply(value, *more)
        difference.used += value != before
    return value


# ---- the cases -------------------------------------------------------------------------------------


@dataclasses.dataclass
class Meaning:
    case: Any
    raw: bytes            # HTTP/1.1
    rest: bytes           # what the client sends when the worker has answered
    requests: list        # both in HTTP/2
    script: Script
    heads: list           # the numbers of the answers that answer HEAD
    goes_away: bool = False  # the client, in the middle of its request
    stricter: Any = None  # what HTTP/2 answers instead
    excluded: str = None  # a key of WITHOUT_COUNTERPART

    @property
    def name(self):
        return f"{self.case.place} {self.case.name}"

    @property
    def expected_text(self):
        return " ".join(self.case.find("client").arguments)


def make(case, raw, rest, statuses, script, heads):
    meaning = Meaning(case, raw, rest, [], script, heads)
    try:
        meaning.requests = meanings_http2.translate(raw + rest, statuses)
        if rest:
            script.early = len(meanings_http2.translate(raw, statuses)[0].body or b"")
    except NoCounterpart as problem:
        meaning.excluded = problem.args[0]
    return meaning


def finals(case):
    """The statuses of the final answers; 200 stands for that to a request that is never complete."""
    statuses = [int(word) for word in case.find("client").arguments if word.isdigit()]
    return [status for status in statuses if status >= 200 or status == 101] or [200]


def request_meaning(case):
    heads = [int(word) for word in (case.find("heads") or meanings_corpus.Section("", [])).arguments]
    script = Script([section.data for section in case.all("reply")])
    meaning = make(case, case.data("in"), b"", finals(case), script, heads)
    meaning.stricter = STRICTER.get(case.name, (None,))[0]
    meaning.goes_away = case.has("eof")
    if meaning.goes_away and meaning.requests and all(each.complete for each in meaning.requests):
        meaning.excluded = "half"
    return meaning


def response_meaning(case):
    raw = case.data("request", b"GET / HTTP/1.1\r\nHost: a.test\r\n\r\n")
    # However it is answered, the request itself is good.
    status = 101 if "101" in case.find("client").arguments else 200
    heads = [1] if raw.startswith(b"HEAD ") else []
    replies = [case.data("in"), *(section.data for section in case.all("reply"))]
    script = Script(replies, case.has("eof"))
    return make(case, raw, case.data("rest"), [status], script, heads)


REQUESTS = [request_meaning(case) for case in
            meanings_corpus.load("requests", meanings_corpus.REQUEST_KEYWORDS) +
            meanings_more.requests()]
RESPONSES = [response_meaning(case) for case in
             meanings_corpus.load("responses", meanings_corpus.RESPONSE_KEYWORDS) +
             meanings_answers.responses()]
