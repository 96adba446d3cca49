"""Owns the tasks that drive operations on pools: one an operation, none inside a call."""

import asyncio

import structlog

from controller.aggregates import aftercare, phases
from controller.aggregates.course import Course, World
from controller.ports.aggregates import Driven, OperationLost
from controller.ports.failures import StoreUnavailable

log = structlog.get_logger()


class Steward:
    """Drives every operation that it is given, or finds, until nothing is left to be done."""

    def __init__(self, owner: str, world: World) -> None:
        self.owner = owner
        self._world = world
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._looking: asyncio.Task[None] | None = None

    def begin(self) -> None:
        """Take up what was left open, now and whenever another replica has died."""
        self._looking = asyncio.create_task(self._look())

    def start(self, driven: Driven) -> None:
        """Drive an operation that `owner` admitted or claimed; a repeat does nothing."""
        operation_id = driven.operation.operation_id
        if operation_id in self._tasks:
            return
        task = asyncio.create_task(self._drive(driven), name=f"operation {operation_id}")
        self._tasks[operation_id] = task
        task.add_done_callback(lambda done: self._ended(operation_id, done))

    async def stop(self) -> None:
        """Let go of every operation where it is; each is taken up again from its row."""
        tasks = [*self._tasks.values(), *([self._looking] if self._looking else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _look(self) -> None:
        while True:
            try:
                found = await self._world.ledger.claim_open(self.owner, self._tasks.keys())
            except StoreUnavailable as error:
                log.warning("operations.not_looked_for", why=str(error))
            else:
                for driven in found:
                    self.start(driven)
            await self._world.clock.sleep(self._world.settings.poll_s)

    async def _drive(self, driven: Driven) -> None:
        try:
            course = Course(self._world, driven)
            await phases.carry(course)
            await aftercare.carry(course)
        except OperationLost:
            log.warning("operation.let_go", operation_id=driven.operation.operation_id)
        except StoreUnavailable as error:
            log.warning("operation.interrupted", why=str(error))

    def _ended(self, operation_id: str, task: asyncio.Task[None]) -> None:
        """Forget it: what is still open is found by the next look."""
        del self._tasks[operation_id]
        if not task.cancelled() and task.exception() is not None:
            log.error("operation.crashed", operation_id=operation_id, exc_info=task.exception())
