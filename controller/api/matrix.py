"""Checks of many moves at once, a few at a time; how many an agent is asked, its client says."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from controller.model.findings import Severity
from controller.model.migration import MigrationRequest
from controller.planning.planner import CheckCell, Planner

AT_ONCE = 64
# With all passes, ten thousand cells are more than a hundred MiB, and nobody reads them.
WHOLE_CELLS = 1_000


async def check(planner: Planner, wanted: Sequence[MigrationRequest]) -> list[CheckCell]:
    """Return a cell for each request, in their order; a large matrix comes without passes."""
    free = asyncio.Semaphore(AT_ONCE)

    async def one(request: MigrationRequest) -> CheckCell:
        async with free:
            return await planner.check(request)

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(one(request)) for request in wanted]
    cells = [task.result() for task in tasks]
    return cells if len(cells) <= WHOLE_CELLS else [_lean(cell) for cell in cells]


def _lean(cell: CheckCell) -> CheckCell:
    told = tuple(each for each in cell.findings if each.severity is not Severity.OK)
    return replace(cell, findings=told)
