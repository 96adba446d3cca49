"""Two replicas of the store on one PostgreSQL under random interleavings.

A step is one write or one look of a random replica, so that what one believes is often old by the
time it acts. After each: one open migration an instance, no journal row lost or out of order, the
reservations add up, and of two replicas only the newest claim's owner ever wrote.
"""

import asyncio
from collections.abc import Awaitable
from contextlib import AsyncExitStack
from typing import TypeVar

import sqlalchemy as sa
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from controller.model.migration import JournalEntry, JournalEvent, Migration, MigrationState
from controller.ports.admission import AdmissionRefused
from controller.ports.ledger import Advance, ClaimLost
from controller.store import records, schema
from controller.store.following import Follower
from controller.store.settings import StoreSettings
from tests.support import pg
from tests.support.ledger_conformance import claim_of
from tests.support.store_world import GIB, Store, a_plan, an_agent, open_store

ResultT = TypeVar("ResultT")

REPLICAS = st.sampled_from([0, 1])
GUESTS, ROOM = 3, 2


class TwoReplicas(RuleBasedStateMachine):
    """`held[replica]` is what that replica believes to drive; the world knows who is right."""

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.open = AsyncExitStack()
        self.held: tuple[dict[str, Migration], ...] = ({}, {})
        self.rows: dict[str, int] = {}
        self.winners: dict[tuple[str, int], str] = {}

    def run(self, work: Awaitable[ResultT]) -> ResultT:
        async def whole() -> ResultT:
            return await work

        return self.runner.run(whole())

    @initialize()
    def begin(self) -> None:
        self.source = an_agent("xs1")
        self.dest = an_agent("xs2", free_bytes=ROOM * 4 * GIB + 1)
        self.guests = [self.source.runs(f"web-{number}") for number in range(GUESTS)]
        where = StoreSettings(pg.empty_database(), pool_size=1)
        self.stores = tuple(self.run(self._store(where, name)) for name in ("one", "two"))

    async def _store(self, where: StoreSettings, name: str) -> Store:
        store = await self.open.enter_async_context(open_store(where, name))
        await store.inventory.catch_up()
        if name == "one":
            await store.inventory.register(self.dest.registration())
            await store.inventory.register(self.source.registration(*self.guests))
        else:
            await store.inventory.catch_up()
        return store

    @rule(replica=REPLICAS, guest=st.integers(0, GUESTS - 1))
    def admit(self, replica: int, guest: int) -> None:
        plan = a_plan(self.guests[guest], self.source, self.dest)
        try:
            admitted = self.run(self.stores[replica].admission.admit(plan, name(replica), "x"))
        except AdmissionRefused:
            return
        self.held[replica][admitted.migration_id] = admitted
        self.rows[admitted.migration_id] = 0
        self._won(admitted, replica)

    @rule(replica=REPLICAS)
    def claim(self, replica: int) -> None:
        store = self.stores[replica]
        for claimed in self.run(store.ledger.claim_open(name(replica), self.held[replica].keys())):
            assert len(claimed.journal) == self.rows[claimed.migration_id]
            self.held[replica][claimed.migration_id] = claimed
            self._won(claimed, replica)

    @rule(replica=REPLICAS)
    def forget(self, replica: int) -> None:
        """The process dies: what it drove is driven by nobody."""
        self.held[replica].clear()

    @rule(replica=REPLICAS)
    def follow(self, replica: int) -> None:
        store = self.stores[replica]
        self.run(Follower(store.database, store.live, 1.0).catch_up())

    @precondition(lambda self: self.held[0] or self.held[1])
    @rule(replica=REPLICAS, which=st.integers(0, GUESTS), close=st.booleans())
    def advance(self, replica: int, which: int, close: bool) -> None:
        if not self.held[replica]:
            return
        mine = list(self.held[replica].values())[which % len(self.held[replica])]
        store = self.stores[replica]
        row = JournalEntry("move", JournalEvent.STARTED, store.clock.now(), mine.epoch)
        change = Advance(
            entries=(row,),
            state=MigrationState.SUCCEEDED if close else MigrationState.MOVING,
            close=close,
        )
        try:
            newest = self.run(store.ledger.advance(claim_of(mine, name(replica)), change))
        except ClaimLost:
            newer = [epoch for (key, epoch) in self.winners if key == mine.migration_id]
            assert max(newer) > mine.epoch, "who lost the claim lost it to somebody"
            del self.held[replica][mine.migration_id]
            return
        assert self.winners[mine.migration_id, mine.epoch] == name(replica)
        self.rows[mine.migration_id] += 1
        self.held[replica][mine.migration_id] = newest
        if close:
            del self.held[replica][mine.migration_id]

    @invariant()
    def all_is_sound(self) -> None:
        if not hasattr(self, "stores"):
            return
        found, journals, taken = self.run(self.stores[0].database.read(_everything))
        open_ones = [row for row in found if row.state not in schema.ENDED]
        assert len({row.instance_id for row in open_ones}) == len(open_ones)
        assert {row.migration_id for row in open_ones} == set(taken)
        assert sum(row.reserved_memory_bytes for row in open_ones) <= ROOM * 4 * GIB
        assert all(row.reserved_memory_bytes == 0 for row in found if row not in open_ones)
        for key, expected in self.rows.items():
            assert journals[key] == list(range(1, expected + 1))

    def teardown(self) -> None:
        if hasattr(self, "stores"):
            for store in self.stores:
                self.run(Follower(store.database, store.live, 1.0).catch_up())
            one, two = (store.live for store in self.stores)
            assert one.revision == two.revision
            assert one.open_ids == two.open_ids or set(one.open_ids) == set(two.open_ids)
        self.run(self.open.aclose())
        self.runner.close()

    def _won(self, migration: Migration, replica: int) -> None:
        key = migration.migration_id, migration.epoch
        assert key not in self.winners, "two replicas won one epoch"
        self.winners[key] = name(replica)


def name(replica: int) -> str:
    return ("one", "two")[replica]


def _everything(
    connection: sa.Connection,
) -> tuple[list[sa.Row[tuple[object, ...]]], dict[str, list[int]], list[str]]:
    found = list(connection.execute(sa.select(schema.MIGRATIONS)))
    journals = records.read_journals(connection, [row.migration_id for row in found])
    sequences = {key: [entry.sequence for entry in rows] for key, rows in journals.items()}
    instances = schema.INSTANCES.c
    taken = connection.execute(
        sa.select(instances.migration_id).where(instances.task_state == schema.MIGRATING)
    )
    return found, sequences, list(taken.scalars())


TestTwoReplicas = TwoReplicas.TestCase
TestTwoReplicas.settings = settings(
    max_examples=5,
    stateful_step_count=30,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
