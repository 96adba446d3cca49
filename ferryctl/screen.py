"""The consoles: results on stdout, everything else on stderr, at most 100 columns when piped."""

import sys

from rich.console import Console
from rich.table import Table
from rich.text import Text

WIDTH = 100


def _console(stderr: bool) -> Console:
    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() else WIDTH
    return Console(stderr=stderr, width=width, markup=False, highlight=False, emoji=False)


def out() -> Console:
    """Return the console of results."""
    return _console(stderr=False)


def err() -> Console:
    """Return the console of complaints and remarks."""
    return _console(stderr=True)


def table(*columns: str, fixed: tuple[str, ...] = ()) -> Table:
    """Return an empty table; `fixed` columns are never wrapped or cut."""
    grid = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for column in columns:
        grid.add_column(column, no_wrap=column in fixed, overflow="fold")
    return grid


def is_terminal() -> bool:
    """Tell whether a person watches stdout."""
    return sys.stdout.isatty()


def say(text: str, style: str = "") -> None:
    """Write a sentence for people to stdout."""
    out().print(Text(text, style=style), soft_wrap=True)


def remark(text: str, style: str = "") -> None:
    """Write a sentence for people to stderr."""
    err().print(Text(text, style=style), soft_wrap=True)
