"""LiveMigration: one move, whoever asks and how often, and its ending told truthfully."""

import grpc
import pytest

from tests.service.hostagent.pool import (
    ARRIVED,
    DEADLINE_S,
    STAYED,
    UNKNOWN,
    Bench,
    answer,
)
from xenferry.common.v1 import reason_pb2

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_a_move_arrives_and_its_percent_never_falls(bench: Bench) -> None:
    guest = bench.guest()

    reports = await bench.move(guest)

    assert reports[-1].outcome == ARRIVED
    assert reports[-1].percent == 100
    assert [report.percent for report in reports] == sorted(report.percent for report in reports)
    assert all(report.outcome == 0 for report in reports[:-1])
    assert any(report.cancellable for report in reports)
    assert bench.simulator.where(guest.name) == ["xs2"]
    assert bench.xapi.VM.get_current_operations(guest.ref) == {}


async def test_a_move_is_marked_before_it_starts(bench: Bench) -> None:
    guest = bench.guest()

    await bench.move(guest)

    calls = [call["method"] for call in bench.simulator.trace() if guest.ref in call["params"]]
    started = calls.index("Async.VM.pool_migrate")
    assert calls[:started].count("VM.add_to_other_config") == 2
    assert bench.marks(guest) == {
        "xenferry:migration_id": guest.fence.migration_id,
        "xenferry:epoch": "1",
    }


async def test_a_repeat_after_the_arrival_says_so_and_moves_nothing(bench: Bench) -> None:
    guest = bench.guest()
    await bench.move(guest)

    (report,) = await bench.move(guest)

    assert report.outcome == ARRIVED
    assert bench.starts(guest) == 1


async def test_a_repeat_while_the_move_runs_joins_it(bench: Bench) -> None:
    guest = bench.guest()
    hold = bench.simulator.fault(fault="hold", phase="precopy", vm=guest.name)
    first, second = bench.follow(guest), bench.follow(guest)
    begun = [await first.next(), await second.next()]

    bench.simulator.lift(hold)

    assert [report.outcome for report in begun] == [0, 0]
    assert (await first.last()).outcome == ARRIVED
    assert (await second.last()).outcome == ARRIVED
    assert bench.starts(guest) == 1


async def test_a_client_that_leaves_does_not_end_the_move(bench: Bench) -> None:
    guest = bench.guest()
    hold = bench.simulator.fault(fault="hold", phase="precopy", vm=guest.name)
    first = bench.follow(guest)
    await first.next()
    first.leave()

    bench.simulator.lift(hold)

    assert (await bench.move(guest))[-1].outcome == ARRIVED
    assert bench.starts(guest) == 1


async def test_a_failed_move_stays_and_says_why(bench: Bench) -> None:
    guest = bench.guest()
    bench.simulator.fault(
        fault="fail_migration",
        phase="sync1",
        vm=guest.name,
        error=["HOST_NOT_ENOUGH_FREE_MEMORY", "5368709120", "1073741824"],
    )

    last = (await bench.move(guest))[-1]

    assert last.outcome == STAYED
    assert last.error.reason == reason_pb2.REASON_INSUFFICIENT_MEMORY
    assert last.error.xapi_error[0] == "HOST_NOT_ENOUGH_FREE_MEMORY"
    assert last.percent < 100
    assert bench.simulator.where(guest.name) == ["xs1"]


async def test_a_move_that_stayed_is_not_begun_again_for_the_same_migration(
    bench: Bench,
) -> None:
    guest = bench.guest()
    bench.simulator.fault(fault="fail_migration", phase="precopy", vm=guest.name, nth=1)
    assert (await bench.move(guest))[-1].outcome == STAYED

    assert (await bench.move(guest))[-1].outcome == STAYED

    assert bench.starts(guest) == 1


async def test_a_marked_guest_that_shows_at_its_source_is_not_moved_again(bench: Bench) -> None:
    """What a coordinator's restart leaves of a move that still goes on, unseen."""
    guest = bench.guest()
    bench.mark(guest, guest.at_epoch(1))

    last = (await bench.move(guest))[-1]

    assert last.outcome == UNKNOWN
    assert last.error.reason == reason_pb2.REASON_OUTCOME_UNKNOWN
    assert bench.starts(guest) == 0


async def test_a_lower_epoch_is_refused_also_by_an_agent_that_was_started_since(
    bench: Bench,
) -> None:
    guest = bench.guest()
    bench.mark(guest, guest.at_epoch(7))

    with pytest.raises(grpc.aio.AioRpcError) as failed:
        await bench.move(guest, guest.at_epoch(6))

    assert answer(failed).code is grpc.StatusCode.ABORTED
    assert answer(failed).reason == "STALE_EPOCH"
    assert answer(failed).metadata["highest_epoch_seen"] == "7"
    assert bench.starts(guest) == 0


async def test_a_higher_epoch_joins_and_fences_the_one_before(bench: Bench) -> None:
    guest = bench.guest()
    hold = bench.simulator.fault(fault="hold", phase="precopy", vm=guest.name)
    first = bench.follow(guest)
    await first.next()
    second = bench.follow(guest, guest.at_epoch(2))
    await second.next()

    with pytest.raises(grpc.aio.AioRpcError) as failed:
        await bench.move(guest)
    bench.simulator.lift(hold)

    assert answer(failed).reason == "STALE_EPOCH"
    assert bench.marks(guest)["xenferry:epoch"] == "2"
    assert (await second.last()).outcome == ARRIVED


async def test_after_an_observation_by_a_later_owner_the_earlier_one_starts_nothing(
    bench: Bench,
) -> None:
    guest = bench.guest()
    later = bench.guest(guest.name)
    later.fence.CopyFrom(guest.at_epoch(2))
    await bench.observe(later)

    with pytest.raises(grpc.aio.AioRpcError) as failed:
        await bench.move(guest)

    assert answer(failed).reason == "STALE_EPOCH"
    assert bench.starts(guest) == 0


async def test_another_migration_of_a_moving_guest_is_turned_away(bench: Bench) -> None:
    guest = bench.guest()
    hold = bench.simulator.fault(fault="hold", phase="precopy", vm=guest.name)
    first = bench.follow(guest)
    await first.next()
    other = bench.guest(guest.name)

    with pytest.raises(grpc.aio.AioRpcError) as failed:
        await bench.move(other)
    bench.simulator.lift(hold)

    assert answer(failed).code is grpc.StatusCode.ABORTED
    assert answer(failed).reason == "OPERATION_IN_PROGRESS"
    assert (await first.last()).outcome == ARRIVED


async def test_the_mark_of_a_migration_that_is_over_is_replaced(bench: Bench) -> None:
    guest = bench.guest()
    bench.mark(guest, bench.guest(guest.name).at_epoch(9))

    reports = await bench.move(guest)

    assert reports[-1].outcome == ARRIVED
    assert bench.marks(guest)["xenferry:migration_id"] == guest.fence.migration_id


async def test_moves_beyond_the_limit_are_told_to_wait(bench: Bench) -> None:
    guests = [bench.guest() for _ in range(3)]
    hold = bench.simulator.fault(fault="hold", phase="precopy")
    running = [bench.follow(guest) for guest in guests[:2]]
    for one in running:
        await one.next()

    with pytest.raises(grpc.aio.AioRpcError) as failed:
        await bench.move(guests[2])
    bench.simulator.lift(hold)

    assert answer(failed).code is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert answer(failed).reason == "TOO_MANY_MIGRATIONS"
    assert bench.marks(guests[2]) == {}
    for one in running:
        assert (await one.last()).outcome == ARRIVED


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("parked-1", "INSTANCE_NOT_RUNNING"),
        ("blocked-1", "OPERATION_BLOCKED"),
        ("infra-1", "INSTANCE_PROTECTED"),
    ],
)
async def test_what_must_not_move_is_refused_before_anything_is_written(
    bench: Bench, name: str, reason: str
) -> None:
    guest = bench.guest(name)

    with pytest.raises(grpc.aio.AioRpcError) as failed:
        await bench.move(guest)

    assert answer(failed).code is grpc.StatusCode.FAILED_PRECONDITION
    assert answer(failed).reason == reason
    assert bench.starts(guest) == 0
    assert "xenferry:migration_id" not in bench.marks(guest)


async def test_a_move_to_the_own_host_is_refused(bench: Bench) -> None:
    request = bench.order(bench.guest())
    request.dest_host_id = bench.source.host.host_id

    with pytest.raises(grpc.aio.AioRpcError) as failed:
        await bench.source.stub.LiveMigration(request, timeout=DEADLINE_S).read()

    assert answer(failed).reason == "DEST_IS_SOURCE"


async def test_an_agent_that_does_not_have_the_guest_refuses_to_move_it(bench: Bench) -> None:
    guest = bench.guest()
    (third,) = bench.xapi.host.get_by_name_label("xs3")
    request = bench.order(guest)
    request.source_host_id = bench.dest.host.host_id
    request.dest_host_id = bench.xapi.host.get_uuid(third)

    with pytest.raises(grpc.aio.AioRpcError) as failed:
        await bench.dest.stub.LiveMigration(request, timeout=DEADLINE_S).read()

    assert answer(failed).reason == "INSTANCE_MOVED"
    assert bench.starts(guest) == 0
