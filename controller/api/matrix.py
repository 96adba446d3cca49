"""Checks of many moves at once, a few at a time; how many an agent is asked, its client says."""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import replace

from controller.model.findings import Severity
from controller.model.migration import MigrationRequest
from controller.planning.planner import CheckCell, Planner

AT_ONCE = 64
# With all passes, ten thousand cells are more than a hundred MiB, and nobody reads them.
WHOLE_CELLS = 1_000


async def check(
    planner: Planner, wanted: Sequence[MigrationRequest], instances: int
) -> list[CheckCell]:
    """Return a cell for each request, in their order; a large matrix comes without passes.

    The requests are `instances` rows of one length.
    """
    cells: dict[int, CheckCell] = {}
    due = _diagonals(instances, len(wanted) // instances)

    async def ask() -> None:
        for place in due:
            cells[place] = await planner.check(wanted[place])

    async with asyncio.TaskGroup() as group:
        for _ in range(min(AT_ONCE, len(wanted))):
            group.create_task(ask())
    if len(wanted) > WHOLE_CELLS:
        return [_lean(cells[place]) for place in range(len(wanted))]
    return [cells[place] for place in range(len(wanted))]


def _diagonals(rows: int, columns: int) -> Iterator[int]:
    """Yield every place of a matrix, neighbours in different rows and columns.

    Row by row, all questions of the moment would go to the agent of one source.
    """
    for shift in range(columns):
        for row in range(rows):
            yield row * columns + (row + shift) % columns


def _lean(cell: CheckCell) -> CheckCell:
    told = tuple(each for each in cell.findings if each.severity is not Severity.OK)
    return replace(cell, findings=told)
