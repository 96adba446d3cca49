"""Reads a table of a TOML world key by key; what is wrong or unknown is refused with its place."""

import re
from collections.abc import Iterator
from typing import TypeVar

from xapisim.errors import WorldError
from xapisim.values import Value

_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*(B|KiB|MiB|GiB|TiB)")
_UNITS = {"B": 1, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "TiB": 2**40}
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_MAC = re.compile(r"[0-9a-f]{2}(:[0-9a-f]{2}){5}")
_MISSING = object()
T = TypeVar("T")


class Keys:
    """Every reading method takes the key's default; without one the key must be there."""

    def __init__(self, place: str, table: Value) -> None:
        """`place` is the file alone for the top of the file, else `file: path.of.keys`."""
        if not isinstance(table, dict):
            raise WorldError(place, "a table expected")
        self.place = place
        self._table = table
        self._known: set[str] = set()

    def __contains__(self, key: str) -> bool:
        return key in self._table

    def _take(self, key: str, default: object) -> Value:
        self._known.add(key)
        value = self._table.get(key, default)
        if value is _MISSING:
            raise WorldError(self._inside(key), "is missing")
        return value

    def wrong(self, key: str, expected: str) -> WorldError:
        given = self._table.get(key)
        return WorldError(self._inside(key), f"{expected} expected, got {given!r}")

    def text(self, key: str, default: object = _MISSING) -> str:
        value = self._take(key, default)
        if not isinstance(value, str) or (not value and default is _MISSING):
            raise self.wrong(key, "a text")
        return value

    def one_of(self, key: str, words: tuple[str, ...], default: object = _MISSING) -> str:
        value = self._take(key, default)
        if value not in words:
            raise self.wrong(key, f"one of {', '.join(words)}")
        return str(value)

    def flag(self, key: str, default: object = _MISSING) -> bool:
        value = self._take(key, default)
        if not isinstance(value, bool):
            raise self.wrong(key, "true or false")
        return value

    def whole(self, key: str, default: object = _MISSING) -> int:
        value = self._take(key, default)
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            raise self.wrong(key, "a whole number from 1")
        return value

    def number(self, key: str, default: object = _MISSING) -> float:
        value = self._take(key, default)
        if not isinstance(value, int | float) or isinstance(value, bool) or value < 0:
            raise self.wrong(key, "a number from 0")
        return float(value)

    def size(self, key: str, default: object = _MISSING) -> int:
        """Bytes from a text such as "4 GiB"."""
        value = self._take(key, default)
        found = _SIZE.fullmatch(value) if isinstance(value, str) else None
        if found is None:
            raise self.wrong(key, 'a size such as "4 GiB"')
        return int(float(found[1]) * _UNITS[found[2]])

    def uuid(self, derived: str) -> str:
        value = self._take("uuid", derived)
        if not isinstance(value, str) or not _UUID.fullmatch(value):
            raise self.wrong("uuid", "a uuid in lower case")
        return value

    def mac(self, derived: str) -> str:
        value = self._take("mac", derived)
        if not isinstance(value, str) or not _MAC.fullmatch(value):
            raise self.wrong("mac", 'an address such as "aa:bb:cc:00:11:22"')
        return value

    def texts(self, key: str, default: object = _MISSING) -> list[str]:
        """A list of texts; one text stands for a list of one."""
        value = self._take(key, default)
        if isinstance(value, str):
            return [value]
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise self.wrong(key, "a list of texts")
        return value

    def text_map(self, key: str) -> dict[str, str]:
        value = self._take(key, {})
        if not isinstance(value, dict) or not all(isinstance(x, str) for x in value.values()):
            raise self.wrong(key, "a table of texts")
        return value

    def tables(self, key: str) -> Iterator["Keys"]:
        """The tables of an array of tables, each with its own place."""
        value = self._take(key, [])
        if not isinstance(value, list):
            raise self.wrong(key, f"an array of tables, [[{key}]],")
        for number, table in enumerate(value):
            yield Keys(f"{self._inside(key)}[{number}]", table)

    def table(self, key: str) -> "Keys":
        return Keys(self._inside(key), self._take(key, _MISSING))

    def _inside(self, key: str) -> str:
        return f"{self.place}.{key}" if ": " in self.place else f"{self.place}: {key}"

    def items(self, key: str) -> list[Value]:
        value = self._take(key, [])
        if not isinstance(value, list):
            raise self.wrong(key, "a list")
        return value

    def look_up(self, key: str, name: str, known: dict[str, T]) -> T:
        """What the name stands for among things of this world."""
        if name not in known:
            names = ", ".join(known) or "none"
            raise WorldError(self._inside(key), f"one of {names} expected, got {name!r}")
        return known[name]

    def done(self) -> None:
        unknown = [key for key in self._table if key not in self._known]
        if unknown:
            known = ", ".join(sorted(self._known))
            raise WorldError(self._inside(unknown[0]), f"unknown key; known are {known}")
