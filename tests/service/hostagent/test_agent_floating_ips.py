"""ApplyFloatingIps over real gRPC, by an agent that touches nothing on its machine."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import grpc
import pytest
import pytest_asyncio

from tests.service.hostagent.pool import Bench, RunningAgent, answer, running_agent
from xenferry.hostagent.v1 import floating_ips_pb2

ADDED = floating_ips_pb2.FLOATING_IP_ACTION_ADDED
REMOVED = floating_ips_pb2.FLOATING_IP_ACTION_REMOVED
INSTANCE = str(uuid4())

pytestmark = pytest.mark.asyncio(loop_scope="session")


def binding(number: int, **more: Any) -> floating_ips_pb2.FloatingIpBinding:
    """Return the binding of an address to an instance's."""
    told = {"address": f"203.0.113.{number}", "fixed_address": f"10.0.0.{number}", **more}
    return floating_ips_pb2.FloatingIpBinding(instance_id=INSTANCE, **told)


@pytest_asyncio.fixture(loop_scope="session")
async def agent(bench: Bench) -> AsyncIterator[RunningAgent]:
    """Return an agent that carries nothing yet."""
    async with running_agent(bench.simulator, "xs1") as fresh:
        yield fresh


async def apply(agent: RunningAgent, revision: int, *bindings: Any, host_id: str = "") -> Any:
    """Have an agent carry these."""
    request = floating_ips_pb2.ApplyFloatingIpsRequest(
        host_id=host_id or agent.host.host_id, revision=revision, bindings=bindings
    )
    return await agent.stub.ApplyFloatingIps(request, timeout=10)


async def test_an_agent_carries_what_it_was_told_last(agent: RunningAgent) -> None:
    await apply(agent, 1, binding(1), binding(2))

    told = await apply(agent, 2, binding(2), binding(3))

    assert list(told.carried) == [binding(2), binding(3)]
    assert {(item.address, item.action) for item in told.items} == {
        ("203.0.113.1", REMOVED),
        ("203.0.113.3", ADDED),
    }
    assert told.revision == 2


async def test_a_repeat_of_a_set_touches_nothing(agent: RunningAgent) -> None:
    first = await apply(agent, 1, binding(1))

    again = await apply(agent, 1, binding(1))

    assert list(again.carried) == list(first.carried)
    assert not again.items


async def test_an_older_set_is_refused(agent: RunningAgent) -> None:
    await apply(agent, 5, binding(1))

    with pytest.raises(grpc.aio.AioRpcError) as failed:
        await apply(agent, 4)

    assert answer(failed).code is grpc.StatusCode.ABORTED
    assert answer(failed).reason == "STALE_REVISION"
    assert len((await apply(agent, 5, binding(1))).carried) == 1


async def test_a_set_for_another_host_is_refused(agent: RunningAgent, bench: Bench) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as failed:
        await apply(agent, 1, binding(1), host_id=bench.dest.host.host_id)

    assert answer(failed).reason == "WRONG_HOST"


@pytest.mark.parametrize(
    ("bindings", "field"),
    [
        ([binding(1, address="x")], "bindings[0].address"),
        ([binding(1), binding(2, fixed_address="")], "bindings[1].fixed_address"),
        ([binding(1, fixed_address="fd00::1")], "bindings[0].fixed_address"),
        ([binding(1, prefix_length=33)], "bindings[0].prefix_length"),
        ([binding(1), binding(1, fixed_address="10.0.0.9")], "bindings"),
        ([binding(1), binding(2, fixed_address="10.0.0.1")], "bindings"),
    ],
    ids=["address", "no fixed address", "other family", "prefix", "address twice", "fixed twice"],
)
async def test_a_malformed_set_is_refused_and_nothing_of_it_is_done(
    agent: RunningAgent, bindings: list[Any], field: str
) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as failed:
        await apply(agent, 3, *bindings)

    told = answer(failed)
    assert (told.code, told.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "BAD_ARGUMENT")
    assert field in told.message
    assert not (await apply(agent, 1)).carried


async def test_every_violation_of_a_set_is_told_at_once(agent: RunningAgent) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as failed:
        await apply(agent, 0, binding(1, address="x", fixed_address="y"), host_id="z")

    fields = ("host_id", "revision", "bindings[0].address", "bindings[0].fixed_address")
    assert all(field in answer(failed).message for field in fields)
