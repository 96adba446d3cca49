"""An operator settles what is STUCK, as far as XAPI does not show the contrary."""

import pytest

from controller.model.findings import Reason
from controller.model.migration import (
    CleanupAction,
    MigrationKind,
    MigrationState,
    Resolution,
    Whereabouts,
)
from controller.saga.interventions import Contradicted, NotStuck
from controller.saga.resolving import Resolver
from tests.support import saga_orders
from tests.support.saga_failures import Fault
from tests.support.saga_trip import Trip

FORWARD, BACK, ADOPT = (
    Resolution.ROLL_FORWARD,
    Resolution.ROLL_BACK,
    Resolution.ADOPT_REALITY,
)


def away(call: str, times: int = 200) -> list[Fault]:
    return [Fault(call, "unavailable before", nth) for nth in range(1, times + 1)]


async def gone(trip: Trip) -> None:
    await trip.go()
    assert trip.world.damage == []
    assert trip.world.moves <= 1
    assert await trip.ledger.reserved_bytes(trip.plan.dest_host_id) == 0


async def test_a_guest_that_an_operator_has_found_at_the_destination_is_finished() -> None:
    trip = Trip("forgotten and adopted")
    operator = saga_orders.resolves(trip, FORWARD)

    await gone(trip)

    assert operator.answer is not None
    assert operator.answer.resolution is FORWARD
    assert trip.migration.state is MigrationState.SUCCEEDED
    assert trip.migration.error is None
    took = trip.migration.update_time - trip.migration.create_time
    assert took.total_seconds() < 400
    instance = await trip.ledger.instance(trip.plan.instance_id)
    assert instance.facts.host_id == trip.plan.dest_host_id


async def test_a_guest_that_an_operator_has_found_at_the_source_is_rolled_back() -> None:
    trip = Trip("failed and stayed", away("observe_dest", 100))
    operator = saga_orders.resolves(trip, BACK)

    await gone(trip)

    assert operator.answer is not None
    assert trip.migration.state is MigrationState.ROLLED_BACK
    assert trip.migration.error is not None
    assert "I looked" in trip.migration.error.message


async def test_forward_is_refused_while_the_guest_runs_at_its_source() -> None:
    trip = Trip("failed and stayed", away("observe_dest", 100))
    operator = saga_orders.resolves(trip, FORWARD)

    await gone(trip)

    assert isinstance(operator.refusal, Contradicted)
    assert "running on xs1" in str(operator.refusal)
    assert trip.migration.state is MigrationState.ROLLED_BACK
    assert trip.migration.resolution is None


async def test_back_is_refused_once_the_guest_has_arrived() -> None:
    trip = Trip(faults=away("post_at_source", 60))
    operator = saga_orders.resolves(trip, BACK)

    await gone(trip)

    assert isinstance(operator.refusal, Contradicted)
    assert "only forward" in str(operator.refusal)
    assert trip.migration.state is MigrationState.SUCCEEDED


async def test_forward_is_refused_on_the_way_back() -> None:
    trip = Trip("stays")
    trip.agents.stubborn = 5
    operator = saga_orders.resolves(trip, FORWARD)

    await gone(trip)

    assert isinstance(operator.refusal, Contradicted)
    assert "only back" in str(operator.refusal)


@pytest.mark.parametrize("kind", MigrationKind)
async def test_reality_is_adopted_with_what_is_left_itemised(kind: MigrationKind) -> None:
    trip = Trip("stays", kind=kind)
    trip.agents.stubborn = 10_000
    operator = saga_orders.resolves(trip, ADOPT)

    await gone(trip)

    assert operator.answer is not None
    assert trip.migration.state is MigrationState.ROLLED_BACK
    assert trip.migration.resolution is ADOPT
    assert trip.migration.resolution_reason == "I looked"
    assert trip.migration.whereabouts is Whereabouts.SOURCE
    kept = {item.subject for item in trip.migration.cleanup if item.action is CleanupAction.KEPT}
    assert kept == {"sr/iscsi-1"}


async def test_a_guest_that_arrived_is_adopted_as_arrived() -> None:
    trip = Trip(faults=[Fault("post_at_dest", "unavailable before", 0)])
    saga_orders.resolves(trip, ADOPT)

    await gone(trip)

    assert trip.migration.state is MigrationState.SUCCEEDED
    assert trip.migration.whereabouts is Whereabouts.DEST


async def test_a_guest_that_nobody_shows_is_adopted_as_lost() -> None:
    trip = Trip("forgotten and adopted")
    saga_orders.resolves(trip, ADOPT)

    await trip.go()

    assert trip.migration.state is MigrationState.ROLLED_BACK
    assert trip.migration.whereabouts is Whereabouts.NOWHERE
    assert trip.migration.error is not None
    assert trip.migration.error.reason is Reason.INSTANCE_LOST


async def test_what_can_not_be_seen_is_not_adopted() -> None:
    trip = Trip("failed and stayed", away("observe_dest", 100))
    operator = saga_orders.resolves(trip, ADOPT)

    await gone(trip)

    assert isinstance(operator.refusal, Contradicted)
    assert "does not answer" in str(operator.refusal)


async def test_a_decision_makes_a_refused_step_be_tried_at_once() -> None:
    refusals = [Fault("post_at_source", "refused", nth) for nth in range(1, 13)]
    calm, decided = Trip(faults=refusals), Trip(faults=refusals)
    operator = saga_orders.resolves(decided, FORWARD)

    await gone(calm)
    await gone(decided)

    assert operator.answer is not None
    assert decided.migration.update_time < calm.migration.update_time


async def test_what_goes_on_by_itself_needs_no_decision() -> None:
    trip = Trip()
    await trip.go()

    with pytest.raises(NotStuck):
        await Resolver(trip.ledger, trip.agents).resolve(trip.migration.migration_id, BACK, "why")


async def test_the_same_decision_again_returns_the_migration() -> None:
    trip = Trip("forgotten and adopted")
    saga_orders.resolves(trip, FORWARD)
    await gone(trip)
    resolver = Resolver(trip.ledger, trip.agents)

    assert await resolver.resolve(trip.migration.migration_id, FORWARD, "why") == trip.migration


@pytest.mark.parametrize("asked", Resolution)
async def test_nothing_is_decided_while_both_sides_run_the_guest(asked: Resolution) -> None:
    trip = Trip("forgotten and adopted", kind=MigrationKind.BLOCK)
    operator = saga_orders.resolves(trip, asked)
    trip.clock.at(2, trip.world.double)
    trip.clock.at(650, trip.world.end_doubling)

    await gone(trip)

    assert isinstance(operator.refusal, Contradicted)
    assert trip.migration.state is MigrationState.SUCCEEDED
    assert (MigrationState.STUCK, Reason.INSTANCE_DOUBLED) in trip.ledger.history
