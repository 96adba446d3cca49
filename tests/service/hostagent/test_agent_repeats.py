"""Every RPC of an agent again: a repeat says the same, and a predecessor's call is refused."""

import pytest

from tests.service.hostagent.audit import end, twice
from tests.service.hostagent.pool_rows import POOL_RPCS
from tests.service.hostagent.quayside import Quay, Staged
from tests.service.hostagent.rpc_rows import RPCS, VOLUME_RPCS, Rpc, said
from xenferry.hostagent.v1 import host_agent_pb2

pytestmark = pytest.mark.asyncio(loop_scope="session")

METHODS = host_agent_pb2.DESCRIPTOR.services_by_name["HostAgent"].methods_by_name
# Why an RPC has no row among those that break, are befallen and are repeated.
ELSEWHERE = {
    "ApplyFloatingIps": "XAPI is not asked: test_agent_floating_ips and test_floating_ip_dataplane",
}
# Why an RPC that is told the fence does not look at it.
UNFENCED = {"ObserveMigration": "it changes nothing, and whoever looks may look"}
# Each asks storage, or for a ticket, again.
ANEW = {"VerifyExports", "PreLiveMigration"}
# What is gone already may be removed again.
REMOVAL = "remove_from_other_config"
STALE = {
    "ABORTED STALE_EPOCH",
    "FAILED_PRECONDITION MIGRATION_ENDED",
}


def method(rpc: Rpc) -> str:
    """Return the RPC's name as the contract has it."""
    return rpc.name.partition(",")[0]


def fenced() -> set[str]:
    """Return the RPCs that change something for a migration."""
    told = {name for name, one in METHODS.items() if "fence" in one.input_type.fields_by_name}
    return told - set(UNFENCED)


async def test_the_tables_have_every_rpc() -> None:
    rows = {method(rpc) for rpc in (*RPCS, *VOLUME_RPCS)} | {rpc.name for rpc in POOL_RPCS}

    assert rows.isdisjoint(ELSEWHERE)
    assert rows | set(ELSEWHERE) == set(METHODS)


FENCED = [rpc for rpc in RPCS if method(rpc) in fenced()]


async def test_every_rpc_that_is_fenced_has_a_row() -> None:
    assert {method(rpc) for rpc in FENCED} == fenced()


@pytest.mark.parametrize("rpc", RPCS, ids=lambda rpc: rpc.name)
async def test_a_repeat_says_the_same_and_does_nothing_twice(quay: Quay, rpc: Rpc) -> None:
    staged = await rpc.stage(quay)
    since = quay.counted.now()

    first = await said(rpc, staged)
    again = await said(rpc, staged)

    assert (first, again) == (rpc.well, rpc.well)
    assert quay.starts(staged.trip.guest) <= 1
    if method(rpc) not in ANEW:
        assert [call for call in twice(quay.simulator, since) if REMOVAL not in call] == []
    await end(staged)


@pytest.mark.parametrize("rpc", FENCED, ids=lambda rpc: rpc.name)
async def test_a_predecessor_is_refused_once_its_successor_has_called(quay: Quay, rpc: Rpc) -> None:
    before = await rpc.stage(quay)
    after = Staged(before.trip.taken_over(3), before.ticket)

    successor = await said(rpc, after)
    predecessor = await said(rpc, before)

    assert successor == rpc.well
    assert predecessor in STALE
    assert quay.starts(before.trip.guest) <= 1
    await end(after)
