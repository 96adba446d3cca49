"""The SQL ledger does for those who do not drive a migration what every ledger must."""

import asyncio

import pytest

from controller.model.migration import MigrationState
from controller.model.slots import KindLimits, Limits
from controller.ports.ledger import Advance, CancelWins, NoSlot
from controller.store.settings import StoreSettings
from tests.support import intervention_conformance as conformance
from tests.support.ledger_conformance import Scenario, a_plan, claim_of
from tests.support.store_world import open_store


@pytest.mark.parametrize("scenario", conformance.SCENARIOS, ids=lambda each: each.__name__)
async def test_sql_ledger_conforms(scenario: Scenario, where: StoreSettings) -> None:
    async with open_store(where) as store:
        await scenario(store)


async def test_of_cancellation_and_start_at_once_one_wins(where: StoreSettings) -> None:
    start = Advance(state=MigrationState.MOVING, unless_cancelled=True)
    wish = Advance(cancel_requested=True)
    async with open_store(where) as store:
        for _ in range(10):
            migration = await store.admit(a_plan(), "one")

            begun, wished = await asyncio.gather(
                store.ledger.advance(claim_of(migration, "one"), start),
                store.ledger.intervene(migration.migration_id, lambda _: wish),
                return_exceptions=True,
            )

            newest = await store.ledger.load(migration.migration_id)
            assert not isinstance(wished, BaseException)
            if isinstance(begun, CancelWins):
                assert newest.state is MigrationState.QUEUED
            else:
                assert wished.state is MigrationState.MOVING


async def test_twenty_starts_at_once_take_three_slots(where: StoreSettings) -> None:
    limits = Limits(KindLimits(in_all=3), KindLimits())
    start = Advance(state=MigrationState.PREPARING, within=limits)
    async with open_store(where) as store:
        waiting = [await store.admit(a_plan(), "one") for _ in range(20)]

        answers = await asyncio.gather(
            *(store.ledger.advance(claim_of(each, "one"), start) for each in waiting),
            return_exceptions=True,
        )

        assert sum(isinstance(answer, NoSlot) for answer in answers) == 17
