"""Every fault the table generates: each ledger write and each agent call, on each story."""

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.model.findings import Reason
from controller.model.migration import MigrationState
from controller.saga.steps import Finish
from controller.saga.tables import SHARED_STORAGE
from tests.support import saga_world
from tests.support.saga_agents import KINDS, Fault
from tests.support.saga_trip import Crash, Trip


def _dry(story: str) -> Trip:
    trip = Trip(story)
    asyncio.run(trip.go())
    return trip


DRY = {story: _dry(story) for story in saga_world.STORIES}
CRASHES = [
    (story, Crash(write, durable))
    for story, trip in DRY.items()
    for write in range(1, trip.ledger.writes + 1)
    for durable in (False, True)
]
CALLS = [
    (story, call, nth)
    for story, trip in DRY.items()
    for call in dict.fromkeys(trip.agents.calls)
    for nth in range(1, min(trip.agents.calls.count(call), 2) + 1)
]


def _kinds(call: str) -> list[str]:
    if call.startswith("observe"):
        return ["refused", "unavailable before", "killed"]
    return [kind for kind in KINDS if kind != "broken" or call == "move"]


FAULTS = [(story, Fault(call, kind, nth)) for story, call, nth in CALLS for kind in _kinds(call)]


@pytest.mark.parametrize("story", saga_world.STORIES)
async def test_every_story_ends_soundly_without_a_fault(story: str) -> None:
    trip = Trip(story)

    await trip.go()

    await trip.assert_sound()


def test_the_stories_call_every_step_of_the_table() -> None:
    steps = {step.name for step in SHARED_STORAGE.prepare}
    steps |= {step.name for step in SHARED_STORAGE.back}
    steps |= {step.name for step in SHARED_STORAGE.finish if isinstance(step, Finish)}

    called = {call for trip in DRY.values() for call in trip.agents.calls}

    assert steps | {SHARED_STORAGE.pivot.name} <= called


@pytest.mark.parametrize(("story", "crash"), CRASHES, ids=str)
async def test_a_crash_at_any_write_ends_soundly(story: str, crash: Crash) -> None:
    trip = Trip(story, crashes=[crash])

    await trip.go()

    await trip.assert_sound()
    assert trip.migration.state is DRY[story].migration.state
    assert reason(trip) is reason(DRY[story])


def reason(trip: Trip) -> Reason | None:
    return None if trip.migration.error is None else trip.migration.error.reason


@pytest.mark.parametrize(("story", "fault"), FAULTS, ids=str)
async def test_a_fault_at_any_call_ends_soundly(story: str, fault: Fault) -> None:
    trip = Trip(story, [fault])

    await trip.go()

    await trip.assert_sound()


@pytest.mark.parametrize("crash", [Crash(2, durable=True), Crash(3, durable=True)], ids=str)
@pytest.mark.parametrize(("story", "fault"), FAULTS[:: len(FAULTS) // 60], ids=str)
async def test_a_fault_after_a_crash_ends_soundly(story: str, fault: Fault, crash: Crash) -> None:
    trip = Trip(story, [fault], [crash])

    await trip.go()

    await trip.assert_sound()


@settings(max_examples=100, deadline=None)
@given(
    story=st.sampled_from(sorted(saga_world.STORIES)),
    faults=st.lists(
        st.builds(
            Fault,
            st.sampled_from(sorted({call for _, call, _ in CALLS})),
            st.sampled_from(KINDS),
            st.integers(1, 3),
        ),
        max_size=4,
    ),
    crashes=st.lists(st.builds(Crash, st.integers(1, 9), st.booleans()), max_size=3),
)
def test_any_few_faults_together_end_soundly(
    story: str, faults: list[Fault], crashes: list[Crash]
) -> None:
    async def scenario() -> None:
        trip = Trip(story, faults, crashes)
        await trip.go()
        await trip.assert_sound()

    asyncio.run(scenario())


def test_a_migration_without_faults_costs_six_writes() -> None:
    assert DRY["arrives"].migration.state is MigrationState.SUCCEEDED
    assert DRY["arrives"].ledger.writes == 6
