"""Commands that the pages tell a reader to type, with what they say is printed."""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PROGRAMS = ("ferryctl", "grpcurl", "xenferry-hostagent")
ELLIPSIS = "…"
"""A line of a page that stands for any number of lines."""

_FENCED = re.compile(r"^ *```\n(.*?)^ *```$", re.M | re.S)
_INLINE = re.compile(r"`((?:ferryctl|xenferry-hostagent) [^`]+)`")
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_TIME = re.compile(r"\d\d:\d\d:\d\d(\.\d+)?")
_DURATION = re.compile(r"\d+(\.\d+)? s\b")


@dataclass(frozen=True, slots=True)
class Command:
    """A command line of a page; `printed` is empty where the page shows no output."""

    words: tuple[str, ...]
    printed: str = ""


def pages() -> list[Path]:
    """Return every page of the documentation."""
    return sorted(ROOT.glob("*.md")) + sorted((ROOT / "docs").rglob("*.md"))


def fenced(page: Path) -> list[Command]:
    """Return the commands of a page's fenced blocks, in their order."""
    text = page.read_text()
    return [command for block in _FENCED.findall(text) for command in _of_block(block)]


def inline(page: Path) -> list[tuple[str, ...]]:
    """Return the words of each command that stands within a sentence of a page."""
    return [tuple(shlex.split(line)) for line in _INLINE.findall(page.read_text())]


def masked(text: str) -> str:
    """Return an output without what differs each time: ids, times, columns' widths."""
    for pattern, name in ((_UUID, "UUID"), (_TIME, "TIME"), (_DURATION, "SECONDS")):
        text = pattern.sub(name, text)
    return "\n".join(" ".join(line.split()) for line in text.splitlines() if line.strip())


def agrees(printed: str, shown: str) -> bool:
    """Tell whether an output is, ids and times apart, what a page prints."""
    parts = [re.escape(line) + "\n" for line in masked(printed).splitlines()]
    pattern = "".join(r"(?:.*\n)*?" if ELLIPSIS in part else part for part in parts)
    return re.fullmatch(pattern, masked(shown) + "\n") is not None


def _of_block(block: str) -> Iterator[Command]:
    words: tuple[str, ...] = ()
    printed: list[str] = []
    for line in block.replace("\\\n", " ").splitlines():
        typed = _typed(line)
        if typed and words:
            yield Command(words, "\n".join(printed))
        if typed:
            words, printed = typed, []
        else:
            printed.append(line)
    if words:
        yield Command(words, "\n".join(printed))


def _typed(line: str) -> tuple[str, ...]:
    """Return the words of a line that is typed; a word in brackets may be left out, and is."""
    line = line.strip().removeprefix("$ ")
    if line.partition(" ")[0] not in PROGRAMS:
        return ()
    words = shlex.split(line, comments=True)
    return tuple(word for word in words if not word.startswith("["))
