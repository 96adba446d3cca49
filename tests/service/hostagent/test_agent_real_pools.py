"""On real pools' databases the agents' verdict is XAPI's, for every running VM and every host."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
import XenAPI

from tests.service.hostagent import plain_rules
from tests.service.hostagent.course import WARNING, reasons
from tests.service.hostagent.pool import DEADLINE_S, RunningAgent, errors, running_agent
from tests.support.sim import Simulator
from xenferry.hostagent.v1 import checks_pb2

POOLS = Path(__file__).parents[4] / "shared" / "xapi" / "pools"
WORLDS = ("tampa-poolof16and23", "boston-twohosts")

# What speaks against each running VM: at the other host, when the kind is left open and when its
# disks are to stay, and at its own host beside that it is its own. Read in the databases: the local
# SRs of the first pool, whose platform 1.5.50 has no Storage XenMotion, and a guest without tools.
Verdict = dict[str, tuple[str, ...]]
FREE: Verdict = {"undecided": (), "without": (), "home": ()}
LOCAL: Verdict = {
    "undecided": ("BLOCK_MIGRATION_UNSUPPORTED", "DEST_SR_UNUSABLE", "DISK_NOT_MIGRATABLE"),
    "without": ("STORAGE_NOT_SHARED",),
    "home": (),
}
BARE: Verdict = dict.fromkeys(("undecided", "without", "home"), ("GUEST_NOT_SUSPENDABLE",))
VERDICTS: dict[str, dict[str, Verdict]] = {
    "tampa-poolof16and23": {
        "16local": LOCAL,
        "16shared": FREE,
        "23local": LOCAL,
        "23shared": FREE,
    },
    "boston-twohosts": {
        "Debian Etch 4.0 (1)": FREE,
        "Debian Etch 4.0 (3)": FREE,
        "Windows Vista (1)": BARE,
    },
}

pytestmark = [
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.skipif(
        not POOLS.is_dir(), reason="the databases of real pools are not beside this checkout"
    ),
]


@pytest.fixture(scope="module", params=WORLDS)
def pool(request: pytest.FixtureRequest) -> str:
    """The name of one of the pools."""
    return str(request.param)


@pytest.fixture(scope="module")
def simulator(pool: str) -> Iterator[Simulator]:
    """One of the pools."""
    with Simulator(POOLS / f"{pool}.xml") as running:
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
    hosts = names(xapi)
    for vm, record in running(xapi).items():
        home = agents[hosts[record["resident_on"]]]
        for host in set(hosts) - {record["resident_on"]}:
            dest = await ask_dest(home, agents[hosts[host]], record, block=False)

            refusal = says(xapi, vm, host)
            arrays = [list(one.xapi_error) for one in dest.findings if one.xapi_error]
            assert bool(errors(dest.findings)) == bool(refusal), record["name_label"]
            assert arrays == ([refusal] if refusal else [])
            assert "CHECKS_DISAGREE" not in reasons(dest.findings, WARNING)


@pytest.mark.parametrize("block", [None, False], ids=["undecided", "without its disks"])
async def test_every_running_vm_has_the_verdict_that_its_records_call_for_at_every_host(
    pool: str, simulator: Simulator, agents: dict[str, RunningAgent], block: bool | None
) -> None:
    xapi = operator(simulator)
    hosts, wanted = names(xapi), VERDICTS[pool]
    found = {}
    for record in running(xapi).values():
        home = hosts[record["resident_on"]]
        for host in hosts.values():
            dest = await ask_dest(agents[home], agents[host], record, block=block)
            source = await ask_source(agents[home], record, dest, block=block)
            against = errors([*dest.findings, *source.findings])
            found[record["name_label"], host == home] = against

    asked = "undecided" if block is None else "without"
    guests = {vm: set(told[asked]) for vm, told in wanted.items()}
    at_home = {vm: set(told["home"]) | {"DEST_IS_SOURCE"} for vm, told in wanted.items()}
    assert {vm: told for (vm, here), told in found.items() if not here} == guests
    assert {vm: told for (vm, here), told in found.items() if here} == at_home


@pytest.mark.parametrize("disabled", [False, True], ids=["as dumped", "hosts disabled"])
async def test_every_running_vm_has_the_verdict_of_a_rule_that_is_not_the_agents(
    simulator: Simulator, agents: dict[str, RunningAgent], disabled: bool
) -> None:
    xapi = operator(simulator)
    hosts = names(xapi)
    for host in hosts if disabled else ():
        xapi.host.disable(host)
    pairs = [
        (vm, record, host)
        for vm, record in running(xapi).items()
        for host in set(hosts) - {record["resident_on"]}
    ]
    for vm, record, host in pairs:
        home, there = agents[hosts[record["resident_on"]]], agents[hosts[host]]
        wanted = plain_rules.against(xapi, vm, host)

        dest = await ask_once_known(home, there, record, enabled=not disabled)

        assert errors(dest.findings) & plain_rules.RULED == wanted, record["name_label"]
        assert ("DEST_DISABLED" in wanted) == disabled
    for host in hosts if disabled else ():
        xapi.host.enable(host)
    for _, record, host in pairs:
        home, there = agents[hosts[record["resident_on"]]], agents[hosts[host]]
        await ask_once_known(home, there, record, enabled=True)
    assert pairs


async def ask_once_known(
    home: RunningAgent, there: RunningAgent, record: dict[str, Any], *, enabled: bool
) -> Any:
    """CheckCanLiveMigrateOnDest, when the agent knows whether its host is enabled."""
    async with asyncio.timeout(DEADLINE_S):
        dest = await ask_dest(home, there, record, block=False)
        while dest.dest_check_data.host.enabled != enabled:
            dest = await ask_dest(home, there, record, block=False)
    return dest


def names(xapi: Any) -> dict[str, str]:
    """Return each host's name by reference."""
    return {ref: record["name_label"] for ref, record in xapi.host.get_all_records().items()}


def running(xapi: Any) -> dict[str, Any]:
    """Return the records of guests that run, by reference."""
    return {
        ref: record
        for ref, record in xapi.VM.get_all_records().items()
        if record["power_state"] == "Running" and not record["is_control_domain"]
    }


async def ask_dest(
    home: RunningAgent, there: RunningAgent, record: dict[str, Any], block: bool | None
) -> Any:
    """CheckCanLiveMigrateOnDest."""
    request = checks_pb2.CheckCanLiveMigrateOnDestRequest(
        source_pool_id=home.host.pool_id, dest_host_id=there.host.host_id, block_migration=block
    )
    request.instance.instance_id = record["uuid"]
    return await there.stub.CheckCanLiveMigrateOnDest(request, timeout=DEADLINE_S)


async def ask_source(
    home: RunningAgent, record: dict[str, Any], dest: Any, block: bool | None
) -> Any:
    """CheckCanLiveMigrateOnSrc."""
    request = checks_pb2.CheckCanLiveMigrateOnSrcRequest(
        instance_id=record["uuid"],
        source_host_id=home.host.host_id,
        dest_check_data=dest.dest_check_data,
        block_migration=block,
    )
    return await home.stub.CheckCanLiveMigrateOnSrc(request, timeout=DEADLINE_S)
