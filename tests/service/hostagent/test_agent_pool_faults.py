"""Every RPC about pools under every class of fault: what it says, and what is done once."""

import asyncio
import json
from typing import Any

import pytest

from tests.service.hostagent.audit import FAULTS, twice
from tests.service.hostagent.pool_rows import PLUGIN, POOL_RPCS, Asked, PoolRpc, fresh, join, said
from tests.service.hostagent.rpc_rows import AWAY, DONE, UNTOLD
from tests.support.dom0 import Quays

pytestmark = pytest.mark.asyncio(loop_scope="session")

OTHER = "FAILED_PRECONDITION NOT_COORDINATOR"
BEFALLS = (
    "sessions evicted",
    "toolstack restarted",
    "coordinator replaced",
    "host dead",
    "partition",
)


def begun_once(asked: Asked) -> bool:
    """Tell whether dom0's record has each thing once that was done for an operation."""
    record = asked.quays.dom0.directory / "state" / f"{asked.operation_id}.json"
    notes = json.loads(record.read_text())["notes"] if record.exists() else []
    return len(notes) == len(set(notes))


async def settled(asked: Asked) -> None:
    """Wait until no process works on an operation."""
    await asked.quays.dom0.idle(asked.operation_id)


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("rpc", POOL_RPCS, ids=lambda rpc: rpc.name)
async def test_a_call_that_breaks_is_told_and_nothing_is_done_twice(
    lone_quays: Quays, rpc: PoolRpc, fault: str
) -> None:
    asked = fresh(lone_quays)
    since = now(lone_quays)
    armed = lone_quays.simulator.fault(**FAULTS[fault], method=rpc.method, nth=1)

    first = await said(rpc, asked)
    await settled(asked)
    doubled = [call for call in twice(lone_quays.simulator, since) if PLUGIN not in call]
    lone_quays.simulator.lift(armed)
    again = await said(rpc, asked)
    await settled(asked)

    expected = {"refusal": rpc.refused, "delay": rpc.well, "dropped reply": rpc.unheard}
    assert first == expected.get(fault, rpc.unsent)
    assert again == rpc.well
    assert doubled == []
    assert begun_once(asked)


async def test_a_coordinator_that_has_another_reference_now_is_a_matter_of_time(
    lone_quays: Quays,
) -> None:
    """As when it has just joined another pool, and is none any more."""
    asked = fresh(lone_quays)
    with lone_quays.line("n1") as xapi:
        ref = xapi.host.get_by_uuid(lone_quays.north.host.host_id)
    gone = {"fault": "error", "method": PLUGIN, "error": ["HANDLE_INVALID", "host", ref]}
    armed = lone_quays.simulator.fault(**gone)

    words = [await said(rpc, asked) for rpc in POOL_RPCS if rpc.method == PLUGIN]
    lone_quays.simulator.lift(armed)

    assert set(words) == {AWAY}


def now(quays: Quays) -> int:
    """Return the number of the last call."""
    return int(quays.simulator.trace()[-1]["number"])


def strike(what: str, quays: Quays) -> dict[str, Any]:
    """Return the fault that befalls the coordinator."""
    return {
        "sessions evicted": {"fault": "session_evict"},
        "toolstack restarted": {"fault": "restart_toolstack", "host": "n1"},
        "coordinator replaced": {"fault": "coordinator_failover", "host": quays.home},
        "host dead": {"fault": "host_death", "host": "n1"},
        "partition": {"fault": "partition", "plane": "client", "host": "n1"},
    }[what]


@pytest.mark.parametrize("what", BEFALLS)
async def test_whatever_befalls_the_coordinator_every_rpc_says_what_it_knows_and_no_more(
    quays: Quays, what: str
) -> None:
    if what == "coordinator replaced":
        await quays.joined()
    asked = fresh(quays)
    await join(asked)
    await settled(asked)
    quays.simulator.fault(**strike(what, quays))

    first = await asyncio.gather(*(said(rpc, asked) for rpc in POOL_RPCS))
    quays.simulator.clear_faults()
    if what == "coordinator replaced":
        quays.simulator.fault(fault="coordinator_failover", host="n1")
    again = await asyncio.gather(*(answered(rpc, asked) for rpc in POOL_RPCS))

    lasting = what in ("host dead", "partition")
    fine = {AWAY, UNTOLD} if lasting else {DONE, AWAY, UNTOLD, OTHER}
    assert set(first) <= ({DONE} if what == "sessions evicted" else fine)
    assert set(again) == {DONE}
    assert begun_once(asked)


async def answered(rpc: PoolRpc, asked: Asked) -> str:
    """Ask until XAPI is there again, and the coordinator the one that it was."""
    word = AWAY
    while word in (AWAY, UNTOLD, OTHER):
        word = await said(rpc, asked)
    return word
