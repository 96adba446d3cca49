"""Checks of many moves at once, a few at a time so that no agent is flooded."""

import asyncio
from collections.abc import Sequence

from controller.model.migration import MigrationRequest
from controller.planning.planner import CheckCell, Planner

AT_ONCE = 16


async def check(planner: Planner, wanted: Sequence[MigrationRequest]) -> list[CheckCell]:
    """Return a cell for each request, in their order."""
    free = asyncio.Semaphore(AT_ONCE)

    async def one(request: MigrationRequest) -> CheckCell:
        async with free:
            return await planner.check(request)

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(one(request)) for request in wanted]
    return [task.result() for task in tasks]
