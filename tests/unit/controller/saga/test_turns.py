"""Whose turn it is: priorities first, sources in turn, and nobody waits for a host that is full."""

from datetime import UTC, datetime, timedelta

import pytest

from controller.model.migration import MigrationKind
from controller.model.slots import KindLimits, Limits
from controller.saga import turns
from controller.saga.turns import Place

START = datetime(2026, 1, 1, tzinfo=UTC)
SHARED, BLOCK = MigrationKind.SHARED_STORAGE, MigrationKind.BLOCK


def place(
    name: str, source: str = "a", dest: str = "z", priority: int = 0, kind: MigrationKind = SHARED
) -> Place:
    """Return a place; names sort by age."""
    age = timedelta(seconds=int(name.strip("abcdefghijklmnopqrstuvwxyz")))
    return Place(name, kind, source, dest, priority, START + age)


def names(places: list[Place]) -> list[str]:
    return [each.migration_id for each in places]


def limits(shared: KindLimits, block: KindLimits | None = None) -> Limits:
    return Limits(shared, block or KindLimits())


def test_the_oldest_goes_first() -> None:
    assert names(turns.line_up([place("m2"), place("m1"), place("m3")], [])) == ["m1", "m2", "m3"]


def test_a_higher_priority_goes_before_older_ones() -> None:
    waiting = [place("m1"), place("m2", priority=5), place("m3", priority=-5)]

    assert names(turns.line_up(waiting, [])) == ["m2", "m1", "m3"]


def test_a_host_with_many_guests_does_not_keep_another_waiting() -> None:
    many = [place(f"m{n}", source="a") for n in range(1, 5)]
    few = [place("m8", source="b"), place("m9", source="b")]

    lined_up = names(turns.line_up([*many, *few], []))

    assert lined_up == ["m1", "m8", "m2", "m9", "m3", "m4"]


def test_a_source_with_guests_under_way_lets_others_go_first() -> None:
    running = [place("r0", source="a"), place("r1", source="a")]
    waiting = [place("m1", source="a"), place("m2", source="b"), place("m3", source="b")]

    assert names(turns.line_up(waiting, running)) == ["m2", "m3", "m1"]


@pytest.mark.parametrize(
    ("most", "starting"),
    [
        (KindLimits(), ["m1", "m4", "m2", "m3"]),
        (KindLimits(per_source=1), ["m1", "m4"]),
        (KindLimits(per_dest=1), ["m1", "m4", "m3"]),
        (KindLimits(in_all=1), ["m1"]),
        (KindLimits(per_source=2, per_dest=1, in_all=2), ["m1", "m4"]),
    ],
)
def test_so_many_start_as_the_limits_leave_room_for(most: KindLimits, starting: list[str]) -> None:
    waiting = [place("m1"), place("m2"), place("m3", dest="y"), place("m4", source="b", dest="x")]

    assert names(turns.ready(waiting, [], limits(most))) == starting


def test_what_runs_counts() -> None:
    running = [place("r1"), place("r2", source="b", dest="y")]
    waiting = [place("m1", dest="y"), place("m2", source="c", dest="x")]

    assert names(turns.ready(waiting, running, limits(KindLimits(per_source=1)))) == ["m2"]
    assert names(turns.ready(waiting, running, limits(KindLimits(per_dest=1)))) == ["m2"]
    assert names(turns.ready(waiting, running, limits(KindLimits(in_all=2)))) == []


def test_each_kind_has_limits_of_its_own() -> None:
    running = [place("r1", kind=BLOCK)]
    waiting = [place("m1", kind=BLOCK), place("m2")]

    starting = turns.ready(waiting, running, limits(KindLimits(), KindLimits(in_all=1)))

    assert names(starting) == ["m2"]
