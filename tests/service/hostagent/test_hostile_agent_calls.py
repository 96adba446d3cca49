"""Whatever is sent to any RPC of the agent, the answer is a clean status."""

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager

import grpc
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.service.hostagent.pool import WORLD, running_agent
from tests.support import hostile
from tests.support.hostile import Rpc, Served
from tests.support.sim import Simulator
from xenferry.hostagent.v1 import host_agent_pb2

RPCS = hostile.rpcs([host_agent_pb2.DESCRIPTOR])


@asynccontextmanager
async def an_agent() -> AsyncIterator[tuple[str, Sequence[str]]]:
    """Run the agent of the first host of a pool that may be broken."""
    with Simulator(WORLD, time_factor=40) as simulator:
        async with running_agent(simulator, "xs1") as agent:
            host = agent.host
            yield agent.address, [host.host_id, host.pool_id, host.host_id]


@pytest.fixture(scope="module")
def agent() -> Iterator[Served]:
    """Return an agent that all cases share."""
    with hostile.on_a_thread(an_agent()) as served:
        yield served


@pytest.mark.parametrize("rpc", RPCS, ids=str)
@settings(
    max_examples=8,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(data=st.data())
def test_any_request_gets_a_clean_status(agent: Served, rpc: Rpc, data: st.DataObject) -> None:
    request = data.draw(hostile.requests(rpc, agent.known))

    code = agent.code(rpc, request)

    assert code not in hostile.NEVER


def test_the_agent_lives_on(agent: Served) -> None:
    info = next(rpc for rpc in RPCS if rpc.path.endswith("/GetAgentInfo"))

    assert agent.code(info, b"") is grpc.StatusCode.OK
