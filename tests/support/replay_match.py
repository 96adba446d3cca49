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
_PASSING = re.compile(
    r"\d{8}T\d\d:\d\d:\d\dZ"
    r"|(?<=\"last_create_time\":)[\d.]+"
    r"|(?<=\"domid\":)\d+"
    r"|(?<=\('domid' ')-?\d+"
    r"|(?<=\('generation_id' ')[\d:]+"
    r"|(?<=\('last_boot_CPU_flags' ').*?(?='\) \('i)"
)
"""Moments and what else is not compared, inside a longer text."""
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
        "agent_start_time",
        "boot_time",
    }
)
"""Members whose values depend on clocks and on what happened before; their types are compared."""
MOST_CHOICES = 10_000
"""How often a comparison may go back before it says that two sets differ."""
_REFERENCES = re.compile(r"\\'OpaqueRef:[^' ]*'(?: \\'OpaqueRef:[^' ]*')+")
_EXPORTED = re.compile(r"Ref:\d+")
"""A reference that an export numbered."""
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
    _later: list[tuple[list[Any], list[Any], str]] = field(default_factory=list)
    _choices: int = 0

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
        """Binds what labels it can and compares nothing; sets of labels are left to later calls."""
        bound, later, choices = dict(self.bound), list(self._later), self._choices
        if self.compare(want, got) is not None:
            self.bound, self._choices = bound, choices
            self._learn_parts(want, got)
        self._later = later

    def _learn_parts(self, want: Any, got: Any) -> None:
        if isinstance(want, dict) and isinstance(got, dict):
            for name, item in want.items():
                self._learn_parts(item, got.get(self.fill(name)))
        elif isinstance(want, list) and isinstance(got, list) and len(want) == len(got):
            filled = self.fill(want)
            ours = [item for item in filled if item not in got]
            theirs = [item for item in got if item not in filled]
            if len(ours) == len(theirs) == 1:
                self._learn_parts(ours[0], theirs[0])
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
        return self._bind(want, str(filled), got, place)

    def _bind(self, want: str, filled: str, got: str, place: str) -> Difference | None:
        """What stands in the place of labels that nobody has bound yet."""
        unbound = [label for label in _LABEL.findall(want) if label not in self.bound]
        pattern = re.escape(_lasting(filled)).replace(r"\$", "$")
        found = re.fullmatch(_LABEL.sub("(.+)", pattern), _lasting(got))
        if found is None or len(found.groups()) != len(unbound):
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
        return self._assign([list(pair) for pair in want], [list(pair) for pair in got], place)

    def _row(self, want: list[Any], got: list[Any], place: str) -> Difference | None:
        if len(want) != len(got):
            return Difference(place, self.fill(want), got)
        for number, (one, other) in enumerate(zip(want, got, strict=True)):
            if difference := self.compare(one, other, f"{place}/{number}"):
                return difference
        return None

    def _set(self, want: list[Any], got: list[Any], place: str) -> Difference | None:
        """In any order; members without labels to bind come first.

        Labels alone, when there is more than one, are left until others have told what they are.
        """
        if len(want) != len(got):
            return Difference(place, self.fill(want), got)
        left, unknown = list(got), []
        for member in map(self.fill, want):
            if "$" not in json.dumps(member) and member in left:
                left.remove(member)
            else:
                unknown.append(member)
        if len(unknown) > 1 and all(_is_label(member) for member in unknown):
            self._later.append((unknown, left, place))
            return None
        return self._assign(sorted(unknown, key=lambda item: "$" in json.dumps(item)), left, place)

    def settle(self) -> Difference | None:
        """Compares what was left: first what can only be one thing, then what can be anything."""
        while self._later:
            waiting, self._later = self._later, []
            waiting.sort(key=lambda entry: sum(label not in self.bound for label in entry[0]))
            (labels, left, place), self._later = waiting[0], waiting[1:]
            known = [self.bound[label] for label in labels if label in self.bound]
            free = [label for label in labels if label not in self.bound]
            if not set(known) <= set(left):
                return Difference(place, self.fill(labels), left)
            self.bound.update(zip(free, [ref for ref in left if ref not in known], strict=True))
        return None

    def _assign(self, want: list[Any], got: list[Any], place: str) -> Difference | None:
        """Finds a partner for each, and takes a choice back that leaves a later one without."""
        if not want:
            return None
        first = None
        for number, other in enumerate(got):
            bound, later = dict(self.bound), list(self._later)
            difference = self.compare(want[0], other, place)
            if difference is None:
                difference = self._assign(want[1:], got[:number] + got[number + 1 :], place)
                if difference is None:
                    return None
                self._choices += 1
            self.bound, self._later = bound, later
            first = first or difference
            if self._choices > MOST_CHOICES:
                break
        return first if len(got) == 1 else Difference(place, self.fill(want[0]), got)


def _lasting(text: str) -> str:
    """The text without what is not compared, with its lists of references in one order."""
    return _REFERENCES.sub(lambda row: " ".join(sorted(row[0].split(" "))), _PASSING.sub("", text))


def _is_label(member: Any) -> bool:
    return isinstance(member, str) and _LABEL.fullmatch(member) is not None


def _same_kind(want: Any, got: str) -> bool:
    """Texts that differ in a moment or a number that nobody compares."""
    return any(
        pattern.fullmatch(str(want)) and pattern.fullmatch(got)
        for pattern in (_DATE, _TRACKED, _EXPORTED)
    )
