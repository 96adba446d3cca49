"""The step that brings floating IPs along, and whom it is spared."""

from controller.model.migration import MigrationState
from tests.support.saga_trip import Trip


async def test_an_instance_without_floating_ips_is_spared_the_step_and_its_write() -> None:
    trip, with_some = Trip(), Trip()
    trip.agents.floating = False

    await with_some.go()
    await trip.go()

    assert trip.migration.state is MigrationState.SUCCEEDED
    assert "move_floating_ips" not in {row.step for row in trip.migration.journal}
    assert "move_floating_ips" not in trip.agents.calls
    assert trip.ledger.writes == with_some.ledger.writes - 1


async def test_floating_ips_come_along_only_once_the_arrival_is_written() -> None:
    trip = Trip()

    await trip.go()

    steps = [row.step for row in trip.migration.journal]
    assert steps.index("rehome_instance") < steps.index("move_floating_ips")
    assert steps.index("move_floating_ips") < steps.index("post_at_source")


async def test_an_instance_that_stays_keeps_its_floating_ips_where_they_are() -> None:
    trip = Trip("stays")

    await trip.go()

    assert "move_floating_ips" not in trip.agents.calls
    assert trip.world.guest.carried_by == trip.world.guest.source
