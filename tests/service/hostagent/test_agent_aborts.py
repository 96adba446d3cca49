"""AbortMigration tells the truth, and ObserveMigration sees it."""

import asyncio
import uuid

import grpc
import pytest

from tests.service.hostagent.pool import (
    ARRIVED,
    STAYED,
    UNKNOWN,
    Bench,
    answer,
    running_agent,
)
from xenferry.common.v1 import inventory_pb2
from xenferry.hostagent.v1 import observation_pb2

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_a_move_in_its_middle_is_stopped_and_stays(bench: Bench) -> None:
    guest = bench.guest()
    bench.simulator.fault(fault="hold", phase="precopy", vm=guest.name)
    move = bench.follow(guest)
    await move.next()

    outcome = await bench.abort(guest)

    assert outcome == STAYED
    last = await move.last()
    assert last.outcome == STAYED
    assert last.error.measured["task_status"] == "cancelled"
    assert bench.simulator.where(guest.name) == ["xs1"]


async def test_an_abort_that_is_repeated_says_the_same(bench: Bench) -> None:
    guest = bench.guest()
    bench.simulator.fault(fault="hold", phase="precopy", vm=guest.name)
    move = bench.follow(guest)
    await move.next()

    both = await asyncio.gather(bench.abort(guest), bench.abort(guest))

    assert list(both) == [STAYED, STAYED]
    assert await bench.abort(guest) == STAYED


async def test_an_abort_that_comes_too_late_tells_of_the_arrival(bench: Bench) -> None:
    guest = bench.guest()
    hold = bench.simulator.fault(fault="hold", phase="sync3", vm=guest.name)
    move = bench.follow(guest)
    report = await move.next()
    while report.cancellable or not report.percent:
        report = await move.next()

    abort = asyncio.create_task(bench.abort(guest))
    await bench.observe(guest)
    bench.simulator.lift(hold)

    assert await abort == ARRIVED
    assert bench.simulator.where(guest.name) == ["xs2"]


async def test_an_abort_of_what_never_began_stays_and_of_what_arrived_says_so(
    bench: Bench,
) -> None:
    guest = bench.guest()

    before = await bench.abort(guest)
    await bench.move(guest)
    after = await bench.abort(guest)

    assert (before, after) == (STAYED, ARRIVED)


async def test_an_abort_of_a_move_that_was_refused_tells_that_the_guest_stayed(
    bench: Bench,
) -> None:
    guest = bench.guest("blocked-1")
    with pytest.raises(grpc.aio.AioRpcError):
        await bench.move(guest)

    assert await bench.abort(guest) == STAYED


async def test_a_new_agent_stops_the_move_that_its_predecessor_began(bench: Bench) -> None:
    guest = bench.guest()
    bench.simulator.fault(fault="hold", phase="precopy", vm=guest.name)
    async with running_agent(bench.simulator, "xs1") as first:
        await Bench(bench.simulator, first, bench.dest).follow(guest).next()

    assert await bench.abort(guest) == STAYED
    assert bench.simulator.where(guest.name) == ["xs1"]


async def test_an_abort_of_a_lower_epoch_is_refused(bench: Bench) -> None:
    guest = bench.guest()
    bench.mark(guest, guest.at_epoch(3))

    with pytest.raises(grpc.aio.AioRpcError) as failed:
        await bench.abort(guest)

    assert answer(failed).reason == "STALE_EPOCH"


async def test_an_abort_of_a_guest_that_was_lost_is_unknown(bench: Bench) -> None:
    guest = bench.guest()
    bench.mark(guest, guest.fence)
    bench.xapi.VM.hard_shutdown(guest.ref)

    assert await bench.abort(guest) == UNKNOWN


async def test_an_observation_shows_the_task_in_the_middle_of_a_move(bench: Bench) -> None:
    guest = bench.guest()
    hold = bench.simulator.fault(fault="hold", phase="precopy", vm=guest.name)
    move = bench.follow(guest)
    first = await move.next()

    seen = await bench.observe(guest)
    bench.simulator.lift(hold)
    await move.last()

    assert seen.task.task_id == first.task_id
    assert seen.task.status == observation_pb2.TASK_STATUS_PENDING
    assert seen.resident_host_id == bench.source.host.host_id
    assert seen.scheduled_host_id == bench.dest.host.host_id
    assert list(seen.current_operations) == ["pool_migrate"]
    assert seen.power_state == inventory_pb2.POWER_STATE_RUNNING
    assert seen.tagged
    assert list(seen.residue) == [f"vm/{guest.uuid}"]


async def test_an_observation_after_the_move_shows_the_guest_at_the_destination(
    bench: Bench,
) -> None:
    guest = bench.guest()
    await bench.move(guest)

    seen = await bench.observe(guest)

    assert seen.present
    assert seen.resident_host_id == bench.dest.host.host_id
    assert not seen.scheduled_host_id
    assert seen.host_id == bench.source.host.host_id
    assert seen.pool_id == bench.source.host.pool_id
    assert seen.host_live


async def test_an_observation_is_not_refused_for_a_stale_epoch(bench: Bench) -> None:
    guest = bench.guest()
    bench.mark(guest, guest.at_epoch(5))

    assert (await bench.observe(guest)).tagged


async def test_a_guest_that_xapi_does_not_know_is_observed_as_absent(bench: Bench) -> None:
    guest = bench.guest()
    stranger = type(guest)("stranger", guest.ref, str(uuid.uuid4()))

    assert not (await bench.observe(stranger)).present
