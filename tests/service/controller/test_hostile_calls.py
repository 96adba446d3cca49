"""Whatever is sent to any RPC of the controller, the answer is a clean status."""

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import grpc
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support import hostile
from tests.support.controller_world import a_world
from tests.support.hostile import Rpc, Served
from xenferry.controller.v1 import (
    aggregates_pb2,
    floating_ips_pb2,
    host_registry_pb2,
    inventory_pb2,
    scheduler_pb2,
)

FILES = (aggregates_pb2, floating_ips_pb2, host_registry_pb2, inventory_pb2, scheduler_pb2)
RPCS = hostile.rpcs(file.DESCRIPTOR for file in FILES)


@asynccontextmanager
async def a_controller(directory: Path) -> AsyncIterator[tuple[str, Sequence[str]]]:
    """Run a controller that knows two hosts and a guest that has moved."""
    async with a_world(directory) as world, world.controller() as controller:
        moved = await controller.migrate(world.guest.instance_id, "xs2")
        await controller.ended(moved.migration_id)
        ids = [world.one.host_id, world.two.host_id]
        yield controller.address, [*ids, world.guest.instance_id, moved.migration_id, "xs1"]


@pytest.fixture(scope="module")
def controller(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Return a controller that all cases share."""
    with hostile.on_a_thread(a_controller(tmp_path_factory.mktemp("hostile"))) as served:
        yield served


@pytest.mark.parametrize("rpc", RPCS, ids=str)
@settings(
    max_examples=8,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(data=st.data())
def test_any_request_gets_a_clean_status(controller: Served, rpc: Rpc, data: st.DataObject) -> None:
    request = data.draw(hostile.requests(rpc, controller.known))

    code = controller.code(rpc, request)

    assert code not in hostile.NEVER
    assert rpc.streams or code is not grpc.StatusCode.DEADLINE_EXCEEDED


def test_the_controller_lives_on(controller: Served) -> None:
    listing = next(rpc for rpc in RPCS if rpc.path.endswith("/ListMigrations"))

    assert controller.code(listing, b"") is grpc.StatusCode.OK
