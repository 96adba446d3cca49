"""What comes after a move, or after a move that was not to be: marks go, nothing else does."""

from typing import Any

import grpc
import pytest

from tests.service.hostagent.pool import ARRIVED, DEADLINE_S, Bench, Guest, answer, errors
from xenferry.common.v1 import fence_pb2
from xenferry.hostagent.v1 import cleanup_pb2, host_agent_pb2

pytestmark = pytest.mark.asyncio(loop_scope="session")

REMOVED = cleanup_pb2.CLEANUP_ACTION_REMOVED
KEPT = cleanup_pb2.CLEANUP_ACTION_KEPT


async def roll_back_source(bench: Bench, guest: Guest, fence: fence_pb2.Fence) -> Any:
    """Return what the source's agent cleared."""
    request = cleanup_pb2.RollbackAtSourceRequest(
        fence=fence, instance_id=guest.uuid, source_host_id=bench.source.host.host_id
    )
    return (await bench.source.stub.RollbackAtSource(request, timeout=DEADLINE_S)).items


async def roll_back_dest(bench: Bench, guest: Guest, fence: fence_pb2.Fence) -> Any:
    """Return what the destination's agent released."""
    request = cleanup_pb2.RollbackAtDestinationRequest(
        fence=fence, instance_id=guest.uuid, dest_host_id=bench.dest.host.host_id
    )
    return (await bench.dest.stub.RollbackAtDestination(request, timeout=DEADLINE_S)).items


async def test_after_a_move_the_guest_is_verified_and_its_marks_are_cleared(bench: Bench) -> None:
    guest = bench.guest()
    assert (await bench.move(guest))[-1].outcome == ARRIVED

    done = await bench.finish(guest)

    assert not errors(done.findings)
    assert len(done.findings) == 5
    assert [item.action for item in done.items] == [REMOVED, REMOVED]
    assert bench.marks(guest) == {}


async def test_a_second_verification_clears_nothing_twice(bench: Bench) -> None:
    guest = bench.guest()
    await bench.move(guest)
    await bench.finish(guest)

    again = await bench.finish(guest)

    assert not errors(again.findings)
    assert not again.items


async def test_a_guest_that_is_not_here_is_reported_and_keeps_its_marks(bench: Bench) -> None:
    guest = bench.guest()
    bench.mark(guest, guest.fence)

    done = await bench.finish(guest)

    assert errors(done.findings) == {"INSTANCE_MOVED"}
    assert bench.marks(guest)


async def test_the_marks_of_another_migration_are_kept(bench: Bench) -> None:
    guest = bench.guest()
    await bench.move(guest)
    other = bench.guest(guest.name)

    done = await bench.finish(other)

    assert [item.action for item in done.items] == [KEPT]
    assert guest.fence.migration_id in done.items[0].why
    assert bench.marks(guest)["xenferry:migration_id"] == guest.fence.migration_id


async def test_shared_storage_stays_attached_at_the_source(bench: Bench) -> None:
    guest = bench.guest()
    await bench.move(guest)
    request = cleanup_pb2.PostAtSourceRequest(
        fence=guest.fence, instance_id=guest.uuid, source_host_id=bench.source.host.host_id
    )

    first = await bench.source.stub.PostAtSource(request, timeout=DEADLINE_S)
    second = await bench.source.stub.PostAtSource(request, timeout=DEADLINE_S)

    assert first == second
    assert [(item.subject, item.action) for item in first.items] == [("sr/nfs-1", KEPT)]


async def test_a_rollback_clears_the_marks_and_nothing_else(bench: Bench) -> None:
    guest = bench.guest()
    bench.mark(guest, guest.fence)
    before = bench.xapi.VM.get_record(guest.ref)

    at_source = await roll_back_source(bench, guest, guest.fence)
    at_dest = await roll_back_dest(bench, guest, guest.fence)

    after = bench.xapi.VM.get_record(guest.ref)
    assert [item.action for item in at_source] == [REMOVED, REMOVED]
    assert not at_dest
    assert bench.marks(guest) == {}
    assert {**before, "other_config": {}} == {**after, "other_config": {}}


async def test_a_rollback_that_finds_nothing_is_a_success(bench: Bench) -> None:
    guest = bench.guest()

    assert not await roll_back_source(bench, guest, guest.fence)
    assert not await roll_back_dest(bench, guest, guest.fence)


async def test_a_guest_that_runs_at_the_destination_is_kept_by_a_rollback_there(
    bench: Bench,
) -> None:
    guest = bench.guest()
    await bench.move(guest)

    items = await roll_back_dest(bench, guest, guest.fence)

    assert [item.action for item in items] == [KEPT]
    assert bench.simulator.where(guest.name) == ["xs2"]


async def test_marks_are_not_cleared_under_a_move_that_runs(bench: Bench) -> None:
    guest = bench.guest()
    hold = bench.simulator.fault(fault="hold", phase="precopy", vm=guest.name)
    move = bench.follow(guest)
    await move.next()

    with pytest.raises(grpc.aio.AioRpcError) as failed:
        await roll_back_source(bench, guest, guest.fence)
    bench.simulator.lift(hold)

    assert answer(failed).reason == "OPERATION_IN_PROGRESS"
    assert (await move.last()).outcome == ARRIVED
    assert bench.marks(guest)


@pytest.mark.parametrize("roll_back", [roll_back_source, roll_back_dest])
async def test_a_rollback_of_a_lower_epoch_is_refused(bench: Bench, roll_back: Any) -> None:
    guest = bench.guest()
    bench.mark(guest, guest.at_epoch(4))

    with pytest.raises(grpc.aio.AioRpcError) as failed:
        await roll_back(bench, guest, guest.at_epoch(3))

    assert answer(failed).reason == "STALE_EPOCH"
    assert bench.marks(guest)["xenferry:epoch"] == "4"


async def test_after_a_rollback_the_owner_before_starts_nothing(bench: Bench) -> None:
    guest = bench.guest()
    bench.mark(guest, guest.fence)
    await roll_back_source(bench, guest, guest.at_epoch(2))

    with pytest.raises(grpc.aio.AioRpcError) as failed:
        await bench.move(guest)

    assert answer(failed).reason == "STALE_EPOCH"
    assert bench.starts(guest) == 0


async def test_an_agent_tells_of_its_host(bench: Bench) -> None:
    request = host_agent_pb2.GetAgentInfoRequest()

    first = await bench.dest.stub.GetAgentInfo(request, timeout=DEADLINE_S)
    second = await bench.dest.stub.GetAgentInfo(request, timeout=DEADLINE_S)

    assert first.host.name == "xs2"
    assert first.host.hypervisor_type == "xen"
    assert first.host.memory_free_bytes > 0
    assert first.agent_session_id == second.agent_session_id
    assert "@" not in first.xapi_url
