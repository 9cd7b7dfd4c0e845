"""Reads tests/proxy/corpus, whose README.md gives the syntax, so that one table serves the unit tests
and the tests of whole programs."""
import dataclasses
import pathlib
import re

CORPUS = pathlib.Path(__file__).resolve().parent.parent / "proxy" / "corpus"
CLIENT = b"127.0.0.1"  # where the corpus says 192.0.2.7

REQUEST_KEYWORDS = {"why", "in", "worker", "worker-cut", "worker-some", "client", "reply", "heads", "eof",
                    "pending", "unannounced"}
RESPONSE_KEYWORDS = {"why", "request", "in", "eof", "rest", "client", "worker"}

GROUP = rb"\{((?:\\.|[^\\}])*)\}"
ESCAPE = re.compile(rb"\\rep" + GROUP + GROUP + rb"|\\fwd" + GROUP + rb"|\\(date)|\\x([0-9a-fA-F]{2})"
                    rb"|\\([rnts0\\{}])|([^\\]+)|(\\)")
PLAIN = {b"r": b"\r", b"n": b"\n", b"t": b"\t", b"s": b" ", b"0": b"\0"}


@dataclasses.dataclass
class Section:
    keyword: str
    arguments: list
    data: bytes = b""
    has_data: bool = False


@dataclasses.dataclass
class Case:
    name: str
    place: str  # file:line
    sections: list

    def all(self, *keywords):
        return [section for section in self.sections if section.keyword in keywords]

    def find(self, keyword):
        return next(iter(self.all(keyword)), None)

    def has(self, keyword):
        return self.find(keyword) is not None

    def data(self, keyword, default=b""):
        section = self.find(keyword)
        return section.data if section else default


def expand(text, place):
    """The bytes that a data line stands for."""
    out = b""
    for count, repeated, host, date, code, plain, literal, stray in ESCAPE.findall(text):
        if stray:
            raise ValueError(f"{place}: unknown escape in {text}")
        if count:
            out += expand(repeated, place) * int(count)
        elif host:
            out += (b"X-Forwarded-For: %s\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: %s\r\n"
                    b"Forwarded: for=%s;host=\"%s\";proto=https\r\n" % (CLIENT, host, CLIENT, host))
        elif code:
            out += bytes([int(code, 16)])
        else:
            out += literal or (b"Date: @\r\n" if date else PLAIN.get(plain, plain))
    return out


def parse(text, file, keywords):
    """The cases of one file's text. What is malformed raises: no case may silently not be run."""
    cases = []
    for number, line in enumerate(text.split(b"\n"), 1):
        place = f"{file}:{number}"
        if not line or line.startswith(b"#"):
            continue
        if line.startswith(b"== "):
            cases.append(Case(line[3:].decode("latin-1"), place, []))
        elif line.startswith(b"  "):
            section = cases[-1].sections[-1]
            section.data += expand(line[2:], place)
            section.has_data = True
        else:
            keyword, *arguments = line.decode("latin-1").split()
            if keyword not in keywords:
                raise ValueError(f"{place}: unknown keyword {keyword}")
            cases[-1].sections.append(Section(keyword, arguments))
    return cases


def load(folder, keywords):
    cases = []
    for path in sorted((CORPUS / folder).glob("*.txt")):
        cases += parse(path.read_bytes().replace(b"192.0.2.7", CLIENT), path.name, keywords)
    return cases
