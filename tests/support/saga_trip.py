"""One migration from admission to its end, over crashes, with the invariants to be asserted after.

A trip is a world, its agents, a ledger that can kill the controller at any write, and a controller
that is started again, with the next epoch, as often as it dies.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace

from controller.model.findings import Reason
from controller.model.migration import (
    JournalEvent,
    Migration,
    MigrationKind,
    MigrationState,
    Progress,
)
from controller.ports.agents import Fenced, Order
from controller.ports.ledger import Advance, Claim, ClaimLost
from controller.saga import engine
from controller.saga.run import Run, World
from controller.saga.settings import SagaSettings
from controller.saga.tables import TABLES
from tests.support import ledger_conformance, saga_agents, saga_world
from tests.support.memory_ledger import MemoryLedger
from tests.support.saga_failures import Fault, Killed

DAY_S = 86_400
_OPEN_QUESTIONS = (Reason.INSTANCE_LOST, Reason.OUTCOME_UNKNOWN, Reason.RESIDUE_LEFT)


@dataclass(frozen=True)
class Crash:
    """The controller dies at its nth write (from 1), before or after it is durable."""

    write: int
    durable: bool


Hearer = Callable[[str], Awaitable[None]]
"""Hears of every moment: "move", "during move", "move answered", "write 2", "write 2 durable"."""


class MortalLedger(MemoryLedger):
    """Counts writes and dies at some of them."""

    def __init__(self, clock: saga_world.JumpingClock, crashes: Sequence[Crash]) -> None:
        super().__init__(clock)
        self.writes = 0
        self.history: list[tuple[MigrationState, Reason | None]] = []
        self.rows: dict[int, list[tuple[str, JournalEvent]]] = {}
        self.hear: Hearer | None = None
        self._crashes = crashes

    async def advance(self, claim: Claim, change: Advance) -> Migration:
        """Apply a change, unless the process dies before; or die after."""
        self.writes += 1
        number = self.writes
        if Crash(number, durable=False) in self._crashes:
            raise Killed
        if self.hear is not None:
            await self.hear(f"write {number}")
        migration = await super().advance(claim, change)
        self.rows[number] = [(row.step, row.event) for row in change.entries]
        reason = migration.error.reason if migration.error else None
        self.history.append((migration.state, reason))
        if Crash(number, durable=True) in self._crashes:
            raise Killed
        if self.hear is not None:
            await self.hear(f"write {number} durable")
        return migration


@dataclass
class Watcher:
    """Keeps what was published."""

    seen: list[Progress] = field(default_factory=list)

    def publish(self, migration_id: str, progress: Progress) -> None:
        """Keep it."""
        assert migration_id
        self.seen.append(progress)


class Trip:
    """A migration under way in a world of its own."""

    def __init__(
        self,
        story: str = "arrives",
        faults: Sequence[Fault] = (),
        crashes: Sequence[Crash] = (),
        settings: SagaSettings | None = None,
        kind: MigrationKind = MigrationKind.SHARED_STORAGE,
    ) -> None:
        self.plan = replace(ledger_conformance.a_plan(), kind=kind)
        self.clock = saga_world.JumpingClock()
        self.world = saga_world.World(self.clock, self._order(), story)
        self.agents = saga_agents.FaultyAgents(self.world, tuple(faults))
        self.ledger = MortalLedger(self.clock, crashes)
        self.watcher = Watcher()
        self.settings = settings or SagaSettings()
        self.migration: Migration
        self.run: Run | None = None
        self.moments: list[str] = []
        self.hearers: list[Hearer] = []
        self.successor: asyncio.Future[None] | None = None
        self._news = asyncio.Event()
        self.agents.on_call = self.ledger.hear = self._hear
        self.agents.before_act = self._expect_started
        self.ledger.listener = self._tell_the_driver

    async def go(self) -> Migration:
        """Drive it to its end, starting the controller again whenever it dies or lets go."""
        began = self.clock.now()
        claimed = await self.ledger.admit(self.plan, "controller-1")
        for life in range(1, 12):
            try:
                await self.carry(claimed, f"controller-{life}")
                assert self.successor is None, "who lost the claim went on to the end"
                break
            except (Killed, Fenced, ClaimLost):
                await self.clock.sleep(1)
            if self.successor is not None:
                await self.successor
                break
            open_ones = await self.ledger.claim_open(f"controller-{life + 1}")
            if not open_ones:
                break
            claimed = open_ones[0]
        self.migration = await self.ledger.load(claimed.migration_id)
        assert (self.clock.now() - began).total_seconds() < DAY_S
        return self.migration

    async def carry(self, migration: Migration, owner: str) -> None:
        """Drive it in one life of the controller."""
        world = World(self.ledger, self.agents, self.clock, self.watcher, self.settings)
        run = Run(world, migration, owner, TABLES[migration.plan.kind])
        self.run = run
        await engine.carry(run)

    async def stand_still(self, moments: int | None) -> None:
        """Let another replica take over, and go on after so many of its moments, or its end."""
        claimed = await self.ledger.claim_open("successor")
        if not claimed:
            return
        self.successor = asyncio.ensure_future(self.carry(claimed[0], "successor"))
        enough = asyncio.ensure_future(self._hear_out(moments))
        await asyncio.wait((self.successor, enough), return_when=asyncio.FIRST_COMPLETED)
        enough.cancel()

    async def assert_sound(self) -> None:
        """Assert that the end is an end, and that it says what is."""
        migration, guest = self.migration, self.world.guest
        assert self.world.damage == []
        assert self.world.moves <= 1, "moved twice"
        assert migration.state.ended, "I7: it stays open"
        assert len(guest.domains) == 1, "I1, I2: the guest runs exactly once"
        instance = await self.ledger.instance(guest_id(self))
        assert instance.facts.host_id == guest.resident == guest.domains[0], "I3"
        assert (instance.task_state, instance.migration_id) == ("", "")
        assert await self.ledger.reserved_bytes(self.plan.dest_host_id) == 0, "I4"
        assert not guest.leased, "I5: a lease is left"
        assert not guest.tagged, "I5: the mark is left"
        assert [guest.carried_by] == guest.domains, "I6: floating IPs lead where it is not"
        assert [*guest.attached_at] == guest.domains, "I6: volumes are where it is not"
        arrived = guest.domains == [self.plan.dest_host_id]
        assert (migration.state is MigrationState.SUCCEEDED) == arrived
        assert (migration.error is None) == arrived
        if migration.error is not None:
            assert migration.error.reason not in _OPEN_QUESTIONS, "it ended with a question"
        done = [row for row in rows(migration) if row[1] is JournalEvent.DONE]
        assert len(done) == len(set(done)), "a step was done twice"

    async def assert_progress_never_falls(self) -> None:
        """Assert what watchers of one process may rely on."""
        percents = [progress.percent for progress in self.watcher.seen]
        assert percents == sorted(percents)

    async def _hear_out(self, moments: int | None) -> None:
        """Wait until so many moments have come, or for ever."""
        until = None if moments is None else len(self.moments) + moments
        while until is None or len(self.moments) < until:
            self._news.clear()
            await self._news.wait()

    async def _hear(self, moment: str) -> None:
        self.moments.append(moment)
        self._news.set()
        for hearer in self.hearers:
            await hearer(moment)

    def _expect_started(self, step: str) -> None:
        """Note it when an act is not announced, or is done again, or comes after the turn."""
        if step == "abort":
            return
        (journal,) = self.ledger.journals()
        last = [row.event for row in journal if row.step == step][-1:]
        unannounced = step == "verify_exports" and not last
        if not unannounced and last not in ([JournalEvent.STARTED], [JournalEvent.FAILED]):
            self.world.damage.append(f"{step} was called when its journal said {last}")

    def _tell_the_driver(self, newest: Migration) -> None:
        if self.run is not None:
            self.run.notice(newest)

    def _order(self) -> Order:
        return Order(
            "trip",
            1,
            self.plan.instance_id,
            self.plan.source_host_id,
            self.plan.dest_host_id,
            self.plan.kind,
        )


def guest_id(trip: Trip) -> str:
    """Return the uuid of the guest."""
    return trip.plan.instance_id


def rows(migration: Migration) -> list[tuple[str, JournalEvent]]:
    """Return the journal as step and event."""
    return [(row.step, row.event) for row in migration.journal]
