"""One migration while this process drives it: its newest row, its claim, what is yet to be written.

What a step has brought is held back until the next write, so that "done" and "next one started"
cost one transaction. Nothing is done between the two, so the journal never falls behind.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace

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
from controller.model.slots import Limits
from controller.ports.agents import MoveAgents, MoveProgress
from controller.ports.clock import Clock
from controller.ports.ledger import Advance, Claim, ClaimLost, Ledger
from controller.ports.progress import ProgressSink
from controller.saga import changes, eta, looking, metrics
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
    limits: Limits | None = None


class Run:
    """The newest row, and the only writer of the next one."""

    def __init__(self, world: World, migration: Migration, owner: str, table: Table) -> None:
        self.world = world
        self.migration = migration
        self.table = table
        self.log = structlog.get_logger().bind(migration_id=migration.migration_id)
        self.order = looking.order_of(migration)
        self._claim = Claim(migration.migration_id, owner, migration.epoch)
        self._held = Advance()
        self._percent = migration.progress.percent
        self._eta: eta.Eta | None = None
        self._lost = False
        self.asked = asyncio.Event()

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

    @property
    def cancel_requested(self) -> bool:
        """Whether somebody asked for it to be stopped."""
        return self.migration.cancel_requested

    def monotonic(self) -> float:
        """Return seconds by which waits are measured."""
        return self.world.clock.monotonic()

    def seconds_since(self, moment_s: float) -> float:
        """Return how long ago a moment of `monotonic` was."""
        return self.monotonic() - moment_s

    async def pause(self, seconds: float) -> None:
        """Wait so long, or until something is asked of the migration; raises ClaimLost."""
        self._check_ours()
        if not self.asked.is_set():
            await self._sleep_until_asked(seconds)
        self.asked.clear()
        self._check_ours()

    async def _sleep_until_asked(self, seconds: float) -> None:
        waits = [
            asyncio.ensure_future(self.world.clock.sleep(seconds)),
            asyncio.ensure_future(self.asked.wait()),
        ]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()

    def notice(self, newest: Migration) -> None:
        """Take what somebody else wrote into the row; the driver's own writes are no news."""
        known = self.migration
        if newest.epoch > known.epoch or newest.state.ended:
            self._lost = True
        elif _wishes(newest) == _wishes(known):
            return
        self._take_wishes(newest)
        self.asked.set()

    async def refresh(self) -> None:
        """Read what was asked of the migration; raises ClaimLost when it is no longer ours."""
        newest = await self.world.ledger.load(self.migration.migration_id)
        self._lost = self._lost or newest.state.ended or newest.epoch > self.migration.epoch
        self._check_ours()
        self._take_wishes(newest)

    async def refresh_when_stuck(self) -> None:
        """Read what was asked while nothing is written, which may be by another process."""
        if self.stuck:
            await self.refresh()

    def entry(self, step: str, event: JournalEvent, note: str = "") -> JournalEntry:
        """Return a row for the journal."""
        return JournalEntry(step, event, self.world.clock.now(), self.migration.epoch, note=note)

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

    async def begin(self, steps: Sequence[str], state: MigrationState) -> None:
        """Write that steps are started, with all that was held.

        A STUCK migration stays so until a step has brought something.
        """
        await self.write(self._start(steps, state))

    async def begin_unless_cancelled(self, steps: Sequence[str], state: MigrationState) -> None:
        """Write the same before the commit point; raises CancelWins, and NoSlot for a first step.

        What is held stays held when it is not written.
        """
        waits = self.migration.state is MigrationState.QUEUED
        started = self._start(steps, state)
        within = self.world.limits if waits else None
        await self.write(replace(started, unless_cancelled=True, within=within))

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
        ended = self.migration.update_time
        seconds = (ended - self.migration.create_time).total_seconds()
        metrics.SECONDS.labels(self.table.kind.value, state.value).observe(seconds)
        self.log.info("migration.ended", state=state.value, seconds=round(seconds, 3))

    async def write(self, change: Advance) -> None:
        """Write a change and all that was held, in one transaction."""
        merged = changes.without_stale_error(self.migration, changes.merge(self._held, change))
        before = self.migration.state
        self.migration = await self.world.ledger.advance(self._claim, merged)
        self._held = Advance()
        metrics.OPEN.labels(before.value).dec()
        metrics.OPEN.labels(self.migration.state.value).inc()

    def publish(self, item: MoveProgress) -> None:
        """Tell watchers how far the move is; the percentage never falls."""
        self._percent = max(self._percent, item.percent)
        if self._eta is None:
            self._eta = eta.Eta(self.monotonic(), self.migration.plan.estimate)
        left = self._eta.take(self.monotonic(), item.phase, item.bytes_done, item.bytes_total)
        self.world.progress.publish(
            self.migration.migration_id,
            Progress(
                phase=item.phase,
                percent=self._percent,
                cancellable=item.cancellable,
                bytes_done=item.bytes_done,
                bytes_total=item.bytes_total,
                remaining_p50_s=None if left is None or item.outcome else left.p50_s,
                remaining_p90_s=None if left is None or item.outcome else left.p90_s,
            ),
        )

    def tell(self, phase: str) -> None:
        """Tell watchers what is waited for."""
        progress = Progress(phase, self._percent, cancellable=True)
        self.world.progress.publish(self.migration.migration_id, progress)

    def _start(self, steps: Sequence[str], state: MigrationState) -> Advance:
        started = tuple(self.entry(step, JournalEvent.STARTED) for step in steps)
        return Advance(entries=started, state=None if self.stuck else state)

    def _check_ours(self) -> None:
        if self._lost:
            raise ClaimLost(f"migration {self.migration.migration_id} is not driven from here")

    def _take_wishes(self, newest: Migration) -> None:
        self.migration = replace(
            self.migration,
            cancel_requested=newest.cancel_requested,
            cancel_reason=newest.cancel_reason,
            resolution=newest.resolution,
            resolution_reason=newest.resolution_reason,
        )

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


def _wishes(migration: Migration) -> tuple[object, ...]:
    return migration.cancel_requested, migration.resolution, migration.resolution_reason
