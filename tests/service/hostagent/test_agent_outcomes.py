"""Calls without an answer, tasks that vanish, toolstacks that die: nothing is done twice."""

import grpc
import pytest

from hostagent.model.settings import MigrationSettings
from tests.service.hostagent.pool import (
    ARRIVED,
    STAYED,
    UNKNOWN,
    Bench,
    answer,
    running_agent,
)
from xenferry.common.v1 import reason_pb2

pytestmark = pytest.mark.asyncio(loop_scope="session")

MIGRATE = "Async.VM.pool_migrate"


async def test_a_start_without_a_reply_is_not_sent_again_and_its_move_is_adopted(
    bench: Bench,
) -> None:
    guest = bench.guest()
    bench.simulator.fault(fault="drop_reply", method=MIGRATE, nth=1)

    last = (await bench.move(guest))[-1]

    assert last.outcome == ARRIVED
    assert last.task_id
    assert bench.starts(guest) == 1
    assert bench.simulator.where(guest.name) == ["xs2"]


async def test_a_start_that_never_arrived_is_not_sent_again_and_ends_unknown(
    bench: Bench,
) -> None:
    guest = bench.guest()
    bench.simulator.fault(fault="drop_call", method=MIGRATE, nth=1)

    last = (await bench.move(guest))[-1]

    assert last.outcome == UNKNOWN
    assert last.error.reason == reason_pb2.REASON_OUTCOME_UNKNOWN
    assert bench.simulator.where(guest.name) == ["xs1"]
    assert bench.marks(guest)["xenferry:migration_id"] == guest.fence.migration_id


async def test_a_mark_without_a_reply_starts_nothing(bench: Bench) -> None:
    guest = bench.guest()
    bench.simulator.fault(fault="drop_reply", method="VM.add_to_other_config", nth=1)

    with pytest.raises(grpc.aio.AioRpcError) as failed:
        await bench.move(guest)

    assert answer(failed).code is grpc.StatusCode.UNAVAILABLE
    assert answer(failed).reason == "OUTCOME_UNKNOWN"
    assert bench.starts(guest) == 0
    assert (await bench.move(guest))[-1].outcome == ARRIVED


async def test_a_read_without_a_reply_is_sent_again(bench: Bench) -> None:
    guest = bench.guest()
    bench.simulator.fault(fault="drop_reply", method="VM.get_record", nth=1)

    assert (await bench.move(guest))[-1].outcome == ARRIVED


async def test_a_task_that_vanished_is_no_failure(bench: Bench) -> None:
    guest = bench.guest()
    bench.simulator.fault(fault="drop_task_row", vm=guest.name, when="at_once")

    last = (await bench.move(guest))[-1]

    assert last.outcome == ARRIVED
    assert bench.simulator.where(guest.name) == ["xs2"]


async def test_a_failure_after_which_the_guest_runs_at_the_destination_is_an_arrival(
    bench: Bench,
) -> None:
    guest = bench.guest()
    bench.simulator.fault(
        fault="fail_migration",
        phase="complete",
        vm=guest.name,
        end="dest_running",
        error=["VM_MIGRATE_CONTACT_REMOTE_SERVICE_FAILED"],
    )

    last = (await bench.move(guest))[-1]

    assert last.outcome in (ARRIVED, UNKNOWN)
    assert bench.simulator.where(guest.name) == ["xs2"]


async def test_a_guest_that_ends_halted_is_lost_and_not_stayed(bench: Bench) -> None:
    guest = bench.guest()
    bench.simulator.fault(
        fault="fail_migration",
        phase="sync4",
        vm=guest.name,
        end="halted",
        error=["INTERNAL_ERROR", "xenopsd internal error: Failed during Synchronisation point 4"],
    )

    last = (await bench.move(guest))[-1]

    assert last.outcome == UNKNOWN
    assert last.error.reason == reason_pb2.REASON_INSTANCE_LOST
    again = (await bench.move(guest))[-1]
    assert again.outcome == UNKNOWN
    assert bench.starts(guest) == 1


async def test_a_session_that_xapi_forgot_is_replaced_before_and_in_the_middle_of_a_move(
    bench: Bench,
) -> None:
    guest = bench.guest()
    hold = bench.simulator.fault(fault="hold", phase="precopy", vm=guest.name)
    bench.evict("xs1")

    move = bench.follow(guest)
    await move.next()
    bench.evict("xs1")
    bench.simulator.lift(hold)

    assert (await move.last()).outcome == ARRIVED
    assert bench.starts(guest) == 1


async def test_without_xapi_calls_are_unavailable_and_the_agent_recovers(own_bench: Bench) -> None:
    bench = own_bench
    guest = bench.guest("vm-01")
    bench.simulator.fault(fault="host_offline", host="xs1")

    with pytest.raises(grpc.aio.AioRpcError) as failed:
        await bench.move(guest)

    assert answer(failed).code is grpc.StatusCode.UNAVAILABLE
    assert answer(failed).reason == "XAPI_UNAVAILABLE"
    bench.simulator.clear_faults()
    assert (await bench.check_source(guest)).findings


async def test_a_new_agent_joins_the_move_that_its_predecessor_began(bench: Bench) -> None:
    guest = bench.guest()
    hold = bench.simulator.fault(fault="hold", phase="precopy", vm=guest.name)
    async with running_agent(bench.simulator, "xs1") as first:
        began = Bench(bench.simulator, first, bench.dest).follow(guest)
        await began.next()

    joined = bench.follow(guest)
    await joined.next()
    bench.simulator.lift(hold)

    assert (await joined.last()).outcome == ARRIVED
    assert bench.starts(guest) == 1


async def test_the_limit_is_a_setting(bench: Bench) -> None:
    guests = [bench.guest() for _ in range(4)]
    async with running_agent(
        bench.simulator, "xs1", MigrationSettings(max_concurrent_moves=4)
    ) as wide:
        others = Bench(bench.simulator, wide, bench.dest)
        moves = [others.follow(guest) for guest in guests]

        outcomes = [(await move.last()).outcome for move in moves]

    assert outcomes == [ARRIVED] * 4
    assert STAYED not in outcomes


async def test_a_coordinator_whose_toolstack_dies_in_the_middle_is_no_failure(
    own_bench: Bench,
) -> None:
    bench = own_bench
    guest = bench.guest("vm-01")
    hold = bench.simulator.fault(fault="hold", phase="precopy", vm=guest.name)
    move = bench.follow(guest)
    await move.next()

    bench.simulator.fault(fault="restart_toolstack", host="xs1")
    bench.simulator.lift(hold)

    last = await move.last()
    assert last.outcome != STAYED
    assert bench.starts(guest) == 1
    assert len(bench.simulator.where(guest.name)) == 1
