"""What XAPI means by INTERNAL_ERROR: an OCaml exception, printed; the cause is inside.

Grammar of the arguments as xapi prints them: atoms S(text) I(number) B() F() D() N, lists [a;b],
and a constructor is the list [S(Name);arguments…] (XAPI A11). A text may hold an exception again.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

CODE = "INTERNAL_ERROR"


@dataclass(frozen=True, slots=True)
class Cause:
    """The innermost exception by its constructor's name, with its arguments as texts."""

    name: str
    arguments: tuple[str, ...] = ()


# xapi's and xenopsd's own sentences, and exceptions whose arguments are no such lists.
_SENTENCES = (
    ("Synchronisation_point", re.compile(r"Synchronisation point (\d+)")),
    ("Does_not_exist", re.compile(r"Object with type (\w+) and id (\S+) does not exist")),
    ("Sys_error", re.compile(r"Sys_error\(\\*\"?([^\")\\]*)")),
    ("Server_error", re.compile(r"Server_error\((\w+)")),
    ("Sr_not_attached", re.compile(r"Sr_not_attached\(([^)]*)\)")),
)
_CALLED = re.compile(r"(?:\w+\.)*([A-Z]\w*)\((.*)\)\s*$", re.DOTALL)
_BARE = re.compile(r"[A-Z]\w+")
# They say only that something else went wrong.
_WRAPPERS = frozenset({"Internal_error", "Storage_error", "Xenopsd_error", "Remote_failed"})


def cause(error: Sequence[str]) -> Cause | None:
    """Return what is behind an INTERNAL_ERROR; None for another code or a text without a name."""
    if len(error) < 2 or error[0] != CODE:
        return None
    return _of_text(error[1])


def _of_text(text: str) -> Cause | None:
    for name, sentence in _SENTENCES:
        found = sentence.search(text)
        if found and name == "Server_error":  # an API error inside: its code is the cause
            return Cause(found.group(1))
        if found:
            return Cause(name, found.groups())
    start = text.find("[S(")
    return _of_list(text[start:]) if start >= 0 else _of_call(text)


def _of_list(text: str) -> Cause | None:
    name, *arguments = _atoms(text)
    if name in _WRAPPERS and arguments:
        return _of_text(arguments[0]) or Cause(name, tuple(arguments))
    return Cause(name, tuple(arguments)) if name else None


def _of_call(text: str) -> Cause | None:
    """Read OCaml's own notation, such as Domain.Emu_manager_failure("…"), or a bare name."""
    found = _CALLED.search(text)
    if found:
        return Cause(found.group(1), (found.group(2).strip('"\\'),))
    word = text.rpartition(": ")[2].strip()
    return Cause(word) if _BARE.fullmatch(word) else None


def _atoms(text: str) -> Iterator[str]:
    """Yield the texts of all atoms in order, whatever lists they are in."""
    place = 0
    while place < len(text) - 1:
        if text[place].isupper() and text[place + 1] == "(":
            end = _closing(text, place + 1)
            yield text[place + 2 : end]
            place = end
        place += 1


def _closing(text: str, opening: int) -> int:
    """Return where the bracket at `opening` is closed, or the end of a text that was cut."""
    depth = 0
    for place in range(opening, len(text)):
        depth += (text[place] == "(") - (text[place] == ")")
        if depth == 0:
            return place
    return len(text)
