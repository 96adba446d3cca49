"""Claims of replicas on one PostgreSQL: held by beats, taken when they ran out, and fenced."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest
import sqlalchemy as sa

from controller.model.migration import JournalEntry, JournalEvent, Migration, MigrationState
from controller.ports.ledger import Advance, ClaimLost
from controller.store import claims, metrics, schema
from controller.store import replica as replicas
from controller.store.following import Follower
from controller.store.postgres import PostgresDatabase
from controller.store.replica import Replica
from controller.store.settings import StoreSettings
from tests.support import pg
from tests.support.ledger_conformance import a_plan, claim_of
from tests.support.store_world import Store, open_store

GOING_ON = Advance(state=MigrationState.MOVING)


@dataclass(frozen=True, slots=True)
class One:
    """A replica's store and its beat."""

    name: str
    store: Store
    replica: Replica
    follower: Follower

    async def silent_for_too_long(self) -> None:
        """Let its claims run out, as a frozen process would."""
        ran_out = (
            sa.update(schema.REPLICAS)
            .where(schema.REPLICAS.c.owner == self.name)
            .values(claim_until=0)
        )
        await self.store.database.write(metrics.MIGRATION, lambda c: c.execute(ran_out).rowcount)

    async def others_hold_for_s(self) -> float | None:
        """Tell when the claims of another replica run out first."""
        return await self.store.database.read(
            lambda c: claims.others_hold_for_s(c, self.name, claims.now_micros(c, 0))
        )

    async def takes(self) -> list[Migration]:
        """Claim what nobody drives."""
        return await self.store.ledger.claim_open(self.name)


@pytest.fixture
def where() -> StoreSettings:
    """Return the settings of an empty store that replicas share."""
    return StoreSettings(pg.empty_database(), pool_size=2)


@asynccontextmanager
async def replica(where: StoreSettings, name: str) -> AsyncIterator[One]:
    async with open_store(where, name) as store:
        assert isinstance(store.database, PostgresDatabase)
        beating = Replica(name, store.database, where, store.liveness, store.inventory, store.clock)
        await beating.enter()
        yield One(name, store, beating, Follower(store.database, store.live, 1.0))


async def test_the_claim_of_a_living_replica_is_not_taken(where: StoreSettings) -> None:
    async with replica(where, "one") as one, replica(where, "two") as two:
        migration = await one.store.admit(a_plan(), "one")

        assert await two.takes() == []
        await one.store.ledger.advance(claim_of(migration, "one"), GOING_ON)


async def test_a_claim_that_ran_out_is_taken_once_and_its_owner_is_fenced(
    where: StoreSettings,
) -> None:
    async with (
        replica(where, "one") as one,
        replica(where, "two") as two,
        replica(where, "three") as three,
    ):
        migration = await one.store.admit(a_plan(), "one")
        row = JournalEntry("move", JournalEvent.STARTED, one.store.clock.now(), 1)
        before = await one.store.ledger.advance(
            claim_of(migration, "one"), Advance(entries=(row,), state=MigrationState.MOVING)
        )
        await one.silent_for_too_long()

        (taken,) = await two.takes()

        assert await three.takes() == []
        assert (taken.epoch, taken.journal) == (2, before.journal)
        with pytest.raises(ClaimLost):
            await one.store.ledger.advance(claim_of(migration, "one"), GOING_ON)
        after = await two.store.ledger.advance(claim_of(taken, "two"), Advance(entries=(row,)))
        assert [entry.sequence for entry in after.journal] == [1, 2]


async def test_a_replica_that_wakes_before_anybody_took_its_claim_goes_on(
    where: StoreSettings,
) -> None:
    async with replica(where, "one") as one, replica(where, "two") as two:
        migration = await one.store.admit(a_plan(), "one")
        await one.silent_for_too_long()

        await one.store.ledger.advance(claim_of(migration, "one"), GOING_ON)
        await one.replica.enter()

        assert await two.takes() == []


async def test_a_replica_knows_when_the_claims_of_another_run_out(where: StoreSettings) -> None:
    async with replica(where, "one") as one:
        assert await one.others_hold_for_s() is None
        async with replica(where, "two") as two:
            held_s = await one.others_hold_for_s()

            assert held_s is not None
            assert 0 < held_s <= where.claim_s
            await two.silent_for_too_long()
            assert await one.others_hold_for_s() is None


@pytest.mark.parametrize(
    ("claim_s", "others_hold_s", "pause_s"),
    [
        (4.0, None, 0.5),
        (4.0, 3.5, 0.5),
        (4.0, 0.2, 0.2 + replicas.JUST_AFTER_S),
        (1.0, 0.9, 0.25),
        (1.0, 0.0, replicas.JUST_AFTER_S),
    ],
)
def test_a_beat_comes_right_after_claims_of_others_ran_out(
    claim_s: float, others_hold_s: float | None, pause_s: float
) -> None:
    assert replicas.pause_s(claim_s, others_hold_s) == pytest.approx(pause_s)


async def test_what_a_leaving_replica_had_is_taken_without_waiting(where: StoreSettings) -> None:
    async with replica(where, "one") as one, replica(where, "two") as two:
        migration = await one.store.admit(a_plan(), "one")

        await one.replica.leave()

        assert [each.migration_id for each in await two.takes()] == [migration.migration_id]


async def test_a_migration_whose_admission_got_no_answer_is_driven_after_a_while(
    where: StoreSettings,
) -> None:
    async with replica(where, "one") as one:
        migration = await one.store.admit(a_plan(), "one")
        assert await one.takes() == []

        await one.store.clock.sleep(11.0)

        assert await one.store.ledger.claim_open("one", [migration.migration_id]) == []
        (found,) = await one.takes()
        assert (found.migration_id, found.epoch) == (migration.migration_id, 2)


async def test_a_replica_hears_of_what_another_wrote_and_forgets_what_it_knew(
    where: StoreSettings,
) -> None:
    async with replica(where, "one") as one, replica(where, "two") as two:
        migration = await one.store.admit(a_plan(), "one")
        await one.silent_for_too_long()
        (taken,) = await two.takes()
        newest = await two.store.ledger.advance(claim_of(taken, "two"), GOING_ON)
        assert one.store.live.find(migration.migration_id) == migration

        await one.follower.catch_up()
        await two.follower.catch_up()

        assert one.store.live.find(migration.migration_id) is None
        assert two.store.live.find(migration.migration_id) == newest
        assert one.store.live.revision == two.store.live.revision == newest.revision


async def test_agents_heard_by_one_replica_are_alive_at_the_other(where: StoreSettings) -> None:
    plan = a_plan()
    async with replica(where, "one") as one, replica(where, "two") as two:
        await one.store.admit(plan, "one")
        await two.store.inventory.catch_up()
        known = await two.store.inventory.host(plan.dest_host_id)
        assert known is not None
        assert not known.alive

        await one.replica.enter()
        await two.replica.enter()

        known = await two.store.inventory.host(plan.dest_host_id)
        assert known is not None
        assert known.alive
