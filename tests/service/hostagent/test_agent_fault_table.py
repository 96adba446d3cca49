"""Every RPC of an agent when a call breaks that it makes: what it says, and what XAPI was asked."""

import pytest

from tests.service.hostagent.audit import FAULTS, end, twice
from tests.service.hostagent.quayside import DEST, Quay
from tests.service.hostagent.rpc_rows import AWAY, RPCS, VOLUME_RPCS, Rpc, said

pytestmark = pytest.mark.asyncio(loop_scope="session")

OF_HOST = [rpc for rpc in RPCS if rpc.method == "host.compute_free_memory"]


# Of calls for a volume, refusals and lost replies are in test_agent_each_call.
CELLS = [
    *((rpc, fault) for rpc in RPCS for fault in FAULTS),
    *((rpc, fault) for rpc in VOLUME_RPCS for fault in ("delay", "dropped call")),
]


@pytest.mark.parametrize(("rpc", "fault"), CELLS, ids=lambda one: getattr(one, "name", one))
async def test_a_call_that_breaks_is_told_and_never_made_twice(
    quay: Quay, rpc: Rpc, fault: str
) -> None:
    simulator = quay.simulator
    staged = await rpc.stage(quay)
    since = quay.counted.now()
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


@pytest.mark.parametrize("rpc", OF_HOST, ids=lambda rpc: rpc.name)
async def test_a_host_that_has_another_reference_now_is_a_matter_of_time(
    quay: Quay, rpc: Rpc
) -> None:
    """As when it has just joined another pool."""
    staged = await rpc.stage(quay)
    ref = quay.near_pool.one("host", DEST)
    gone = {"fault": "error", "error": ["HANDLE_INVALID", "host", ref]}
    quay.simulator.fault(**gone, method=rpc.method, nth=1)

    assert await said(rpc, staged) == AWAY
    assert await said(rpc, staged) == rpc.well
