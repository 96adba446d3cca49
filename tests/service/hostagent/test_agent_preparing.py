"""PreLiveMigration: on shared storage nothing is made, and everything is looked at again."""

import grpc
import pytest

from tests.service.hostagent.pool import (
    DEADLINE_S,
    SHARED_STORAGE,
    Bench,
    Guest,
    RunningAgent,
    answer,
)
from xenferry.hostagent.v1 import move_pb2

pytestmark = pytest.mark.asyncio(loop_scope="session")


def preparation(guest: Guest, meant: RunningAgent) -> move_pb2.PreLiveMigrationRequest:
    """Return the request that prepares a host for a guest."""
    return move_pb2.PreLiveMigrationRequest(
        fence=guest.fence,
        instance_id=guest.uuid,
        kind=SHARED_STORAGE,
        dest_host_id=meant.host.host_id,
    )


async def test_preparing_a_destination_leases_nothing_and_may_be_repeated(bench: Bench) -> None:
    guest = bench.guest()
    request = preparation(guest, bench.dest)

    first = await bench.dest.stub.PreLiveMigration(request, timeout=DEADLINE_S)
    second = await bench.dest.stub.PreLiveMigration(request, timeout=DEADLINE_S)

    assert list(first.leased) == list(second.leased) == []
    assert bench.marks(guest) == {}


async def test_a_destination_without_the_storage_is_not_prepared(bench: Bench) -> None:
    guest = bench.guest("local-1")
    request = preparation(guest, bench.dest)

    with pytest.raises(grpc.aio.AioRpcError) as failed:
        await bench.dest.stub.PreLiveMigration(request, timeout=DEADLINE_S)

    assert answer(failed).code is grpc.StatusCode.FAILED_PRECONDITION
    assert answer(failed).reason == "STORAGE_NOT_SHARED"


async def test_an_agent_is_not_prepared_for_another_host(bench: Bench) -> None:
    guest = bench.guest()
    request = preparation(guest, bench.source)

    with pytest.raises(grpc.aio.AioRpcError) as failed:
        await bench.dest.stub.PreLiveMigration(request, timeout=DEADLINE_S)

    assert answer(failed).reason == "WRONG_HOST"


async def test_a_preparation_of_a_lower_epoch_is_refused(bench: Bench) -> None:
    guest = bench.guest()
    later = preparation(guest, bench.dest)
    later.fence.CopyFrom(guest.at_epoch(2))
    await bench.dest.stub.PreLiveMigration(later, timeout=DEADLINE_S)

    with pytest.raises(grpc.aio.AioRpcError) as failed:
        await bench.dest.stub.PreLiveMigration(preparation(guest, bench.dest), timeout=DEADLINE_S)

    assert answer(failed).code is grpc.StatusCode.ABORTED
    assert answer(failed).reason == "STALE_EPOCH"
