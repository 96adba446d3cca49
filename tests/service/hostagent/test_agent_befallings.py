"""Every RPC of an agent when something befalls a host: it says what it knows and no more.

All RPCs at once, for all suffer what the host suffers.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import grpc
import pytest

from tests.service.hostagent.audit import end, twice
from tests.service.hostagent.crossing import Trip
from tests.service.hostagent.pool import DEADLINE_S, RunningAgent
from tests.service.hostagent.quayside import DEST, LEADERS, SOURCE, Quay, Staged, leader, told
from tests.service.hostagent.rpc_rows import (
    AWAY,
    BEFALLEN,
    CAME,
    IN_DOUBT,
    TOO_LATE,
    UNTOLD,
    Rpc,
    post_at_dest,
    said,
)
from tests.service.hostagent.two_pools import Pool
from tests.support.sim import Simulator

pytestmark = pytest.mark.asyncio(loop_scope="session")


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


async def all_staged(quay: Quay) -> list[Staged]:
    """Bring a guest so far for each RPC that it has work to do; two at a time, as many may move."""
    two = asyncio.Semaphore(2)

    async def stage(rpc: Rpc) -> Staged:
        async with two:
            return await rpc.stage(quay)

    staged = await asyncio.gather(*map(stage, BEFALLEN))
    for one in staged:
        quay.disks_of(one.trip.guest)
    return staged


@pytest.mark.parametrize("what", BEFALLS)
async def test_whatever_befalls_the_coordinator_every_rpc_says_what_it_knows_and_no_more(
    quay: Quay, what: str
) -> None:
    simulator = quay.simulator
    staged = await all_staged(quay)
    since = quay.counted.now()
    simulator.fault(**strike(simulator, what))

    first = await asyncio.gather(*map(said, BEFALLEN, staged))
    doubled = twice(simulator, since)
    simulator.clear_faults()
    await answering(staged[0].trip)
    again = await asyncio.gather(*map(said, BEFALLEN, staged))

    assert strange(first, [allowed(rpc, what) for rpc in BEFALLEN]) == {}
    assert doubled == []
    assert strange(again, [{rpc.well, CAME, TOO_LATE, IN_DOUBT} for rpc in BEFALLEN]) == {}
    line = Pool(simulator, leader(simulator))
    for one in staged:
        one.trip = one.trip.at(yard=replace(quay, near_pool=line))
    await asyncio.gather(*map(end, staged))
    assert all(quay.starts(one.trip.guest) <= 1 for one in staged)


OF_MEMBERS: dict[str, dict[str, Any]] = {
    "destination restarted": {"fault": "restart_toolstack", "host": DEST},
    "destination dead": {"fault": "host_death", "host": DEST},
    "destination cut off": {"fault": "partition", "plane": "management", "host": DEST},
    "source restarted": {"fault": "restart_toolstack", "host": SOURCE},
}
# What an RPC may say of a member that is away: XAPI believes for long that a dead host lives (G).
UNREACHED = {"DEST_NOT_ALIVE", "FAILED_PRECONDITION DEST_NOT_ALIVE", "stayed MIGRATION_FAILED"}


@pytest.mark.parametrize("what", OF_MEMBERS)
async def test_whatever_befalls_a_member_no_rpc_says_of_a_guest_what_is_not_so(
    quay: Quay, what: str
) -> None:
    simulator = quay.simulator
    staged = await all_staged(quay)
    since = quay.counted.now()
    simulator.fault(**OF_MEMBERS[what])

    first = await asyncio.gather(*map(said, BEFALLEN, staged))
    doubled = twice(simulator, since)
    truths = [untrue(word, one) for word, one in zip(first, staged, strict=True)]
    simulator.clear_faults()
    again = await asyncio.gather(*map(said, BEFALLEN, staged))

    fine = [{rpc.well, CAME, *WITHOUT_XAPI, *UNREACHED} for rpc in BEFALLEN]
    assert (strange(first, fine), strange(again, fine)) == ({}, {})
    assert doubled == []
    assert not any(truths)
    await asyncio.gather(*(end(one) if one.trip.where() else lost(one) for one in staged))
    assert all(quay.starts(one.trip.guest) <= 1 for one in staged)


def untrue(word: str, staged: Staged) -> str:
    """Return what was said of a move if the guest is somewhere else."""
    places = {"arrived": [DEST], "stayed": [SOURCE]}
    place = places.get(word.partition(" ")[0])
    return word if place not in (None, staged.trip.where()) else ""


async def lost(staged: Staged) -> None:
    """See that a guest that died with its host is told of, and nowhere begun again."""
    trip = staged.trip
    await trip.yard.watched(
        lambda: trip.observe(trip.dest), lambda seen: seen.resident_host_id == ""
    )

    assert await told(post_at_dest(staged)) == "INSTANCE_NOT_RUNNING"
    assert trip.where() == []


def strange(told: Sequence[str], expected: Sequence[set[str]]) -> dict[str, str]:
    """Return the answers that are none of those expected, by RPC."""
    rows = zip(BEFALLEN, told, expected, strict=True)
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
