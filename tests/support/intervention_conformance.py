"""What every ledger must do for those who do not drive a migration, and for those who wait."""

import pytest

from controller.model.migration import (
    JournalEntry,
    JournalEvent,
    Migration,
    MigrationPlan,
    MigrationState,
    Resolution,
)
from controller.model.slots import KindLimits, Limits
from controller.ports.failures import MigrationUnknown
from controller.ports.ledger import Advance, CancelWins, ClaimLost, Decide, NoSlot
from tests.support.ledger_conformance import NOW, Harness, Scenario, a_plan, claim_of

ONE_AT_A_TIME = Limits(KindLimits(in_all=1), KindLimits())
STARTED = Advance(
    entries=(JournalEntry("move", JournalEvent.STARTED, NOW, epoch=1),),
    state=MigrationState.MOVING,
    unless_cancelled=True,
)


def always(change: Advance) -> Decide:
    """Return a decision that does not look."""
    return lambda _: change


async def a_wish_is_written_without_a_claim(harness: Harness) -> None:
    """And the driver's next change returns it."""
    migration = await harness.admit(a_plan(), "one")
    wish = Advance(cancel_requested=True, cancel_reason="enough")

    wished = await harness.ledger.intervene(migration.migration_id, always(wish))
    newest = await harness.ledger.advance(
        claim_of(migration, "one"), Advance(state=MigrationState.PREPARING)
    )

    assert wished.revision > migration.revision
    assert (wished.cancel_requested, wished.cancel_reason) == (True, "enough")
    assert (newest.cancel_requested, newest.cancel_reason) == (True, "enough")
    assert newest == await harness.ledger.load(migration.migration_id)


async def a_decision_is_kept_with_its_reason(harness: Harness) -> None:
    """The last one counts."""
    migration = await harness.admit(a_plan(), "one")
    for resolution in Resolution:
        change = Advance(resolution=resolution, resolution_reason=f"because {resolution}")
        await harness.ledger.intervene(migration.migration_id, always(change))

    newest = await harness.ledger.load(migration.migration_id)

    assert newest.resolution is Resolution.ADOPT_REALITY
    assert newest.resolution_reason == "because ADOPT_REALITY"


async def who_decides_sees_the_newest_row_and_may_change_nothing(harness: Harness) -> None:
    """The row it decides over is the one it would change."""
    migration = await harness.admit(a_plan(), "one")
    newest = await harness.ledger.advance(claim_of(migration, "one"), STARTED)
    seen: list[Migration] = []

    answer = await harness.ledger.intervene(migration.migration_id, seen.append)

    assert seen == [newest]
    assert answer == newest == await harness.ledger.load(migration.migration_id)


async def what_is_begun_after_a_cancellation_is_not_begun(harness: Harness) -> None:
    """Of the two the first that is written wins."""
    migration = await harness.admit(a_plan(), "one")
    wish = Advance(cancel_requested=True)
    before = await harness.ledger.intervene(migration.migration_id, always(wish))

    with pytest.raises(CancelWins):
        await harness.ledger.advance(claim_of(migration, "one"), STARTED)

    assert await harness.ledger.load(migration.migration_id) == before


async def a_lost_claim_is_no_cancellation(harness: Harness) -> None:
    """Even where both would do."""
    migration = await harness.admit(a_plan(), "one")
    wish = Advance(cancel_requested=True)
    await harness.ledger.intervene(migration.migration_id, always(wish))

    with pytest.raises(ClaimLost):
        await harness.ledger.advance(claim_of(migration, "two"), STARTED)


async def an_end_put_by_somebody_else_takes_the_claim(harness: Harness) -> None:
    """And frees what was held."""
    plan = a_plan()
    migration = await harness.admit(plan, "one")
    end = Advance(state=MigrationState.CANCELLED, close=True, cancel_requested=True)

    ended = await harness.ledger.intervene(migration.migration_id, always(end))

    assert ended.state is MigrationState.CANCELLED
    assert ended.end_time is not None
    assert await harness.reserved_bytes(plan.dest_host_id) == 0
    assert (await harness.instance(plan.instance_id)).task_state == ""
    with pytest.raises(ClaimLost):
        await harness.ledger.advance(claim_of(migration, "one"), STARTED)


async def nobody_intervenes_in_what_is_not_there(harness: Harness) -> None:
    """By name."""
    with pytest.raises(MigrationUnknown):
        await harness.ledger.intervene("00000000-0000-4000-8000-000000000000", lambda _: None)


async def as_many_run_as_may(harness: Harness) -> None:
    """The others are told to wait, and nothing of theirs is written."""
    first, second = await harness.admit(a_plan(), "one"), await harness.admit(a_plan(), "one")
    start = Advance(state=MigrationState.PREPARING, within=ONE_AT_A_TIME)
    await harness.ledger.advance(claim_of(first, "one"), start)

    with pytest.raises(NoSlot):
        await harness.ledger.advance(claim_of(second, "one"), start)

    assert await harness.ledger.load(second.migration_id) == second
    stuck = Advance(state=MigrationState.STUCK)
    await harness.ledger.advance(claim_of(first, "one"), stuck)
    await harness.ledger.advance(claim_of(second, "one"), start)


async def limits_of_a_host_do_not_hold_elsewhere(harness: Harness) -> None:
    """Each plan here is between hosts of its own."""
    limits = Limits(KindLimits(per_source=1, per_dest=1), KindLimits())
    start = Advance(state=MigrationState.PREPARING, within=limits)
    plans: list[MigrationPlan] = [a_plan(), a_plan()]

    for plan in plans:
        migration = await harness.admit(plan, "one")
        await harness.ledger.advance(claim_of(migration, "one"), start)


SCENARIOS: tuple[Scenario, ...] = (
    a_wish_is_written_without_a_claim,
    a_decision_is_kept_with_its_reason,
    who_decides_sees_the_newest_row_and_may_change_nothing,
    what_is_begun_after_a_cancellation_is_not_begun,
    a_lost_claim_is_no_cancellation,
    an_end_put_by_somebody_else_takes_the_claim,
    nobody_intervenes_in_what_is_not_there,
    as_many_run_as_may,
    limits_of_a_host_do_not_hold_elsewhere,
)
