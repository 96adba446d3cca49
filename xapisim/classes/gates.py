"""One operation at a time on a VM: who comes second waits, as XAPI lets it wait, and is not
refused.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from xapisim.classes import operations
from xapisim.classes.pool import Pool
from xapisim.classes.tasks import Tasks
from xapisim.errors import XapiError

PATIENCE_S = 7200.0
"""XAPI retries for two hours before it says OTHER_OPERATION_IN_PROGRESS."""


class Gates:
    def __init__(self, pool: Pool, tasks: Tasks) -> None:
        self._pool = pool
        self._tasks = tasks
        self._waiting: dict[str, list[asyncio.Event]] = {}

    @asynccontextmanager
    async def operation(
        self, vm: str, name: str, task: str, *, strict: bool = True
    ) -> AsyncIterator[None]:
        """Runs the body as the VM's current operation, after all that is in its way."""
        await self._turn(vm, name, strict=strict)
        self._enter(vm, name, task)
        try:
            yield
        finally:
            self.leave(vm, task)

    async def _turn(self, vm: str, name: str, *, strict: bool) -> None:
        deadline = self._pool.clock.now() + PATIENCE_S
        while True:
            try:
                operations.check(self._pool, vm, name, strict=strict)
            except XapiError as error:
                waited = self._pool.clock.now() >= deadline
                if error.code != "OTHER_OPERATION_IN_PROGRESS" or waited:
                    raise
            else:
                return
            freed = asyncio.Event()
            self._waiting.setdefault(vm, []).append(freed)
            await freed.wait()

    def _enter(self, vm: str, name: str, task: str) -> None:
        current = self._pool.database.read("VM", vm, "current_operations")
        self._pool.database.update("VM", vm, current_operations={**current, task: name})
        operations.refresh(self._pool, vm)

    def leave(self, vm: str, task: str) -> None:
        """Takes the operation off the record, if it is still on it, and lets the next one in.

        Of those that wait, who came last is woken first (recorded on xapi 26.17).
        """
        if self._pool.database.has("VM", vm):
            self._clear(vm, task)
        for freed in reversed(self._waiting.pop(vm, [])):
            freed.set()

    def _clear(self, vm: str, task: str) -> None:
        current = self._pool.database.read("VM", vm, "current_operations")
        if task in current:
            left = {ref: operation for ref, operation in current.items() if ref != task}
            self._pool.database.update("VM", vm, current_operations=left)
            operations.refresh(self._pool, vm)
