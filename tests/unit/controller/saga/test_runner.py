"""The runner forgets no migration, whatever happens to the task that drives it."""

import asyncio

from controller.model.findings import Reason
from controller.model.migration import Migration, MigrationState
from controller.model.slots import KindLimits, Limits
from controller.ports.ledger import Advance, Claim
from controller.saga.runner import Runner
from tests.support.saga_failures import Fault
from tests.support.saga_trip import MortalLedger, Trip

END = Advance(state=MigrationState.SUCCEEDED, close=True)


class AwayLedger(MortalLedger):
    """A store that is away for some writes."""

    away = 0

    async def advance(self, claim: Claim, change: Advance) -> Migration:
        """Apply a change when it is there."""
        if self.writes >= 2 and self.away > 0:
            self.away -= 1
            raise OSError("the store is away")
        return await super().advance(claim, change)


def runner_of(trip: Trip, owner: str = "one") -> Runner:
    return Runner(owner, trip.ledger, trip.agents, trip.clock, trip.watcher, trip.settings)


async def ended(runner: Runner) -> None:
    async with asyncio.timeout(10):
        await runner.drained()


async def assert_sound(trip: Trip, migration: Migration) -> None:
    trip.migration = await trip.ledger.load(migration.migration_id)
    await trip.assert_sound()


async def test_a_started_migration_is_driven_to_its_end() -> None:
    trip = Trip()
    runner = runner_of(trip)
    migration = await trip.ledger.admit(trip.plan, "one")

    runner.start(migration)
    runner.start(migration)
    await ended(runner)

    await assert_sound(trip, migration)
    assert trip.agents.calls.count("move") == 1


async def test_what_was_left_open_is_resumed() -> None:
    trip = Trip()
    migration = await trip.ledger.admit(trip.plan, "dead")
    runner = runner_of(trip, "new")

    assert await runner.resume() == 1
    await ended(runner)

    await assert_sound(trip, migration)


async def test_a_stopped_runner_lets_go_and_the_next_one_goes_on() -> None:
    for steps in range(0, 60, 3):
        trip = Trip()
        runner = runner_of(trip)
        migration = await trip.ledger.admit(trip.plan, "one")
        runner.start(migration)
        for _ in range(steps):
            await asyncio.sleep(0)

        await runner.stop()
        assert runner.driving == 0
        successor = runner_of(trip, "two")
        await successor.resume()
        await ended(successor)

        await assert_sound(trip, migration)


async def test_a_bug_makes_it_stuck_and_it_is_taken_up_again() -> None:
    trip = Trip(faults=[Fault("post_at_source", "bug")])
    runner = runner_of(trip)
    migration = await trip.ledger.admit(trip.plan, "one")

    runner.start(migration)
    await ended(runner)

    await assert_sound(trip, migration)
    assert (MigrationState.STUCK, Reason.INTERNAL) in trip.ledger.history


async def test_a_store_that_is_away_is_waited_for() -> None:
    trip = Trip()
    trip.ledger = AwayLedger(trip.clock, ())
    trip.ledger.away = 7
    runner = runner_of(trip)
    migration = await trip.ledger.admit(trip.plan, "one")

    runner.start(migration)
    await ended(runner)

    await assert_sound(trip, migration)
    assert trip.migration.state is MigrationState.SUCCEEDED


async def test_who_lost_the_claim_touches_nothing_more() -> None:
    trip = Trip()
    runner = runner_of(trip)
    migration = await trip.ledger.admit(trip.plan, "one")
    await trip.ledger.claim_open("two")

    runner.start(migration)
    await ended(runner)

    assert trip.agents.calls == []
    newest = await trip.ledger.load(migration.migration_id)
    assert (newest.epoch, newest.journal) == (2, ())


async def test_who_is_fenced_at_an_agent_touches_nothing_more() -> None:
    trip = Trip(faults=[Fault("prepare_dest", "fenced")])
    runner = runner_of(trip)
    migration = await trip.ledger.admit(trip.plan, "one")

    runner.start(migration)
    await ended(runner)

    assert trip.agents.calls == ["verify_exports", "prepare_dest"]
    assert trip.ledger.writes == 1


async def test_who_finds_every_slot_taken_waits_and_starts_when_one_is_free() -> None:
    first, second = Trip(), Trip()
    second.ledger = first.ledger
    limits = Limits(KindLimits(in_all=1), KindLimits())
    elsewhere = await first.ledger.admit(first.plan, "another")
    claim = Claim(elsewhere.migration_id, "another", 1)
    await first.ledger.advance(claim, Advance(state=MigrationState.MOVING))
    clock = first.clock
    endings: list[asyncio.Future[Migration]] = []
    clock.at(30, lambda: endings.append(asyncio.ensure_future(first.ledger.advance(claim, END))))
    runner = Runner("one", second.ledger, second.agents, clock, second.watcher, limits=limits)
    second.agents.before_act = lambda _: None
    migration = await second.ledger.admit(second.plan, "one")

    runner.start(migration)
    await ended(runner)

    done = await second.ledger.load(migration.migration_id)
    assert done.state is MigrationState.SUCCEEDED
    assert (done.update_time - done.create_time).total_seconds() >= 30


async def test_an_ended_migration_is_not_driven() -> None:
    trip = Trip()
    migration = await trip.go()
    calls = len(trip.agents.calls)
    runner = runner_of(trip)

    runner.start(migration)

    assert runner.driving == 0
    assert len(trip.agents.calls) == calls
