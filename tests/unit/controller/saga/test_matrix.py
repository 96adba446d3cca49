"""The fault matrix in one process: every fault at every moment of every way of both kinds.

A test goes through all moments of a kind's ways with one fault and names the cells that end badly;
`Way.cell` repeats one.
"""

from collections.abc import Iterable
from dataclasses import replace

import pytest

from controller.model.migration import MigrationKind
from controller.saga import acts
from controller.saga.steps import Finish, Prepare, Table, Undo
from controller.saga.tables import BLOCK, TABLES
from tests.support import saga_matrix
from tests.support.saga_links import Fences
from tests.support.saga_matrix import STRIKES, Way

WAYS = list(saga_matrix.ways())
NEW = "a_new_step"
LONGER = {
    "prepare": replace(BLOCK, prepare=(*BLOCK.prepare, Prepare(NEW, acts.prepare_dest))),
    "finish": replace(BLOCK, finish=(*BLOCK.finish, Finish(NEW, acts.post_at_dest))),
    "back": replace(BLOCK, back=(*BLOCK.back, Undo(NEW, acts.rollback_at_dest, ("move",)))),
}


class BlindFences(Fences):
    """Agents that let every epoch pass."""

    def is_stale(self, *_: object) -> bool:
        """Find none stale."""
        return False

    def has_ended(self, *_: object) -> bool:
        """Find nothing over."""
        return False


async def ends_badly(strike: str, ways: Iterable[Way], fences: type[Fences] = Fences) -> list[str]:
    """Return the cells of a fault that end badly."""
    bad = []
    for way in ways:
        for moment in way.struck_by(strike):
            try:
                await way.cell(strike, moment, fences())
            except AssertionError as error:
                bad.append(f"{way.name} | {strike} | {moment}: {error}")
    return bad


@pytest.mark.parametrize("kind", MigrationKind)
@pytest.mark.parametrize("strike", STRIKES)
async def test_a_fault_at_any_moment_ends_soundly(kind: MigrationKind, strike: str) -> None:
    assert await ends_badly(strike, (way for way in WAYS if way.kind is kind)) == []


@pytest.mark.parametrize("way", ["succeeds", "fails"])
async def test_a_zombie_that_agents_let_pass_would_be_noticed(way: str) -> None:
    ways = [each for each in WAYS if each.name == way]

    assert await ends_badly("controller frozen, back at the end", ways, BlindFences) != []


def without_cells(table: Table) -> set[saga_matrix.Row]:
    """Return the journal rows of a table before and after which no fault strikes."""
    covered = {row for way in WAYS if way.kind is table.kind for row in way.rows}
    return saga_matrix.rows_of(table) - covered


@pytest.mark.parametrize("table", TABLES.values(), ids=lambda table: table.kind.value)
def test_every_row_of_the_table_has_its_cells(table: Table) -> None:
    assert without_cells(table) == set()


@pytest.mark.parametrize("part", LONGER)
def test_a_step_to_which_no_way_leads_is_noticed(part: str) -> None:
    assert NEW in {step for step, _ in without_cells(LONGER[part])}
