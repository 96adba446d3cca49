"""One migration while this process drives it: its newest row, its claim, what is yet to be written.

What a step has brought is held back until the next write, so that "done" and "next one started"
cost one transaction. Nothing is done between the two, so the journal never falls behind.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import structlog

from controller.model.findings import Finding, Reason, Severity, errors
from controller.model.migration import (
    CleanupItem,
    JournalEntry,
    JournalEvent,
    Migration,
    MigrationState,
    Progress,
)
from controller.ports.agents import MoveAgents, MoveProgress, Order
from controller.ports.clock import Clock
from controller.ports.ledger import Advance, Claim, Ledger
from controller.ports.progress import ProgressSink
from controller.saga import changes, metrics
from controller.saga.settings import SagaSettings
from controller.saga.steps import Report, Table


@dataclass(frozen=True, slots=True)
class World:
    """What every migration of a process shares."""

    ledger: Ledger
    agents: MoveAgents
    clock: Clock
    progress: ProgressSink
    settings: SagaSettings


class Run:
    """The newest row, and the only writer of the next one."""

    def __init__(self, world: World, migration: Migration, owner: str, table: Table) -> None:
        self.world = world
        self.migration = migration
        self.table = table
        self.log = structlog.get_logger().bind(migration_id=migration.migration_id)
        self.order = _order(migration)
        self._claim = Claim(migration.migration_id, owner, migration.epoch)
        self._held = Advance()
        self._percent = migration.progress.percent

    @property
    def agents(self) -> MoveAgents:
        """The agents."""
        return self.world.agents

    @property
    def settings(self) -> SagaSettings:
        """How patient to be."""
        return self.world.settings

    @property
    def stuck(self) -> bool:
        """Whether an operator was told that it does not go on."""
        return self.migration.state is MigrationState.STUCK

    @property
    def why(self) -> Finding:
        """Why the migration turned back; a plan has no errors of its own."""
        found = errors(self._held.findings or self.migration.plan.findings)
        return found[0] if found else _UNTOLD

    def now(self) -> datetime:
        """Return the time."""
        return self.world.clock.now()

    async def sleep(self, seconds: float) -> None:
        """Wait so long."""
        await self.world.clock.sleep(seconds)

    def seconds_since(self, moment: datetime) -> float:
        """Return how long ago a moment was."""
        return (self.now() - moment).total_seconds()

    def entry(self, step: str, event: JournalEvent, note: str = "") -> JournalEntry:
        """Return a row for the journal."""
        return JournalEntry(step, event, self.now(), self.migration.epoch, note=note)

    def hold(self, change: Advance) -> None:
        """Keep a change for the next write."""
        self._held = changes.merge(self._held, change)

    def hold_report(self, report: Report) -> None:
        """Keep what a step reported: its items, and what it found besides passes."""
        if report.items:
            self.hold(Advance(cleanup=changes.renewed(self._cleanup(), report.items)))
        noted = [finding for finding in report.findings if finding.severity is not Severity.OK]
        if noted:
            self.hold(Advance(findings=(*self._findings(), *noted)))

    async def begin(self, step: str, state: MigrationState) -> None:
        """Write that a step is started, with all that was held.

        A STUCK migration stays so until a step has brought something.
        """
        kept = None if self.stuck else state
        started = self.entry(step, JournalEvent.STARTED)
        await self.write(Advance(entries=(started,), state=kept))

    def turn_back(self, step: str, findings: Sequence[Finding]) -> None:
        """Keep that a step before the commit point is given up, and why."""
        found = errors(findings) or (_UNTOLD,)
        error = found[0]
        failed = self.entry(step, JournalEvent.FAILED, note=error.message)
        self.hold(
            Advance(
                entries=(failed,),
                state=MigrationState.ROLLING_BACK,
                findings=(*self._findings(), *found),
                error=error,
            )
        )
        self.log.info("migration.turned_back", step=step, reason=error.reason.value)

    async def stick(self, error: Finding, change: Advance | None = None) -> bool:
        """Write that the migration does not go on by itself; return whether that was news.

        A change with journal rows is always news.
        """
        extra = change or Advance()
        if self.stuck and _same(self.migration.error, error) and not extra.entries:
            return False
        await self.write(replace(extra, state=MigrationState.STUCK, error=error))
        self.log.warning("migration.stuck", reason=error.reason.value, error=error.message)
        return True

    async def close(self, state: MigrationState) -> None:
        """Write the end, with all that was held."""
        await self.write(Advance(state=state, close=True))
        metrics.MIGRATIONS.labels(self.table.kind.value, state.value).inc()
        seconds = self.seconds_since(self.migration.create_time)
        metrics.SECONDS.labels(self.table.kind.value, state.value).observe(seconds)
        self.log.info("migration.ended", state=state.value, seconds=round(seconds, 3))

    async def write(self, change: Advance) -> None:
        """Write a change and all that was held, in one transaction."""
        merged = changes.without_stale_error(self.migration, changes.merge(self._held, change))
        self._held = Advance()
        before = self.migration.state
        self.migration = await self.world.ledger.advance(self._claim, merged)
        metrics.OPEN.labels(before.value).dec()
        metrics.OPEN.labels(self.migration.state.value).inc()

    def publish(self, item: MoveProgress) -> None:
        """Tell watchers how far the move is; the percentage never falls."""
        self._percent = max(self._percent, item.percent)
        progress = Progress(item.phase, self._percent, item.cancellable)
        self.world.progress.publish(self.migration.migration_id, progress)

    def _findings(self) -> Sequence[Finding]:
        held = self._held.findings
        return self.migration.plan.findings if held is None else held

    def _cleanup(self) -> Sequence[CleanupItem]:
        held = self._held.cleanup
        return self.migration.cleanup if held is None else held


_UNTOLD = Finding(
    Reason.MIGRATION_FAILED,
    Severity.ERROR,
    "migration",
    "the migration was given up; no reason was told",
    "look at the journal and the agents' logs",
)


def _same(known: Finding | None, error: Finding) -> bool:
    return known is not None and (known.reason, known.subject) == (error.reason, error.subject)


def _order(migration: Migration) -> Order:
    plan = migration.plan
    return Order(
        migration_id=migration.migration_id,
        epoch=migration.epoch,
        instance_id=plan.instance_id,
        source_host_id=plan.source_host_id,
        dest_host_id=plan.dest_host_id,
        kind=plan.kind,
    )
