"""A migration is cancelled at every moment of every story, and the answer is always true."""

import asyncio

import pytest

from controller.model.findings import Reason
from controller.model.migration import JournalEvent, MigrationKind, MigrationState
from controller.ports.ledger import ClaimLost
from controller.saga.cancelling import Canceller
from controller.saga.interventions import Ended, TooLate
from tests.support import saga_orders
from tests.support.saga_failures import Fault
from tests.support.saga_trip import Crash, Trip

TOLD = [
    (kind, story) for kind in MigrationKind for story in ("arrives", "stays", "failed and stayed")
]
TOLD += [
    (MigrationKind.SHARED_STORAGE, story)
    for story in ("forgotten and adopted", "failed and arrived", "flickers")
]


def _calls(kind: MigrationKind, story: str) -> list[str]:
    trip = Trip(story, kind=kind)
    asyncio.run(trip.go())
    return [*dict.fromkeys(trip.agents.calls), "during move"]


MOMENTS = [
    (kind, story, call, nth)
    for kind, story in TOLD
    for call in _calls(kind, story)
    for nth in (1, 2)
]
CRASHES = [Crash(write, durable) for write in range(1, 5) for durable in (False, True)]


async def gone(trip: Trip) -> Trip:
    await trip.go()
    await trip.assert_sound()
    return trip


def assert_truthful(trip: Trip, operator: saga_orders.Operator) -> None:
    """Assert that nobody was told what is not so."""
    ended = trip.migration.state
    if isinstance(operator.refusal, TooLate):
        assert ended is MigrationState.SUCCEEDED
    if ended is MigrationState.CANCELLED:
        assert operator.answer is not None
        assert trip.migration.error is not None
        assert trip.migration.error.reason is Reason.MIGRATION_CANCELLED
    if operator.answer is not None and operator.answer.state is MigrationState.CANCELLED:
        assert ended is MigrationState.CANCELLED


@pytest.mark.parametrize(("kind", "story", "moment", "nth"), MOMENTS)
async def test_a_cancellation_at_any_moment_is_answered_truthfully(
    kind: MigrationKind, story: str, moment: str, nth: int
) -> None:
    trip = Trip(story, kind=kind)
    operator = saga_orders.cancels(trip, moment, nth)

    await gone(trip)

    assert_truthful(trip, operator)


@pytest.mark.parametrize("crash", CRASHES, ids=str)
@pytest.mark.parametrize(
    "moment", ["verify_exports", "prepare_dest", "move", "during move", "abort"]
)
async def test_a_cancellation_survives_a_crash(moment: str, crash: Crash) -> None:
    trip = Trip(crashes=[crash])
    operator = saga_orders.cancels(trip, "during move" if moment == "abort" else moment)
    if moment == "abort":
        trip.agents.faults = (Fault("abort", "killed"),)

    await gone(trip)

    assert_truthful(trip, operator)


@pytest.mark.parametrize(
    "fault", ["refused", "unavailable before", "unavailable after", "repeated"]
)
@pytest.mark.parametrize("kind", MigrationKind)
async def test_a_move_is_stopped_although_the_first_attempt_fails(
    kind: MigrationKind, fault: str
) -> None:
    trip = Trip(faults=[Fault("abort", fault)], kind=kind)
    trip.world.move_s = 60
    saga_orders.cancels(trip, "during move")

    await gone(trip)

    assert trip.migration.state is MigrationState.CANCELLED


@pytest.mark.parametrize("moment", ["verify_exports", "prepare_dest"])
async def test_what_is_cancelled_before_the_move_is_never_moved(moment: str) -> None:
    trip = Trip()
    saga_orders.cancels(trip, moment)

    await gone(trip)

    assert trip.migration.state is MigrationState.CANCELLED
    assert trip.world.moves == 0
    assert "rollback_at_source" not in trip.agents.calls
    failed = [row for row in trip.migration.journal if row.event is JournalEvent.FAILED]
    assert [row.step for row in failed] == ["move"]
    assert "enough" in failed[0].note


async def test_a_cancelled_copy_leaves_the_guest_at_its_source() -> None:
    trip = Trip(kind=MigrationKind.BLOCK)
    trip.world.move_s = 60
    saga_orders.cancels(trip, "during move")

    await gone(trip)

    assert trip.migration.state is MigrationState.CANCELLED
    assert trip.agents.calls.count("abort") == 1
    assert trip.world.guest.domains == [trip.plan.source_host_id]


async def test_a_move_that_the_source_has_not_answered_is_looked_for_before_it_is_given_up() -> (
    None
):
    trip = Trip(faults=[Fault("move", "unavailable after")])
    saga_orders.cancels(trip, "move")

    await gone(trip)

    assert trip.migration.state is MigrationState.CANCELLED
    assert trip.agents.calls.index("observe_source") < trip.agents.calls.index("abort")


async def test_a_cancellation_ends_the_wait_for_an_agent_that_is_away() -> None:
    trip = Trip(faults=[Fault("prepare_dest", "unavailable before", nth) for nth in range(1, 9)])
    saga_orders.cancels(trip, "prepare_dest", 3)

    await gone(trip)

    assert trip.migration.state is MigrationState.CANCELLED
    assert trip.agents.calls.count("prepare_dest") == 3


async def test_a_cancellation_ends_the_wait_for_a_busy_source() -> None:
    trip = Trip(faults=[Fault("move", "busy", 0)])
    saga_orders.cancels(trip, "move", 4)

    await gone(trip)

    assert trip.migration.state is MigrationState.CANCELLED
    assert trip.world.moves == 0


async def test_what_still_waits_is_cancelled_at_once_and_for_good() -> None:
    trip = Trip()
    queued = await trip.ledger.admit(trip.plan, "one")

    answer = await Canceller(trip.ledger).cancel(queued.migration_id, "")

    assert answer.state is MigrationState.CANCELLED
    assert await trip.ledger.reserved_bytes(trip.plan.dest_host_id) == 0
    with pytest.raises(ClaimLost):
        await trip.carry(queued, "one")
    assert trip.agents.calls == []


async def test_a_repeat_returns_what_is_being_cancelled_and_what_was() -> None:
    trip = Trip()
    operator = saga_orders.cancels(trip, "prepare_dest")
    await gone(trip)
    assert operator.answer is not None

    again = await Canceller(trip.ledger).cancel(operator.answer.migration_id, "again")

    assert again == trip.migration


@pytest.mark.parametrize("story", ["arrives", "stays"])
async def test_what_has_ended_can_not_be_cancelled(story: str) -> None:
    trip = await gone(Trip(story))

    with pytest.raises(Ended):
        await Canceller(trip.ledger).cancel(trip.migration.migration_id, "")


async def test_a_guest_that_has_arrived_can_not_be_called_back() -> None:
    trip = Trip()
    operator = saga_orders.cancels(trip, "post_at_dest")

    await gone(trip)

    assert isinstance(operator.refusal, TooLate)


async def test_a_migration_on_its_way_back_needs_no_cancellation() -> None:
    trip = Trip("stays")
    operator = saga_orders.cancels(trip, "rollback_at_dest")

    await gone(trip)

    assert operator.answer is not None
    assert not operator.answer.cancel_requested
    assert trip.migration.state is MigrationState.ROLLED_BACK
