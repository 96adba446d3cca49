"""Whose turn it is among migrations that wait: by priority, fair between sources, then by age.

Pure: the same view of who waits and who runs gives the same order.
"""

import heapq
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from controller.model.migration import Migration, MigrationKind
from controller.model.slots import Limits, Load


@dataclass(frozen=True, slots=True)
class Place:
    """A migration in the queue, or in a slot."""

    migration_id: str
    kind: MigrationKind
    source_host_id: str
    dest_host_id: str
    priority: int
    create_time: datetime

    @staticmethod
    def of(migration: Migration) -> "Place":
        """Return the place of a migration."""
        plan = migration.plan
        return Place(
            migration_id=migration.migration_id,
            kind=plan.kind,
            source_host_id=plan.source_host_id,
            dest_host_id=plan.dest_host_id,
            priority=plan.request.priority,
            create_time=migration.create_time,
        )


class Loads:
    """How many of each kind run, by source, by destination and in all."""

    def __init__(self, running: Iterable[Place]) -> None:
        self._counts: Counter[tuple[MigrationKind, str, str]] = Counter()
        for place in running:
            self.add(place)

    def add(self, place: Place) -> None:
        """Count one more."""
        for key in _keys(place):
            self._counts[key] += 1

    def of(self, place: Place) -> Load:
        """Return what runs where this one would."""
        return Load(*(self._counts[key] for key in _keys(place)))


def line_up(waiting: Iterable[Place], running: Iterable[Place]) -> list[Place]:
    """Return who waits in the order in which they are to start.

    Higher priority first. Of one priority the source goes first that has least under way and
    chosen before, so that a host with many guests to move does not keep the others waiting.
    """
    begun = Counter(place.source_host_id for place in running)
    by_priority: dict[int, list[Place]] = defaultdict(list)
    for place in waiting:
        by_priority[place.priority].append(place)
    lined_up: list[Place] = []
    for priority in sorted(by_priority, reverse=True):
        for place in _take_turns(by_priority[priority], begun):
            begun[place.source_host_id] += 1
            lined_up.append(place)
    return lined_up


def ready(waiting: Iterable[Place], running: Sequence[Place], limits: Limits) -> list[Place]:
    """Return who may start now; who has to wait keeps nobody from another host waiting."""
    loads = Loads(running)
    starting = []
    for place in line_up(waiting, running):
        if loads.of(place).leaves_room(limits.of(place.kind)):
            loads.add(place)
            starting.append(place)
    return starting


def _take_turns(places: Sequence[Place], begun: Counter[str]) -> Iterator[Place]:
    of_source: dict[str, list[Place]] = defaultdict(list)
    for place in sorted(places, key=_age, reverse=True):
        of_source[place.source_host_id].append(place)
    heads = [(begun[source], _age(line[-1]), source) for source, line in of_source.items()]
    heapq.heapify(heads)
    while heads:
        turns, _, source = heapq.heappop(heads)
        yield of_source[source].pop()
        if of_source[source]:
            heapq.heappush(heads, (turns + 1, _age(of_source[source][-1]), source))


def _age(place: Place) -> tuple[datetime, str]:
    return place.create_time, place.migration_id


def _keys(place: Place) -> tuple[tuple[MigrationKind, str, str], ...]:
    return (
        (place.kind, "source", place.source_host_id),
        (place.kind, "dest", place.dest_host_id),
        (place.kind, "all", ""),
    )
