"""Owns the tasks that drive migrations: one a migration, none inside a call."""

import asyncio

import structlog

from controller.model.findings import Finding, Reason, Severity
from controller.model.migration import Migration, MigrationState
from controller.ports.agents import Fenced, MoveAgents
from controller.ports.clock import Clock
from controller.ports.ledger import Advance, Claim, ClaimLost, Ledger
from controller.ports.progress import ProgressSink
from controller.saga import engine
from controller.saga.run import Run, World
from controller.saga.settings import SagaSettings
from controller.saga.tables import TABLES


class Runner:
    """Drives every migration that it is given, or finds open, to its end."""

    def __init__(
        self,
        owner: str,
        ledger: Ledger,
        agents: MoveAgents,
        clock: Clock,
        progress: ProgressSink,
        settings: SagaSettings | None = None,
    ) -> None:
        self._owner = owner
        self._world = World(ledger, agents, clock, progress, settings or SagaSettings())
        self._tasks: dict[str, asyncio.Task[None]] = {}

    @property
    def driving(self) -> int:
        """How many migrations are under way here."""
        return len(self._tasks)

    def start(self, migration: Migration) -> None:
        """Drive a migration that `owner` admitted or claimed; a repeat does nothing."""
        migration_id = migration.migration_id
        if migration_id in self._tasks or migration.state.ended:
            return
        task = asyncio.create_task(self._drive(migration), name=f"migration {migration_id}")
        self._tasks[migration_id] = task
        task.add_done_callback(lambda _: self._tasks.pop(migration_id, None))

    async def resume(self) -> int:
        """Claim every open migration, drive each, and return how many; to be called once."""
        found = await self._world.ledger.claim_open(self._owner)
        for migration in found:
            self.start(migration)
        return len(found)

    async def drained(self) -> None:
        """Wait until nothing is under way here."""
        while self._tasks:
            await asyncio.wait(self._tasks.values())

    async def stop(self) -> None:
        """Let go of every migration where it is; each can be resumed from its journal."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _drive(self, migration: Migration) -> None:
        log = structlog.get_logger().bind(migration_id=migration.migration_id)
        crash: Exception | None = None
        while True:
            try:
                if crash is None:
                    await self._carry(migration)
                    return
                migration = await self._mark(migration, crash)
                crash = None
                await self._world.clock.sleep(self._world.settings.crash_retry_s)
            except (ClaimLost, Fenced) as lost:
                log.warning("migration.let_go", why=type(lost).__name__)
                return
            # A bug or a store that is away: whatever it is, a migration is never forgotten. It
            # is marked for an operator and taken up again from its journal.
            except Exception as error:
                crash = error
                log.exception("migration.crashed")
                await self._world.clock.sleep(self._world.settings.retry_first_s)

    async def _carry(self, migration: Migration) -> None:
        table = TABLES[migration.plan.kind]
        await engine.carry(Run(self._world, migration, self._owner, table))

    async def _mark(self, migration: Migration, crash: Exception) -> Migration:
        """Call it STUCK and return its newest row, unless it has ended after all."""
        newest = await self._world.ledger.load(migration.migration_id)
        if newest.state.ended:
            return newest
        claim = Claim(migration.migration_id, self._owner, migration.epoch)
        error = _internal(newest, crash)
        change = Advance(state=MigrationState.STUCK, error=error)
        return await self._world.ledger.advance(claim, change)


def _internal(migration: Migration, crash: Exception) -> Finding:
    return Finding(
        Reason.INTERNAL,
        Severity.ERROR,
        f"instance/{migration.plan.instance_name}",
        f"the controller ran into an unexpected {type(crash).__name__}; its log has the details",
        "report it with the controller's log; the migration is taken up again by itself",
    )
