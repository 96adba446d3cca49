"""Compares a recorded reply with a new one.

Handles that are new in a recording are labels (`$task1`), which stand for whatever the server calls
that object: the first reply that shows one binds it, and from then on it has to stay the same.
"""

import json
import re
from collections.abc import MutableMapping
from dataclasses import dataclass, field
from typing import Any

_LABEL = re.compile(r"\$[a-zA-Z_]+\d*")
_DATE = re.compile(r"\d{8}T\d\d:\d\d:\d\dZ")
_EVENT_TOKEN = re.compile(r"\d{20},\d{20}")
_TRACKED = re.compile(r"trackid=[0-9a-f]{32}")
UNCOMPARED = frozenset(
    {
        "last_active",
        "validation_time",
        "timestamp",
        "id",
        "domid",
        "valid_ref_counts",
        "progress",
        "location",
        "debug_info:cancel_points_seen",
        "generation_id",
    }
)
"""Members whose values depend on clocks and on what happened before; their types are compared."""
REDACTED = "(redacted)"
OF_THE_STAND_INS = frozenset({"last_boot_CPU_flags", "virtual_allocation", "physical_utilisation"})
"""Members that the recorded pool's stand-ins for hypervisor and storage made up."""
_ORDERED = frozenset({"ErrorDescription", "error", "data", "error_info"})


@dataclass(frozen=True, slots=True)
class Difference:
    place: str
    want: Any
    got: Any

    def __str__(self) -> str:
        return f"{self.place or 'reply'}: want {self.want!r:.300}, got {self.got!r:.300}"


@dataclass(slots=True)
class Matcher:
    """`bound` maps labels to what this server says instead, `addresses` those of the recorded hosts
    to where the simulator's are, `generations` those in recorded event tokens to its own.
    """

    bound: dict[str, Any] = field(default_factory=dict)
    addresses: dict[str, str] = field(default_factory=dict)
    generations: MutableMapping[int, int] = field(default_factory=dict)

    def fill(self, value: Any) -> Any:
        """The recorded value with what is bound in place of its labels."""
        if isinstance(value, dict):
            return {self.fill(name): self.fill(item) for name, item in value.items()}
        if isinstance(value, list):
            return [self.fill(item) for item in value]
        if not isinstance(value, str):
            return value
        if value in self.bound:
            return self.bound[value]
        if _EVENT_TOKEN.fullmatch(value):
            return self._token(value)
        return _LABEL.sub(lambda found: str(self.bound.get(found[0], found[0])), value)

    def _token(self, recorded: str) -> str:
        """Up to where this server was when the recorded one was there."""
        own = []
        for part in map(int, recorded.split(",")):
            known = [generation for generation in self.generations if generation <= part]
            own.append(self.generations[max(known)] if known else 0)
        return ",".join(f"{generation:020d}" for generation in own)

    def compare(self, want: Any, got: Any, place: str = "") -> Difference | None:
        """The first difference; binds labels on its way, those before a difference too."""
        name = place.rpartition("/")[2]
        if name in OF_THE_STAND_INS:
            return None
        if type(want) is not type(got):
            return Difference(place, self.fill(want), got)
        if isinstance(want, str):
            return self._text(want, got, place)
        return None if name in UNCOMPARED else self._inside(want, got, place)

    def _inside(self, want: Any, got: Any, place: str) -> Difference | None:
        if isinstance(want, dict):
            return self._members(want, got, place)
        if isinstance(want, list):
            ordered = place.rpartition("/")[2] in _ORDERED
            return self._row(want, got, place) if ordered else self._set(want, got, place)
        return None if want == got else Difference(place, want, got)

    def learn(self, want: Any, got: Any) -> None:
        """Binds what labels it can and compares nothing."""
        if isinstance(want, dict) and isinstance(got, dict):
            for name, item in want.items():
                self.learn(item, got.get(self.fill(name)))
        elif isinstance(want, list) and isinstance(got, list) and len(want) == len(got) == 1:
            self.learn(want[0], got[0])
        elif isinstance(want, str) and isinstance(got, str):
            self._text(want, got, "")

    def _text(self, want: str, got: str, place: str) -> Difference | None:
        filled = self.fill(want)
        if _EVENT_TOKEN.fullmatch(want) and _EVENT_TOKEN.fullmatch(got):
            parts = zip(want.split(","), got.split(","), strict=True)
            self.generations.update((int(one), int(other)) for one, other in parts)
            return None
        if want == REDACTED or filled == got or self.addresses.get(want) == got:
            return None
        if place.rpartition("/")[2] in UNCOMPARED or _same_kind(filled, got):
            return None
        unbound = [label for label in _LABEL.findall(want) if label not in self.bound]
        found = re.fullmatch(_LABEL.sub("(.+)", re.escape(str(filled)).replace(r"\$", "$")), got)
        if not unbound or found is None:
            return Difference(place, filled, got)
        self.bound.update(zip(unbound, found.groups(), strict=True))
        return None

    def _members(self, want: dict[str, Any], got: dict[str, Any], place: str) -> Difference | None:
        left = dict(got)
        unknown = []
        for name, item in want.items():
            filled = self.fill(name)
            if filled not in left:
                unknown.append(name)
            elif difference := self.compare(item, left.pop(filled), f"{place}/{filled}"):
                return difference
        if len(unknown) != len(left):
            return Difference(place, [*map(self.fill, unknown)], list(left))
        return self._pairs([(name, want[name]) for name in unknown], list(left.items()), place)

    def _pairs(
        self, want: list[tuple[str, Any]], got: list[tuple[str, Any]], place: str
    ) -> Difference | None:
        """Members whose names are labels not yet bound."""
        return self._set([list(pair) for pair in want], [list(pair) for pair in got], place)

    def _row(self, want: list[Any], got: list[Any], place: str) -> Difference | None:
        if len(want) != len(got):
            return Difference(place, self.fill(want), got)
        for number, (one, other) in enumerate(zip(want, got, strict=True)):
            if difference := self.compare(one, other, f"{place}/{number}"):
                return difference
        return None

    def _set(self, want: list[Any], got: list[Any], place: str) -> Difference | None:
        """In any order; members without labels to bind come first."""
        if len(want) != len(got):
            return Difference(place, self.fill(want), got)
        left = list(got)
        for member in sorted(want, key=lambda item: "$" in json.dumps(self.fill(item))):
            if difference := self._take(member, left, place):
                return difference
        return None

    def _take(self, member: Any, left: list[Any], place: str) -> Difference | None:
        if isinstance(member, str) and (known := self.fill(member)) in left:
            left.remove(known)
            return None
        first = None
        for number, other in enumerate(left):
            before = dict(self.bound)
            difference = self.compare(member, other, place)
            if difference is None:
                del left[number]
                return None
            first = first or difference
            self.bound = before
        return first if len(left) == 1 else Difference(place, self.fill(member), left)


def _same_kind(want: Any, got: str) -> bool:
    """Texts that differ in a moment or a number that nobody compares."""
    return any(
        pattern.fullmatch(str(want)) and pattern.fullmatch(got) for pattern in (_DATE, _TRACKED)
    )
