"""Figures and lists as people read them."""

from collections.abc import Iterable

MIB = 1024 * 1024


def mib(size_bytes: int) -> str:
    """Return a size like "1,024 MiB"."""
    return f"{size_bytes // MIB:,} MiB"


def listed(names: Iterable[str]) -> str:
    """Return "a, b and c"."""
    told = list(names)
    return " and ".join(filter(None, (", ".join(told[:-1]), *told[-1:])))
