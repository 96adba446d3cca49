"""Every fault the table generates: each ledger write and each agent call, on each story."""

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.model.findings import Reason
from controller.model.migration import MigrationKind, MigrationState
from controller.saga.steps import Finish, Table
from controller.saga.tables import TABLES
from tests.support import saga_world
from tests.support.saga_agents import KINDS, Fault
from tests.support.saga_trip import Crash, Trip

SHARED_STORAGE, BLOCK = MigrationKind.SHARED_STORAGE, MigrationKind.BLOCK
# The kinds differ in what each side shows; what XAPI does with a task is the same for both.
OF_BLOCK = ("arrives", "stays", "forgotten and adopted", "failed and stayed")
TOLD = [(SHARED_STORAGE, story) for story in saga_world.STORIES]
TOLD += [(BLOCK, story) for story in OF_BLOCK]


def _dry(kind: MigrationKind, story: str) -> Trip:
    trip = Trip(story, kind=kind)
    asyncio.run(trip.go())
    return trip


DRY = {(kind, story): _dry(kind, story) for kind, story in TOLD}
CRASHES = [
    (*told, Crash(write, durable))
    for told, trip in DRY.items()
    for write in range(1, trip.ledger.writes + 1)
    for durable in (False, True)
]
CALLS = [
    (*told, call, nth)
    for told, trip in DRY.items()
    for call in dict.fromkeys(trip.agents.calls)
    for nth in range(1, min(trip.agents.calls.count(call), 2) + 1)
]


def _kinds(call: str) -> list[str]:
    if call.startswith("observe"):
        return ["refused", "unavailable before", "killed"]
    return [kind for kind in KINDS if kind != "broken" or call == "move"]


FAULTS = [
    (kind, story, Fault(call, fault, nth))
    for kind, story, call, nth in CALLS
    for fault in _kinds(call)
]


@pytest.mark.parametrize("kind", MigrationKind)
@pytest.mark.parametrize("story", saga_world.STORIES)
async def test_every_story_ends_soundly_without_a_fault(kind: MigrationKind, story: str) -> None:
    trip = Trip(story, kind=kind)

    await trip.go()

    await trip.assert_sound()


@pytest.mark.parametrize("table", TABLES.values(), ids=lambda table: table.kind.value)
def test_the_stories_call_every_step_of_the_table(table: Table) -> None:
    steps = {step.name for step in table.prepare}
    steps |= {step.name for step in table.back}
    steps |= {step.name for step in table.finish if isinstance(step, Finish)}

    trips = [trip for (kind, _), trip in DRY.items() if kind is table.kind]
    called = {call for trip in trips for call in trip.agents.calls}

    assert steps | {table.pivot.name} <= called


@pytest.mark.parametrize(("kind", "story", "crash"), CRASHES, ids=str)
async def test_a_crash_at_any_write_ends_soundly(
    kind: MigrationKind, story: str, crash: Crash
) -> None:
    trip = Trip(story, crashes=[crash], kind=kind)

    await trip.go()

    await trip.assert_sound()
    assert trip.migration.state is DRY[kind, story].migration.state
    assert reason(trip) is reason(DRY[kind, story])


def reason(trip: Trip) -> Reason | None:
    return None if trip.migration.error is None else trip.migration.error.reason


@pytest.mark.parametrize(("kind", "story", "fault"), FAULTS, ids=str)
async def test_a_fault_at_any_call_ends_soundly(
    kind: MigrationKind, story: str, fault: Fault
) -> None:
    trip = Trip(story, [fault], kind=kind)

    await trip.go()

    await trip.assert_sound()


@pytest.mark.parametrize("crash", [Crash(1, durable=True), Crash(2, durable=True)], ids=str)
@pytest.mark.parametrize(("kind", "story", "fault"), FAULTS[:: len(FAULTS) // 60], ids=str)
async def test_a_fault_after_a_crash_ends_soundly(
    kind: MigrationKind, story: str, fault: Fault, crash: Crash
) -> None:
    trip = Trip(story, [fault], [crash], kind=kind)

    await trip.go()

    await trip.assert_sound()


@settings(max_examples=100, deadline=None)
@given(
    kind=st.sampled_from(MigrationKind),
    story=st.sampled_from(sorted(saga_world.STORIES)),
    faults=st.lists(
        st.builds(
            Fault,
            st.sampled_from(sorted({call for *_, call, _ in CALLS})),
            st.sampled_from(KINDS),
            st.integers(1, 3),
        ),
        max_size=4,
    ),
    crashes=st.lists(st.builds(Crash, st.integers(1, 9), st.booleans()), max_size=3),
)
def test_any_few_faults_together_end_soundly(
    kind: MigrationKind, story: str, faults: list[Fault], crashes: list[Crash]
) -> None:
    async def scenario() -> None:
        trip = Trip(story, faults, crashes, kind=kind)
        await trip.go()
        await trip.assert_sound()

    asyncio.run(scenario())


@pytest.mark.parametrize("kind", MigrationKind)
def test_a_migration_without_faults_costs_six_writes(kind: MigrationKind) -> None:
    assert DRY[kind, "arrives"].migration.state is MigrationState.SUCCEEDED
    assert DRY[kind, "arrives"].ledger.writes == 6
