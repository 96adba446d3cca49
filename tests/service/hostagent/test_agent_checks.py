"""CheckCanLiveMigrateOnDest, CheckCanLiveMigrateOnSrc and VerifyExports."""

import uuid
from contextlib import AsyncExitStack

import grpc
import pytest

from tests.service.hostagent.pool import DEADLINE_S, SHARED_STORAGE, Bench, answer, errors
from tests.service.hostagent.pool import running_agent as running
from xenferry.common.v1 import finding_pb2
from xenferry.hostagent.v1 import checks_pb2

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_a_guest_on_shared_storage_may_come_and_go(bench: Bench) -> None:
    guest = bench.guest()

    there = await bench.check_dest(guest)
    here = await bench.check_source(guest)

    assert not errors(there.findings)
    assert not errors(here.findings)
    assert here.kind == there.dest_check_data.kind == SHARED_STORAGE
    assert there.dest_check_data.host.host_id == bench.dest.host.host_id
    assert all(finding.severity == finding_pb2.SEVERITY_OK for finding in there.findings)


async def test_a_check_that_is_repeated_measures_again_and_changes_nothing(bench: Bench) -> None:
    guest = bench.guest()
    before = bench.xapi.VM.get_record(guest.ref)

    first, second = await bench.check_dest(guest), await bench.check_dest(guest)

    assert first.findings == second.findings
    assert bench.xapi.VM.get_record(guest.ref) == before


async def test_a_disk_on_local_storage_is_refused_with_the_name_of_its_repository(
    bench: Bench,
) -> None:
    guest = bench.guest("local-1")

    there = await bench.check_dest(guest, block_migration=False)

    assert errors(there.findings) == {"STORAGE_NOT_SHARED"}
    (finding,) = [one for one in there.findings if one.severity == finding_pb2.SEVERITY_ERROR]
    assert finding.subject == "sr/xs1-local"
    assert "local-1" in finding.message
    assert "xs2" in finding.message
    assert finding.xapi_error[0] == "VM_REQUIRES_SR"
    here = await bench.check_source(guest, block_migration=False)
    assert errors(here.findings) == {"STORAGE_NOT_SHARED"}


async def test_all_that_speaks_against_a_small_and_old_host_is_told_at_once(bench: Bench) -> None:
    guest = bench.guest("local-1")
    async with AsyncExitStack() as stack:
        small = await stack.enter_async_context(running(bench.simulator, "xs3"))
        disabled = next(
            ref for ref in bench.xapi.host.get_all() if bench.xapi.host.get_name_label(ref) == "xs3"
        )
        bench.xapi.host.disable(disabled)

        there = await bench.check_dest(guest, small, block_migration=False)
        here = await bench.check_source(guest, small, block_migration=False)

        bench.xapi.host.enable(disabled)
    assert {"DEST_DISABLED", "STORAGE_NOT_SHARED"} <= errors(there.findings)
    assert {"DEST_OLDER", "STORAGE_NOT_SHARED"} <= errors(here.findings)


async def test_a_network_that_the_destination_lacks_is_named(bench: Bench) -> None:
    there = await bench.check_dest(bench.guest("dmz-1"))

    assert errors(there.findings) == {"NETWORK_NOT_AVAILABLE"}
    assert "network/dmz" in {finding.subject for finding in there.findings}


async def test_a_block_migration_without_a_disk_to_copy_is_refused(bench: Bench) -> None:
    there = await bench.check_dest(bench.guest(), block_migration=True)

    assert errors(there.findings) == {"BLOCK_MIGRATION_NEEDLESS"}


async def test_a_guest_of_another_pool_is_refused(bench: Bench) -> None:
    guest = bench.guest()
    request = checks_pb2.CheckCanLiveMigrateOnDestRequest(
        source_pool_id=str(uuid.uuid4()),
        dest_host_id=bench.dest.host.host_id,
        block_migration=False,
    )
    request.instance.instance_id = guest.uuid

    there = await bench.dest.stub.CheckCanLiveMigrateOnDest(request, timeout=DEADLINE_S)

    assert errors(there.findings) == {"POOLS_DIFFER"}


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("parked-1", "INSTANCE_NOT_RUNNING"),
        ("bare-1", "GUEST_NOT_SUSPENDABLE"),
        ("blocked-1", "OPERATION_BLOCKED"),
        ("infra-1", "INSTANCE_PROTECTED"),
    ],
)
async def test_the_source_says_why_a_guest_can_not_leave(
    bench: Bench, name: str, reason: str
) -> None:
    here = await bench.check_source(bench.guest(name))

    assert errors(here.findings) == {reason}


async def test_the_source_does_not_send_a_guest_to_itself(bench: Bench) -> None:
    here = await bench.check_source(bench.guest(), bench.source)

    assert errors(here.findings) == {"DEST_IS_SOURCE"}


async def test_a_check_that_is_meant_for_another_host_is_refused(bench: Bench) -> None:
    guest = bench.guest()
    request = checks_pb2.CheckCanLiveMigrateOnDestRequest(
        source_pool_id=bench.source.host.pool_id, dest_host_id=bench.source.host.host_id
    )
    request.instance.instance_id = guest.uuid

    with pytest.raises(grpc.aio.AioRpcError) as failed:
        await bench.dest.stub.CheckCanLiveMigrateOnDest(request, timeout=DEADLINE_S)

    assert answer(failed).code is grpc.StatusCode.FAILED_PRECONDITION
    assert answer(failed).reason == "WRONG_HOST"
    assert answer(failed).metadata["served_host_id"] == bench.dest.host.host_id


async def test_an_instance_that_xapi_does_not_know_is_not_found(bench: Bench) -> None:
    request = checks_pb2.CheckCanLiveMigrateOnSrcRequest(
        instance_id=str(uuid.uuid4()), source_host_id=bench.source.host.host_id
    )
    request.dest_check_data.host.CopyFrom(bench.dest.host)

    with pytest.raises(grpc.aio.AioRpcError) as failed:
        await bench.source.stub.CheckCanLiveMigrateOnSrc(request, timeout=DEADLINE_S)

    assert answer(failed).code is grpc.StatusCode.NOT_FOUND
    assert answer(failed).reason == "INSTANCE_NOT_FOUND"


async def test_every_malformed_field_of_a_check_is_named(bench: Bench) -> None:
    request = checks_pb2.CheckCanLiveMigrateOnSrcRequest(instance_id="web-1")

    with pytest.raises(grpc.aio.AioRpcError) as failed:
        await bench.source.stub.CheckCanLiveMigrateOnSrc(request, timeout=DEADLINE_S)

    assert answer(failed).code is grpc.StatusCode.INVALID_ARGUMENT
    for field in ("instance_id", "source_host_id", "dest_check_data.host.host_id"):
        assert field in answer(failed).message


async def test_exports_that_answer_pass_and_lost_ones_are_named(own_bench: Bench) -> None:
    guest = own_bench.guest("vm-01")
    request = checks_pb2.VerifyExportsRequest(
        fence=guest.fence,
        instance_id=guest.uuid,
        source_host_id=own_bench.source.host.host_id,
    )
    good = await own_bench.source.stub.VerifyExports(request, timeout=DEADLINE_S)
    (here,) = own_bench.xapi.host.get_by_name_label("xs1")
    (shared,) = own_bench.xapi.SR.get_by_name_label("nfs-1")
    (pbd,) = [
        ref
        for ref in own_bench.xapi.SR.get_PBDs(shared)
        if own_bench.xapi.PBD.get_host(ref) == here
    ]
    for vm in own_bench.xapi.host.get_resident_VMs(here):
        if not own_bench.xapi.VM.get_is_control_domain(vm):
            own_bench.xapi.VM.hard_shutdown(vm)
    own_bench.xapi.PBD.unplug(pbd)

    lost = await own_bench.source.stub.VerifyExports(request, timeout=DEADLINE_S)

    assert not errors(good.findings)
    assert errors(lost.findings) == {"EXPORT_LOST"}
    assert lost.findings[0].subject == "sr/nfs-1"
