"""A world in which nothing goes on by itself: what programs do is held until a test lets it go on.

Time passes when it is told to, a call waits on the wire, a write waits before the database, and a
process that stands still does not even take its answers. So a test decides every interleaving.
"""

import asyncio
import heapq
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TypeVar

import sqlalchemy as sa

from controller.model.findings import Finding
from controller.model.migration import CleanupItem, Migration
from controller.ports.agents import MoveProgress, Observation, Order, PostReport
from controller.ports.ledger import Advance, Claim
from controller.store.database import Database
from controller.store.ledger import SqlLedger
from tests.support.saga_agents import FaultyAgents
from tests.support.saga_failures import Fault

ResultT = TypeVar("ResultT")

START = datetime(2026, 1, 1, tzinfo=UTC)
ROUNDS = 25
"""So many rounds of the loop are more than any program needs between two things it waits for."""


class HeldClock:
    """Time that stands still until it is told to pass; what falls due happens in order."""

    def __init__(self) -> None:
        self._now = START
        self._due: list[tuple[datetime, int, Callable[[], None]]] = []
        self._numbers = itertools.count()

    def now(self) -> datetime:
        """Return the time."""
        return self._now

    def monotonic(self) -> float:
        """Return seconds that pass like the time."""
        return (self._now - START).total_seconds()

    def at(self, seconds: float, happen: Callable[[], None]) -> None:
        """Let something happen so many seconds from now, a microsecond at the least."""
        when = self._now + max(timedelta(seconds=seconds), timedelta(microseconds=1))
        heapq.heappush(self._due, (when, next(self._numbers), happen))

    async def sleep(self, seconds: float) -> None:
        """Wait until that time has passed."""
        over: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.at(seconds, lambda: None if over.done() else over.set_result(None))
        await over

    async def pass_by(self, seconds: float, settled: Callable[[], Awaitable[None]]) -> None:
        """Let time pass, and let everybody react to what falls due before more of it passes."""
        until = self._now + timedelta(seconds=seconds)
        while self._due and self._due[0][0] <= until:
            self._now = max(self._now, self._due[0][0])
            while self._due and self._due[0][0] <= self._now:
                heapq.heappop(self._due)[2]()
            await settled()
        self._now = max(self._now, until)


class Busy:
    """How many transactions are under way in a database that several replicas use."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self._busy = 0
        self._idle = asyncio.Event()

    @property
    def trouble(self) -> str:
        """What the last transaction died of."""
        return self.database.trouble

    @property
    def shared(self) -> bool:
        """Several replicas use it."""
        return True

    async def read(self, body: Callable[[sa.Connection], ResultT]) -> ResultT:
        """Run a transaction that only reads."""
        with self._counted():
            return await self.database.read(body)

    async def write(
        self,
        purpose: str,
        body: Callable[[sa.Connection], ResultT],
        then: Callable[[ResultT], None] | None = None,
    ) -> ResultT:
        """Run a transaction."""
        with self._counted():
            return await self.database.write(purpose, body, then)

    async def close(self) -> None:
        """Let go."""
        await self.database.close()

    async def settled(self) -> None:
        """Wait until nobody has anything to do but to wait for time, or to be let go on."""
        while True:
            for _ in range(ROUNDS):
                await asyncio.sleep(0)
            if not self._busy:
                return
            await self._idle.wait()

    @contextmanager
    def _counted(self) -> Iterator[None]:
        self._busy += 1
        self._idle.clear()
        try:
            yield
        finally:
            self._busy -= 1
            if not self._busy:
                self._idle.set()


@dataclass(frozen=True, slots=True)
class Held:
    """What a process is about to do; the answer says how it goes wrong, empty if it does not."""

    what: str
    go_on: asyncio.Future[str]


class Gate:
    """What one process is about to do, and whether it does anything at all."""

    def __init__(self) -> None:
        self.awake = asyncio.Event()
        self.awake.set()
        self._held: list[Held] = []

    @property
    def held(self) -> list[Held]:
        """What waits to be let go on."""
        self._held = [held for held in self._held if not held.go_on.done()]
        return self._held

    async def hold(self, what: str) -> str:
        """Wait to be let go on, and return how it goes wrong."""
        await self.awake.wait()
        held = Held(what, asyncio.get_running_loop().create_future())
        self._held.append(held)
        return await held.go_on

    async def whole(self, answer: Awaitable[ResultT]) -> ResultT:
        """Return an answer, to a process that takes it."""
        try:
            return await answer
        finally:
            await self.awake.wait()


class HeldSleep:
    """The time as a process sees it that may stand still."""

    def __init__(self, clock: HeldClock, gate: Gate) -> None:
        self._clock = clock
        self._gate = gate
        self.now = clock.now
        self.monotonic = clock.monotonic

    async def sleep(self, seconds: float) -> None:
        """Wait so long."""
        await self._gate.whole(self._clock.sleep(seconds))


class HeldLedger(SqlLedger):
    """A ledger that holds what its driver writes."""

    gate: Gate

    async def advance(self, claim: Claim, change: Advance) -> Migration:
        """Apply a change, when it is let through."""
        await self.gate.hold("advance")
        return await self.gate.whole(super().advance(claim, change))


class HeldAgents:
    """The agents of every migration's world, as one process talks to them."""

    def __init__(self, worlds: dict[str, FaultyAgents], gate: Gate) -> None:
        self._worlds = worlds
        self._gate = gate

    async def verify_exports(self, order: Order) -> tuple[Finding, ...]:
        """Verify the exports."""
        agents = await self._let("verify_exports", order)
        return await self._gate.whole(agents.verify_exports(order))

    async def prepare_dest(self, order: Order) -> None:
        """Prepare the destination."""
        agents = await self._let("prepare_dest", order)
        await self._gate.whole(agents.prepare_dest(order))

    async def move(self, order: Order) -> AsyncIterator[MoveProgress]:
        """Move."""
        agents = await self._let("move", order)
        async for progress in agents.move(order):
            await self._gate.awake.wait()
            yield progress

    async def abort(self, order: Order) -> str:
        """Stop the move."""
        agents = await self._let("abort", order)
        return await self._gate.whole(agents.abort(order))

    async def observe_source(self, order: Order) -> Observation:
        """Look at the source, at once: a look changes nothing."""
        return await self._gate.whole(self._worlds[order.migration_id].observe_source(order))

    async def observe_dest(self, order: Order) -> Observation:
        """Look at the destination, at once."""
        return await self._gate.whole(self._worlds[order.migration_id].observe_dest(order))

    async def has_floating_ips(self, order: Order) -> bool:
        """Tell that there is one."""
        return bool(order)

    async def move_floating_ips(self, order: Order) -> None:
        """Let the floating IPs follow."""
        agents = await self._let("move_floating_ips", order)
        await self._gate.whole(agents.move_floating_ips(order))

    async def post_at_source(self, order: Order) -> tuple[CleanupItem, ...]:
        """Detach at the source."""
        agents = await self._let("post_at_source", order)
        return await self._gate.whole(agents.post_at_source(order))

    async def post_at_dest(self, order: Order) -> PostReport:
        """Verify at the destination."""
        agents = await self._let("post_at_dest", order)
        return await self._gate.whole(agents.post_at_dest(order))

    async def rollback_at_source(self, order: Order) -> tuple[CleanupItem, ...]:
        """Clear the marks at the source."""
        agents = await self._let("rollback_at_source", order)
        return await self._gate.whole(agents.rollback_at_source(order))

    async def rollback_at_dest(self, order: Order) -> tuple[CleanupItem, ...]:
        """Release what is leased."""
        agents = await self._let("rollback_at_dest", order)
        return await self._gate.whole(agents.rollback_at_dest(order))

    async def _let(self, call: str, order: Order) -> FaultyAgents:
        how = await self._gate.hold(call)
        agents = self._worlds[order.migration_id]
        agents.faults = (Fault(call, how, nth=0),) if how else ()
        return agents
