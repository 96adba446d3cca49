"""Every RPC of an agent under every class of fault: what it says, and what XAPI was asked."""

import asyncio
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import grpc
import pytest

from tests.service.hostagent.crossing import Trip
from tests.service.hostagent.pool import DEADLINE_S, RunningAgent
from tests.service.hostagent.quayside import DEST, LEADERS, SOURCE, Quay, Staged, leader
from tests.service.hostagent.rpc_rows import AWAY, CAME, IN_DOUBT, RPCS, TOO_LATE, UNTOLD, Rpc, said
from tests.service.hostagent.two_pools import Pool
from tests.support.sim import Simulator
from xenferry.hostagent.v1 import host_agent_pb2

pytestmark = pytest.mark.asyncio(loop_scope="session")

# What is done to floating IPs and pools has tables of its own.
ELSEWHERE = {
    "ApplyFloatingIps",
    "CheckCanJoinOnHost",
    "CheckCanJoinOnCoordinator",
    "NamePool",
    "JoinPool",
    "LeavePool",
    "ObservePoolOperation",
}
FAULTS: dict[str, dict[str, Any]] = {
    "refusal": {"fault": "error", "error": ["OPERATION_NOT_ALLOWED", "not today"]},
    "delay": {"fault": "delay", "seconds": 0.1},
    "dropped reply": {"fault": "drop_reply"},
    "dropped call": {"fault": "drop_call"},
}
# Sent again until the end is known, which stops nothing but what was to be stopped.
REPEATED = {"task.cancel"}
READS = ("get_", "assert_", "compute_", "login", "slave_local_login", "from")
# XAPI has not looked at a call that it answers so.
NOT_DONE = {"SESSION_INVALID", "HOST_IS_SLAVE", "HOST_STILL_BOOTING"}


def sent(simulator: Simulator, since: int) -> Counter[str]:
    """Return how often the agents sent each call that changes something."""
    return Counter(
        json.dumps([call["method"], call["params"][1:]])
        for call in simulator.trace(since)
        if call["originator"].startswith("xenferry-hostagent/")
        and call["method"] not in REPEATED
        and not call["method"].rpartition(".")[2].startswith(READS)
        and call["outcome"][0] not in NOT_DONE
    )


def twice(simulator: Simulator, since: int) -> list[str]:
    """Return the calls that change something and were sent more than once."""
    return [call for call, times in sent(simulator, since).items() if times > 1]


def now(simulator: Simulator) -> int:
    """Return the number of the last call."""
    return int(simulator.trace()[-1]["number"])


async def end(staged: Staged) -> None:
    """Do what the controller does where the guest is, and see that nothing is left."""
    trip = staged.trip
    await standing(staged)
    if trip.where() == [DEST]:
        await trip.finish()
    else:
        await trip.roll_back()
    assert trip.where() in ([SOURCE], [DEST])
    assert trip.residue() == set()


async def standing(staged: Staged) -> None:
    """Wait until nothing moves the guest, and XAPI's record is where the guest is."""
    trip = staged.trip
    simulator = trip.yard.simulator
    states = {"receiving"}
    while "receiving" in states:
        await trip.observe(trip.dest)
        states = {one["state"] for one in simulator.domains() if one["vm_uuid"] == trip.guest.uuid}
    if trip.where() == [DEST]:
        seen = await trip.observe(trip.dest)
        if seen.resident_host_id != trip.dest.host.host_id and not seen.current_operations:
            # After a restart the record says halted until the host looks at what it has (XAPI G).
            simulator.fault(fault="restart_toolstack", host=DEST)
        await trip.yard.watched(
            lambda: trip.observe(trip.dest),
            lambda seen: seen.resident_host_id == trip.dest.host.host_id,
        )
    await trip.yard.watched(
        lambda: trip.observe(trip.yard.source), lambda seen: not seen.current_operations
    )


async def test_the_table_has_every_rpc() -> None:
    service = host_agent_pb2.DESCRIPTOR.services_by_name["HostAgent"]

    assert {rpc.name.partition(",")[0] for rpc in RPCS} | ELSEWHERE == set(service.methods_by_name)


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("rpc", RPCS, ids=lambda rpc: rpc.name)
async def test_a_call_that_breaks_is_told_and_never_made_twice(
    quay: Quay, rpc: Rpc, fault: str
) -> None:
    simulator = quay.simulator
    staged = await rpc.stage(quay)
    since = now(simulator)
    armed = simulator.fault(**FAULTS[fault], method=rpc.method, nth=1)

    first = await said(rpc, staged)
    doubled = twice(simulator, since)
    simulator.lift(armed)
    again = await said(rpc, staged)

    expected = {"refusal": rpc.refused, "delay": rpc.well, "dropped reply": rpc.unheard}
    afterwards = {"dropped call": rpc.after_unsent or rpc.well}
    assert first == expected.get(fault, rpc.unsent)
    assert doubled == []
    assert again == afterwards.get(fault, rpc.well)
    simulator.clear_faults()
    await end(staged)


def strike(simulator: Simulator, what: str) -> dict[str, Any]:
    """Return the fault that befalls the coordinator."""
    host = leader(simulator)
    (other,) = [name for name in LEADERS if name != host]
    return {
        "sessions evicted": {"fault": "session_evict"},
        "toolstack restarted": {"fault": "restart_toolstack", "host": host},
        "coordinator replaced": {"fault": "coordinator_failover", "host": other},
        "host dead": {"fault": "host_death", "host": host},
        "partition": {"fault": "partition", "plane": "client", "host": host},
        "hanging": {"fault": "hang", "host": host},
    }[what]


# What an RPC may say while XAPI is away: nothing that is not known.
WITHOUT_XAPI = {AWAY, UNTOLD, IN_DOUBT}
LASTING = ("host dead", "partition", "hanging")


BEFALLS = ("sessions evicted", "toolstack restarted", "coordinator replaced", *LASTING)


def allowed(rpc: Rpc, what: str) -> set[str]:
    """Return what an RPC may say while that lasts."""
    if what == "sessions evicted":
        return {rpc.well}
    return WITHOUT_XAPI if what in LASTING else {rpc.well, CAME, *WITHOUT_XAPI}


@pytest.mark.parametrize("what", BEFALLS)
async def test_whatever_befalls_the_coordinator_every_rpc_says_what_it_knows_and_no_more(
    quay: Quay, what: str
) -> None:
    """All RPCs at once, for all suffer what the coordinator suffers."""
    simulator = quay.simulator
    staged = [await rpc.stage(quay) for rpc in RPCS]
    for one in staged:
        quay.disks_of(one.trip.guest)
    since = now(simulator)
    simulator.fault(**strike(simulator, what))

    first = await asyncio.gather(*map(said, RPCS, staged))
    doubled = twice(simulator, since)
    simulator.clear_faults()
    await answering(staged[0].trip)
    again = await asyncio.gather(*map(said, RPCS, staged))

    assert strange(first, [allowed(rpc, what) for rpc in RPCS]) == {}
    assert doubled == []
    assert strange(again, [{rpc.well, CAME, TOO_LATE, IN_DOUBT} for rpc in RPCS]) == {}
    line = Pool(simulator, leader(simulator))
    for one in staged:
        one.trip = one.trip.at(yard=replace(quay, near_pool=line))
        await end(one)
        assert quay.starts(one.trip.guest) <= 1


def strange(told: Sequence[str], expected: Sequence[set[str]]) -> dict[str, str]:
    """Return the answers that are none of those expected, by RPC."""
    rows = zip(RPCS, told, expected, strict=True)
    return {rpc.name: word for rpc, word, fine in rows if word not in fine}


async def answering(trip: Trip) -> None:
    """Wait until both agents have found XAPI again."""
    async with asyncio.timeout(DEADLINE_S):
        for agent in (trip.yard.source, trip.dest):
            while await silent(trip, agent):
                continue


async def silent(trip: Trip, agent: RunningAgent) -> bool:
    """Tell whether an agent has no answer from XAPI."""
    try:
        await trip.observe(agent)
    except grpc.aio.AioRpcError:
        return True
    return False
