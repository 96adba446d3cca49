"""What does not go on by itself is called STUCK, is tried on, and goes on when it can."""

import pytest

from controller.model.findings import Reason
from controller.model.migration import MigrationState, Whereabouts
from controller.saga import doubt
from controller.saga.run import Run, World
from controller.saga.settings import SagaSettings
from controller.saga.tables import SHARED_STORAGE
from tests.support.saga_failures import Fault
from tests.support.saga_trip import Trip

STUCK = MigrationState.STUCK


async def gone(trip: Trip) -> Trip:
    await trip.go()
    await trip.assert_sound()
    return trip


def silent(call: str, times: int) -> list[Fault]:
    return [Fault(call, "unavailable before", nth) for nth in range(1, times + 1)]


async def test_a_lost_guest_is_reported_and_the_migration_goes_on_when_xapi_finds_it() -> None:
    trip = await gone(Trip("forgotten and adopted"))

    assert (STUCK, Reason.INSTANCE_LOST) in trip.ledger.history
    assert trip.migration.state is MigrationState.SUCCEEDED
    assert trip.migration.error is None


async def test_a_guest_that_nobody_can_be_asked_about_is_an_open_question() -> None:
    trip = await gone(Trip("failed and stayed", silent("observe_dest", 100)))

    assert (STUCK, Reason.OUTCOME_UNKNOWN) in trip.ledger.history
    assert trip.migration.state is MigrationState.ROLLED_BACK


async def test_a_move_that_is_seen_to_go_on_again_is_no_longer_stuck() -> None:
    away = [Fault("move", "unavailable before", nth) for nth in range(2, 90)]
    trip = Trip(faults=[Fault("move", "broken"), *away])
    trip.world.move_s = 1500

    await gone(trip)

    stuck = trip.ledger.history.index((STUCK, Reason.OUTCOME_UNKNOWN))
    assert trip.ledger.history[stuck + 1] == (MigrationState.MOVING, None)


async def test_once_it_is_stuck_agents_are_asked_less_often() -> None:
    calm = await gone(Trip("forgotten and adopted"))
    eager = await gone(Trip("forgotten and adopted", settings=SagaSettings(settle_stuck_s=1)))

    asked = [trip.agents.calls.count("observe_source") for trip in (calm, eager)]

    assert asked[0] < asked[1]


async def test_an_alert_is_written_once() -> None:
    trip = await gone(Trip("forgotten and adopted"))

    assert trip.ledger.history.count((STUCK, Reason.INSTANCE_LOST)) == 1


async def test_residue_is_reported_at_once_and_removed_later() -> None:
    trip = Trip("stays")
    trip.agents.stubborn = 3

    await gone(trip)

    assert trip.ledger.history.count((STUCK, Reason.RESIDUE_LEFT)) == 1
    assert trip.migration.state is MigrationState.ROLLED_BACK
    assert trip.migration.error is not None
    assert trip.migration.error.reason is Reason.MIGRATION_FAILED
    assert [item.action.value for item in trip.migration.cleanup] == ["REMOVED", "REMOVED"]


async def test_a_verification_that_fails_is_repeated_and_in_the_end_reported() -> None:
    trip = Trip()
    trip.agents.stubborn = 15

    await gone(trip)

    assert (STUCK, Reason.NETWORK_NOT_AVAILABLE) in trip.ledger.history
    assert trip.migration.state is MigrationState.SUCCEEDED
    assert trip.migration.error is None


@pytest.mark.parametrize("story", ["arrives", "stays"])
async def test_an_agent_that_is_away_for_long_is_reported_and_waited_for(story: str) -> None:
    step = "post_at_dest" if story == "arrives" else "rollback_at_dest"

    trip = await gone(Trip(story, silent(step, 40)))

    assert (STUCK, Reason.AGENT_UNAVAILABLE) in trip.ledger.history


async def test_an_agent_that_is_away_for_short_costs_nothing_but_time() -> None:
    trip = await gone(Trip(faults=silent("post_at_dest", 10)))

    assert trip.ledger.writes == 6


@pytest.mark.parametrize("crash_at", [6, 7, 8])
async def test_a_new_life_does_not_call_off_the_alert(crash_at: int) -> None:
    trip = Trip("stays", [Fault("rollback_at_dest", "killed", crash_at)])
    trip.agents.stubborn = 10

    await gone(trip)

    first = trip.ledger.history.index((STUCK, Reason.RESIDUE_LEFT))
    last = len(trip.ledger.history) - trip.ledger.history[::-1].index((STUCK, Reason.RESIDUE_LEFT))
    assert {state for state, _ in trip.ledger.history[first:last]} == {STUCK}


async def test_patience_is_a_setting() -> None:
    patient = await gone(Trip("failed and stayed"))
    hasty = await gone(Trip("failed and stayed", settings=SagaSettings(settle_quiet_s=1)))

    assert hasty.migration.update_time < patient.migration.update_time


@pytest.mark.parametrize(
    ("where", "reason"),
    [
        (Whereabouts.NOWHERE, Reason.INSTANCE_LOST),
        (Whereabouts.BOTH, Reason.INSTANCE_DOUBLED),
        (Whereabouts.UNKNOWN, Reason.OUTCOME_UNKNOWN),
        (Whereabouts.SOURCE, Reason.OUTCOME_UNKNOWN),
    ],
)
async def test_an_operator_is_told_what_is_open(where: Whereabouts, reason: Reason) -> None:
    trip = Trip()
    migration = await trip.ledger.admit(trip.plan, "one")
    world = World(trip.ledger, trip.agents, trip.clock, trip.watcher, trip.settings)

    finding = doubt.open_question(Run(world, migration, "one", SHARED_STORAGE), where)

    assert finding.reason is reason
    assert "web-1" in finding.message
    assert "do not start web-1" in finding.remedy


async def test_a_guest_that_stops_at_its_source_is_not_called_rolled_back() -> None:
    trip = Trip("stays")

    async def stop_it(call: str) -> None:
        if call == "rollback_at_dest":
            trip.world.halt_record()
            trip.clock.at(300, trip.world.show_at_source)

    trip.agents.on_call = stop_it

    await gone(trip)

    assert (STUCK, Reason.INSTANCE_NOT_RUNNING) in trip.ledger.history
    assert trip.migration.state is MigrationState.ROLLED_BACK
    assert trip.migration.error is not None
    assert trip.migration.error.reason is Reason.MIGRATION_FAILED


async def test_residue_that_only_a_look_finds_is_reported() -> None:
    trip = Trip("stays")

    def release() -> None:
        trip.world.guest.leased = False

    async def leave_it(call: str) -> None:
        if call == "observe_dest" and trip.agents.calls.count(call) == 1:
            trip.world.guest.leased = True
            trip.clock.at(100, release)

    trip.agents.on_call = leave_it

    await gone(trip)

    assert (STUCK, Reason.RESIDUE_LEFT) in trip.ledger.history
    assert trip.migration.state is MigrationState.ROLLED_BACK
