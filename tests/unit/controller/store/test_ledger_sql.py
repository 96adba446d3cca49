"""The SQL ledger: the conformance suite that every ledger passes, and what only a disk can show."""

import pytest

from controller.model.migration import JournalEntry, JournalEvent, MigrationState
from controller.ports.failures import MigrationUnknown
from controller.ports.ledger import Advance, Claim, ClaimLost
from controller.store.settings import StoreSettings
from tests.support import ledger_conformance
from tests.support.ledger_conformance import Scenario, a_plan, claim_of
from tests.support.store_world import open_store


@pytest.mark.parametrize("scenario", ledger_conformance.SCENARIOS, ids=lambda each: each.__name__)
async def test_sql_ledger_conforms(scenario: Scenario, where: StoreSettings) -> None:
    async with open_store(where) as store:
        await scenario(store)


async def test_open_migration_survives_a_restart_with_its_journal(where: StoreSettings) -> None:
    plan = a_plan()
    async with open_store(where) as store:
        migration = await store.admit(plan, "one")
        entry = JournalEntry("move", JournalEvent.STARTED, store.clock.now(), 1, note="why")
        change = Advance(entries=(entry,), state=MigrationState.MOVING)
        before = await store.ledger.advance(claim_of(migration, "one"), change)

    async with open_store(where) as store:
        (after,) = await store.ledger.claim_open("two")

        assert after.journal == before.journal
        assert after.plan == before.plan
        assert (after.state, after.epoch) == (MigrationState.MOVING, 2)
        assert (await store.instance(plan.instance_id)).task_state == "migrating"
        assert await store.reserved_bytes(plan.dest_host_id) == plan.memory_needed_bytes


async def test_rehomed_instance_is_at_its_destination_after_a_restart(where: StoreSettings) -> None:
    plan = a_plan()
    async with open_store(where) as store:
        migration = await store.admit(plan, "one")
        await store.ledger.advance(claim_of(migration, "one"), Advance(rehome=True))

    async with open_store(where) as store:
        instance = await store.instance(plan.instance_id)

        assert instance.host_id == instance.facts.host_id == plan.dest_host_id


async def test_refused_advance_takes_no_revision(where: StoreSettings) -> None:
    async with open_store(where) as store:
        migration = await store.admit(a_plan(), "one")
        before = await store.history.revision()

        with pytest.raises(ClaimLost):
            await store.ledger.advance(
                Claim(migration.migration_id, "other", 1), Advance(state=MigrationState.MOVING)
            )

        assert await store.history.revision() == before


async def test_unknown_migration_is_named(where: StoreSettings) -> None:
    async with open_store(where) as store:
        with pytest.raises(MigrationUnknown, match="no migration x"):
            await store.ledger.load("x")
