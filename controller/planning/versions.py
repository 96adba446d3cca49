"""Versions, compared part by part as numbers, because 6.10 is newer than 6.9."""

import functools
import re

from controller.model.inventory import SoftwareVersion

COMPARED = ("platform_version", "xapi_build", "xen")


@functools.lru_cache(1024)
def key(version: str) -> tuple[int, ...]:
    """Return what orders versions: their numbers, trailing zeros left off, so that 6.1 = 6.1.0."""
    numbers = [int(number) for number in re.findall(r"[0-9]+", version)]
    while numbers and numbers[-1] == 0:
        numbers.pop()
    return tuple(numbers)


def comparable(one: str, other: str) -> bool:
    """Whether both are told; hosts before 6.2 have no xapi_build."""
    return _told(one) and _told(other)


@functools.lru_cache(1024)
def _told(version: str) -> bool:
    return re.search(r"[0-9]", version) is not None


def older_parts(dest: SoftwareVersion, source: SoftwareVersion) -> tuple[str, ...]:
    """Return the names of the parts of which the destination's is older."""
    return tuple(
        part
        for part in COMPARED
        if comparable(getattr(dest, part), getattr(source, part))
        and key(getattr(dest, part)) < key(getattr(source, part))
    )


def untold_parts(dest: SoftwareVersion, source: SoftwareVersion) -> tuple[str, ...]:
    """Return the names of the parts that can't be compared, because a side does not tell."""
    return tuple(
        part for part in COMPARED if not comparable(getattr(dest, part), getattr(source, part))
    )
