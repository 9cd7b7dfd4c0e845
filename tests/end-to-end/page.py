"""A page of docs/: its files and commands in order, exactly as printed.

A fenced block behind a line that ends in "`PATH`:" (or consists of it) is that file; other sh blocks are
commands of the administrator's, and a text block behind one is all that it prints. Blocks of other kinds
are there to be read.
"""
import dataclasses
import os
import pathlib
import re
import shutil
import subprocess
import time

_PATIENCE = 20  # seconds for one block of commands, and for what they print
CHECKOUT = pathlib.Path(__file__).resolve().parent.parent.parent
_HEADING = re.compile(r"#+ (?P<heading>[^\n]*)\n")
_BLOCK = re.compile(r"(?:^`(?P<path>/[^`\n]+)`:\n\n)?^```(?P<kind>\w+)\n(?P<text>.*?)^```$",
                    re.MULTILINE | re.DOTALL)


@dataclasses.dataclass
class Block:
    path: str | None  # of the file that it is
    kind: str         # what stands behind the fence: sh, json, ...
    text: str
    heading: str      # of the section that it is in

    def is_command(self):
        return self.kind == "sh" and self.path is None


def blocks(name):
    """Those of docs/NAME.md."""
    text = (CHECKOUT / "docs" / f"{name}.md").read_text(encoding="utf-8")
    found = []
    at, heading = 0, ""
    for match in _BLOCK.finditer(text):
        for line in text[at:match.start()].splitlines(keepends=True):
            if begins := _HEADING.fullmatch(line):
                heading = begins["heading"]
        found.append(Block(match["path"], match["kind"], match["text"], heading))
        at = match.end()
    return found


class Walk:
    """Does what a page says, section by section, as root of a machine of its own (machine.enter())."""

    def __init__(self, name, environment):
        self.environment = {**os.environ, **environment}
        self.blocks = [block for block in blocks(name)
                       if block.path is not None or block.kind in ("sh", "text")]
        self.left = {block.heading for block in self.blocks}

    def section(self, heading):
        """Its files and commands, in order. Where the page says what they print, they must."""
        found = [block for block in self.blocks if block.heading == heading]
        assert found, f"nothing to do in a section {heading!r}"
        self.left.discard(heading)
        for block, following in zip(found, [*found[1:], None]):
            if block.path is not None:
                _write(pathlib.Path(block.path), block.text)
            elif block.is_command():
                says = following.text if following is not None and following.kind == "text" else None
                self._run(block.text, says)

    def end(self):
        """Nothing was left out."""
        assert not self.left, f"not done: {self.left}"

    def _run(self, text, says):
        """Where it prints something else, once more: a log, for instance, is written when there is time."""
        end = time.monotonic() + _PATIENCE
        while True:
            done = subprocess.run(["/bin/sh", "-euc", text], cwd=CHECKOUT, env=self.environment, text=True,
                                  check=False, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, timeout=_PATIENCE)
            assert done.returncode == 0, f"{text}ended with {done.returncode}:\n{done.stdout}"
            if says is None or _matches(says, done.stdout):
                return
            assert time.monotonic() < end, f"{text}printed:\n{done.stdout}but the page says:\n{says}"


def _write(path, text):
    """In a home, as its user would."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    if path.parts[1] == "home":
        for made in (path, *path.parents[:-3]):
            shutil.chown(made, path.parts[2], path.parts[2])


def _matches(says, printed):
    """An ellipsis stands for anything within its line."""
    return re.fullmatch(re.escape(says).replace("…", ".*"), printed) is not None
