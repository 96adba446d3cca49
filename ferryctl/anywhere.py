"""The global options, accepted before and after the command.

Typer takes them before the command only; `ferryctl hosts -o json` is what fingers type.
"""

from collections.abc import Sequence
from typing import Any

from typer.core import TyperGroup

VALUED = frozenset(
    ("--controller", "--ca", "--certificate", "--key", "--output", "-o", "--timeout")
)


def hoisted(words: Sequence[str]) -> list[str]:
    """Return a command line with its global options moved to the front, in their order."""
    front: list[str] = []
    rest: list[str] = []
    queue = list(words)
    while queue:
        word = queue.pop(0)
        if word == "--":
            return [*front, *rest, word, *queue]
        if word in VALUED and queue:
            front += [word, queue.pop(0)]
        elif word.split("=", 1)[0] in VALUED or word in ("-ojson", "-otable"):
            front.append(word)
        else:
            rest.append(word)
    return [*front, *rest]


class Group(TyperGroup):
    """A command group that takes its options anywhere on the line."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse a command line after moving the global options to its front."""
        return super().parse_args(ctx, hoisted(args))
