"""Owns the tasks that drive migrations: one a migration, none inside a call."""

import asyncio
from collections.abc import Collection
from dataclasses import dataclass

import structlog

from controller.model.findings import Finding, Reason, Severity
from controller.model.migration import Migration, MigrationState
from controller.model.slots import KindLimits, Limits
from controller.ports.agents import Fenced, MoveAgents
from controller.ports.clock import Clock
from controller.ports.ledger import Advance, Claim, ClaimLost, Ledger, NoSlot
from controller.ports.progress import ProgressSink
from controller.saga import engine
from controller.saga.queue import Queue
from controller.saga.run import Run, World
from controller.saga.settings import SagaSettings
from controller.saga.tables import TABLES

UNLIMITED = Limits(KindLimits(), KindLimits())


@dataclass(frozen=True, slots=True)
class Drive:
    """A task that drives a migration under one claim."""

    epoch: int
    task: asyncio.Task[None]


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
        limits: Limits = UNLIMITED,
    ) -> None:
        self._owner = owner
        self._world = World(ledger, agents, clock, progress, settings or SagaSettings(), limits)
        self._queue = Queue(limits)
        self._drives: dict[str, Drive] = {}
        self._runs: dict[str, Run] = {}

    @property
    def driving(self) -> int:
        """How many migrations are under way here."""
        return len(self._drives)

    @property
    def driven(self) -> Collection[str]:
        """The ids of the migrations that are under way here."""
        return self._drives.keys()

    def start(self, migration: Migration) -> None:
        """Drive a migration that `owner` admitted or claimed; a repeat does nothing.

        A newer claim's drive waits until an older one's has let go.
        """
        migration_id = migration.migration_id
        older = self._drives.get(migration_id)
        if migration.state.ended or (older is not None and older.epoch >= migration.epoch):
            return
        if older is not None:
            older.task.cancel()
        task = asyncio.create_task(self._drive(migration, older), name=f"migration {migration_id}")
        drive = self._drives[migration_id] = Drive(migration.epoch, task)
        task.add_done_callback(lambda _: self._ended(migration_id, drive))

    def heard(self, migration: Migration, _: bool = False) -> None:
        """Take a committed change, whoever made it; a migration that another claimed is let go."""
        self._queue.see(migration)
        drive = self._drives.get(migration.migration_id)
        if drive is None:
            return
        if drive.epoch < migration.epoch:
            drive.task.cancel()
            return
        run = self._runs.get(migration.migration_id)
        if run is not None:
            run.notice(migration)

    def position(self, migration_id: str) -> int:
        """Return how many migrations stand before one that waits, plus one; 0 for others."""
        return self._queue.position(migration_id)

    async def resume(self) -> int:
        """Claim every open migration that nobody drives, drive each, and return how many."""
        found = await self._world.ledger.claim_open(self._owner, self.driven)
        for migration in found:
            self.start(migration)
        return len(found)

    async def drained(self) -> None:
        """Wait until nothing is under way here."""
        while self._drives:
            await asyncio.wait([drive.task for drive in self._drives.values()])

    async def stop(self) -> None:
        """Let go of every migration where it is; each can be resumed from its journal."""
        tasks = [drive.task for drive in self._drives.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _ended(self, migration_id: str, drive: Drive) -> None:
        if self._drives.get(migration_id) is drive:
            del self._drives[migration_id]
            self._runs.pop(migration_id, None)
            self._queue.leave(migration_id)

    async def _drive(self, migration: Migration, older: Drive | None) -> None:
        if older is not None:
            await asyncio.wait([older.task])
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
        """Drive it from where it stands, once it is its turn; another replica may be faster."""
        while True:
            if migration.state is MigrationState.QUEUED:
                await self._queue.turn(migration)
            else:
                self._queue.see(migration)
            run = Run(self._world, migration, self._owner, TABLES[migration.plan.kind])
            self._runs[migration.migration_id] = run
            try:
                await engine.carry(run)
            except NoSlot:
                self._queue.leave(migration.migration_id)
                await self._world.clock.sleep(self._world.settings.queue_retry_s)
            else:
                return

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
