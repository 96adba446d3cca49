"""Every fault the table generates: each ledger write and each agent call, on each story."""

import asyncio
from collections.abc import Iterable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.model.findings import Reason
from controller.model.migration import MigrationKind, MigrationState
from controller.saga.steps import Finish, Table
from controller.saga.tables import TABLES
from tests.support import saga_world
from tests.support.saga_failures import KINDS, OF_MOVE_ALONE, Fault
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


def _crashes(kind: MigrationKind, story: str) -> list[Crash]:
    writes = range(1, DRY[kind, story].ledger.writes + 1)
    return [Crash(write, durable) for write in writes for durable in (False, True)]


def _faults(kind: MigrationKind, story: str) -> list[Fault]:
    calls = DRY[kind, story].agents.calls
    return [
        Fault(call, fault, nth)
        for call in dict.fromkeys(calls)
        for nth in range(1, min(calls.count(call), 2) + 1)
        for fault in _kinds(call)
    ]


def _kinds(call: str) -> list[str]:
    if call.startswith("observe"):
        return ["refused", "unavailable before", "unavailable after", "killed"]
    return [kind for kind in KINDS if call == "move" or kind not in OF_MOVE_ALONE]


FAULTS = [(*told, fault) for told in TOLD for fault in _faults(*told)]


async def unsound(trips: Iterable[tuple[object, Trip]]) -> list[str]:
    """Let each trip go and return what of those that ended badly."""
    bad = []
    for fault, trip in trips:
        try:
            await trip.go()
            await trip.assert_sound()
        except AssertionError as error:
            bad.append(f"{fault}: {error}")
    return bad


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


@pytest.mark.parametrize(("kind", "story"), TOLD)
async def test_a_crash_at_any_write_ends_soundly_and_alike(kind: MigrationKind, story: str) -> None:
    trips = [(crash, Trip(story, crashes=[crash], kind=kind)) for crash in _crashes(kind, story)]

    assert await unsound(trips) == []
    assert {ending(trip) for _, trip in trips} == {ending(DRY[kind, story])}


def ending(trip: Trip) -> tuple[MigrationState, Reason | None]:
    error = trip.migration.error
    return trip.migration.state, None if error is None else error.reason


@pytest.mark.parametrize(("kind", "story"), TOLD)
async def test_a_fault_at_any_call_ends_soundly(kind: MigrationKind, story: str) -> None:
    trips = [(fault, Trip(story, [fault], kind=kind)) for fault in _faults(kind, story)]

    assert await unsound(trips) == []


@pytest.mark.parametrize("write", [1, 2])
async def test_a_fault_after_a_crash_ends_soundly(write: int) -> None:
    trips = [
        ((kind, story, fault), Trip(story, [fault], [Crash(write, durable=True)], kind=kind))
        for kind, story, fault in FAULTS[:: len(FAULTS) // 60]
    ]

    assert await unsound(trips) == []


@settings(max_examples=100, deadline=None)
@given(
    kind=st.sampled_from(MigrationKind),
    story=st.sampled_from(sorted(saga_world.STORIES)),
    faults=st.lists(
        st.builds(
            Fault,
            st.sampled_from(sorted({fault.call for *_, fault in FAULTS})),
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
