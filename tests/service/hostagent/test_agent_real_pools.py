"""On real pools' databases the agents' verdict is XAPI's, for every running VM and every host."""

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
import XenAPI

from tests.service.hostagent.course import WARNING, reasons
from tests.service.hostagent.pool import DEADLINE_S, RunningAgent, errors, running_agent
from tests.support.sim import Simulator
from xenferry.hostagent.v1 import checks_pb2

POOLS = Path(__file__).parents[4] / "shared" / "xapi" / "pools"
WORLDS = ("tampa-poolof16and23", "boston-twohosts")

pytestmark = [
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.skipif(
        not POOLS.is_dir(), reason="the databases of real pools are not beside this checkout"
    ),
]


@pytest.fixture(scope="module", params=WORLDS)
def simulator(request: pytest.FixtureRequest) -> Iterator[Simulator]:
    """One of the pools."""
    with Simulator(POOLS / f"{request.param}.xml") as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def agents(simulator: Simulator) -> AsyncIterator[dict[str, RunningAgent]]:
    """The agent of every host, by name."""
    async with AsyncExitStack() as stack:
        yield {
            host: await stack.enter_async_context(running_agent(simulator, host))
            for host in simulator.endpoints
        }


def operator(simulator: Simulator) -> Any:
    """Return an operator's own line to the coordinator."""
    for url in simulator.endpoints.values():
        session = XenAPI.Session(url)
        try:
            session.xenapi.login_with_password(simulator.user, simulator.password, "1.0", "me")
        except XenAPI.Failure:
            continue  # a member
        return session.xenapi
    raise AssertionError("no coordinator")


def says(xapi: Any, vm: str, host: str) -> list[str]:
    """Return XAPI's own refusal, or nothing."""
    try:
        xapi.VM.assert_can_boot_here(vm, host)
    except XenAPI.Failure as failure:
        return list(failure.details)
    return []


async def test_every_running_vm_gets_xapis_own_verdict_at_every_other_host(
    simulator: Simulator, agents: dict[str, RunningAgent]
) -> None:
    xapi = operator(simulator)
    hosts = {ref: record["name_label"] for ref, record in xapi.host.get_all_records().items()}
    asked = 0
    for vm, record in xapi.VM.get_all_records().items():
        if record["power_state"] != "Running" or record["is_control_domain"]:
            continue
        home = agents[hosts[record["resident_on"]]]
        for host in set(hosts) - {record["resident_on"]}:
            asked += 1
            request = checks_pb2.CheckCanLiveMigrateOnDestRequest(
                source_pool_id=home.host.pool_id,
                dest_host_id=agents[hosts[host]].host.host_id,
                block_migration=False,
            )
            request.instance.instance_id = record["uuid"]
            stub = agents[hosts[host]].stub

            told = await stub.CheckCanLiveMigrateOnDest(request, timeout=DEADLINE_S)

            refusal = says(xapi, vm, host)
            arrays = [list(one.xapi_error) for one in told.findings if one.xapi_error]
            assert bool(errors(told.findings)) == bool(refusal), record["name_label"]
            assert arrays == ([refusal] if refusal else [])
            assert "CHECKS_DISAGREE" not in reasons(told.findings, WARNING)
    assert asked
