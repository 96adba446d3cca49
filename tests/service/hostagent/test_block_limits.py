"""A block migration that is stopped, and those that have to wait for a place."""

import asyncio
from typing import Any

import grpc
import pytest

from tests.service.hostagent.crossing import PATIENCE, Trip, Yard
from tests.service.hostagent.pool import ARRIVED, STAYED, answer, running_agent
from xenferry.common.v1 import reason_pb2
from xenferry.hostagent.v1 import move_pb2

pytestmark = pytest.mark.asyncio(loop_scope="session")

TWO_WAYS = pytest.mark.parametrize("way", [Yard.inside, Yard.across], ids=["inside", "across"])


@TWO_WAYS
@pytest.mark.parametrize("phase", ["mirror", "disks_copied", "precopy"])
async def test_a_move_is_stopped_and_the_rollback_leaves_nothing(
    yard: Yard, way: Any, phase: str
) -> None:
    trip: Trip = way(yard)
    yard.simulator.fault(fault="hold", phase=phase, vm=trip.guest.name)
    move = await trip.follow()
    await move.next()

    ending = await trip.abort()

    assert ending.outcome == STAYED
    assert (await move.last()).outcome == STAYED
    assert trip.where() == ["n1"]
    await trip.roll_back()
    assert trip.residue() == set()


@TWO_WAYS
async def test_an_abort_that_comes_too_late_says_so(yard: Yard, way: Any) -> None:
    trip: Trip = way(yard)
    hold = yard.simulator.fault(fault="hold", phase="sync3", vm=trip.guest.name)
    move = await trip.follow()
    report = await move.next()
    while report.phase != move_pb2.MOVE_PHASE_SWITCHING:
        report = await move.next()

    abort = asyncio.create_task(trip.abort())
    await trip.observe(yard.source)
    yard.simulator.lift(hold)

    ending = await abort
    assert ending.outcome == ARRIVED
    assert ending.error.reason == reason_pb2.REASON_TOO_LATE_TO_CANCEL
    assert trip.where() == [trip.host]


async def test_a_fourth_block_migration_is_told_to_wait(yard: Yard) -> None:
    hold = yard.simulator.fault(fault="hold", phase="mirror")
    running = [await yard.across().follow() for _ in range(3)]
    for move in running:
        await move.next()
    fourth = yard.across()

    with pytest.raises(grpc.aio.AioRpcError) as failed:
        await fourth.move()
    yard.simulator.lift(hold)

    assert answer(failed).code is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert answer(failed).reason == "TOO_MANY_MIGRATIONS"
    assert [(await move.last()).outcome for move in running] == [ARRIVED] * 3
    assert (await fourth.move())[-1].outcome == ARRIVED


async def test_moves_that_a_predecessor_began_count_too(yard: Yard) -> None:
    hold = yard.simulator.fault(fault="hold", phase="mirror")
    trips = [yard.across() for _ in range(3)]
    async with running_agent(yard.simulator, "n1", PATIENCE) as first:
        moves = [await trip.at(yard=yard.led_by(first)).follow() for trip in trips]
        for move in moves:
            await move.next()

    with pytest.raises(grpc.aio.AioRpcError) as failed:
        await yard.across().move()
    joined = [await trip.follow() for trip in trips]
    yard.simulator.lift(hold)

    assert answer(failed).reason == "TOO_MANY_MIGRATIONS"
    assert [(await move.last()).outcome for move in joined] == [ARRIVED] * 3


@TWO_WAYS
async def test_the_limit_of_xapi_is_a_wait_and_no_failure(yard: Yard, way: Any) -> None:
    trip: Trip = way(yard)
    too_many = ["TOO_MANY_STORAGE_MIGRATES", "3"]
    method = "Async.VM.migrate_send"
    fault = yard.simulator.fault(fault="error", method=method, error=too_many)

    with pytest.raises(grpc.aio.AioRpcError) as failed:
        await trip.move()
    yard.simulator.lift(fault)

    assert answer(failed).code is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert (await trip.move())[-1].outcome == ARRIVED


@TWO_WAYS
async def test_the_limit_of_xapi_told_by_the_task_is_a_wait_too(yard: Yard, way: Any) -> None:
    trip: Trip = way(yard)
    error = ["TOO_MANY_STORAGE_MIGRATES", "3"]
    name = trip.guest.name
    yard.simulator.fault(fault="fail_migration", phase="mirror", vm=name, error=error, nth=1)

    with pytest.raises(grpc.aio.AioRpcError) as failed:
        await trip.move()

    assert answer(failed).code is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert (await trip.move())[-1].outcome == ARRIVED
    await trip.finish()
    assert trip.residue() == set()
