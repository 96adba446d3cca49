"""From a plan to a migration that runs; a caller that hangs up in between changes nothing."""

import asyncio
from collections.abc import Callable

from controller.model.migration import Migration, MigrationPlan
from controller.ports.admission import Admission


class Door:
    """Admits plans and hands what was admitted to the runner."""

    def __init__(
        self, admission: Admission, start: Callable[[Migration], None], owner: str
    ) -> None:
        self._admission = admission
        self._start = start
        self._owner = owner
        self._tasks: set[asyncio.Task[Migration]] = set()

    async def first_answer(self, request_id: str, digest: str) -> Migration | None:
        """Return what this request began before, if it did."""
        return await self._admission.replay(request_id, digest)

    async def admit_and_run(self, plan: MigrationPlan, digest: str) -> Migration:
        """Write the migration, start it and return it; raises AdmissionRefused.

        Once written it is started, even when the call that asked for it is gone by then.
        """
        task = asyncio.create_task(self._admit_and_start(plan, digest))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return await asyncio.shield(task)

    async def _admit_and_start(self, plan: MigrationPlan, digest: str) -> Migration:
        migration = await self._admission.admit(plan, self._owner, digest)
        self._start(migration)
        return migration
