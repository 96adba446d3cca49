"""The queue gives out slots, takes them back, and tells everybody's place."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from controller.model.migration import Migration, MigrationState
from controller.model.slots import KindLimits, Limits
from controller.ports.ledger import ClaimLost
from controller.saga.queue import Queue
from tests.support.ledger_conformance import a_plan

START = datetime(2026, 1, 1, tzinfo=UTC)


def waiting(second: int) -> Migration:
    """Return a migration that was admitted at that second."""
    time = START.replace(second=second)
    return Migration(f"m{second}", a_plan(), MigrationState.QUEUED, second, 1, time, time)


def one_at_a_time() -> Queue:
    return Queue(Limits(KindLimits(in_all=1), KindLimits()))


async def settled() -> None:
    for _ in range(3):
        await asyncio.sleep(0)


async def test_a_slot_goes_to_the_next_when_it_is_given_back() -> None:
    queue = one_at_a_time()
    await queue.turn(waiting(1))
    second = asyncio.ensure_future(queue.turn(waiting(2)))
    await settled()
    assert not second.done()

    queue.see(replace(waiting(1), state=MigrationState.SUCCEEDED))

    await asyncio.wait_for(second, 1)


async def test_what_is_stuck_gives_its_slot_back() -> None:
    queue = one_at_a_time()
    await queue.turn(waiting(1))
    second = asyncio.ensure_future(queue.turn(waiting(2)))
    await settled()

    queue.see(replace(waiting(1), state=MigrationState.STUCK))

    await asyncio.wait_for(second, 1)


async def test_what_ends_while_it_waits_is_let_go() -> None:
    queue = one_at_a_time()
    await queue.turn(waiting(1))
    second = asyncio.ensure_future(queue.turn(waiting(2)))
    third = asyncio.ensure_future(queue.turn(waiting(3)))
    await settled()

    queue.see(replace(waiting(2), state=MigrationState.CANCELLED))

    with pytest.raises(ClaimLost):
        await second
    queue.see(replace(waiting(1), state=MigrationState.SUCCEEDED))
    await asyncio.wait_for(third, 1)


async def test_who_gives_up_waiting_takes_no_slot() -> None:
    queue = one_at_a_time()
    await queue.turn(waiting(1))
    second = asyncio.ensure_future(queue.turn(waiting(2)))
    third = asyncio.ensure_future(queue.turn(waiting(3)))
    await settled()

    second.cancel()
    await settled()
    queue.see(replace(waiting(2), state=MigrationState.CANCELLED))
    queue.see(replace(waiting(1), state=MigrationState.SUCCEEDED))

    await asyncio.wait_for(third, 1)


async def test_places_count_what_waits_at_other_replicas_too() -> None:
    queue = one_at_a_time()
    for second in (3, 1, 2):
        queue.see(waiting(second))

    assert [queue.position(f"m{second}") for second in (1, 2, 3, 9)] == [1, 2, 3, 0]

    queue.see(replace(waiting(1), state=MigrationState.PREPARING))
    assert [queue.position(f"m{second}") for second in (1, 2, 3)] == [0, 1, 2]


async def test_a_slot_is_left_to_who_waits_longer_elsewhere() -> None:
    queue = one_at_a_time()
    queue.see(replace(waiting(1), state=MigrationState.MOVING))
    queue.see(waiting(2))
    third = asyncio.ensure_future(queue.turn(waiting(3)))
    await settled()

    queue.see(replace(waiting(1), state=MigrationState.SUCCEEDED))
    await settled()
    assert not third.done()

    queue.see(replace(waiting(2), state=MigrationState.PREPARING))
    queue.see(replace(waiting(2), state=MigrationState.SUCCEEDED))
    await asyncio.wait_for(third, 1)


async def test_what_runs_elsewhere_takes_a_slot_and_gives_it_back() -> None:
    queue = one_at_a_time()
    queue.see(replace(waiting(1), state=MigrationState.MOVING))
    second = asyncio.ensure_future(queue.turn(waiting(2)))
    await settled()
    assert not second.done()

    queue.see(replace(waiting(1), state=MigrationState.ROLLED_BACK))

    await asyncio.wait_for(second, 1)


async def test_who_found_no_slot_after_all_waits_again() -> None:
    queue = one_at_a_time()
    await queue.turn(waiting(1))
    queue.leave("m1")

    await asyncio.wait_for(queue.turn(waiting(1)), 1)
