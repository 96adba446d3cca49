"""Until when an operation on a pool can be stopped."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from tests.support import aggregate_world
from tests.support.aggregate_world import PATIENT, SUCCEEDED, Aggregates, Ring
from xenferry.controller.v1 import aggregates_pb2

CANCELLED = aggregates_pb2.AGGREGATE_OPERATION_PHASE_CANCELLED
WAITING_AGENT = aggregates_pb2.AGGREGATE_OPERATION_PHASE_WAITING_AGENT
MANY = 10_000


@pytest_asyncio.fixture
async def ring(tmp_path: Path) -> AsyncIterator[Ring]:
    """Return three hosts of a pool each."""
    async with aggregate_world.a_ring(tmp_path, alive_after_s=0.5) as ring:
        ring.settings = replace(ring.settings, aggregates=PATIENT)
        yield ring


Hold = Callable[[Aggregates], Awaitable[Any]]


async def in_error(rack: Aggregates, begun: Any) -> Any:
    """Wait until something is in the way."""
    return await rack.until(begun, lambda known: known.HasField("error"))


async def naming(rack: Aggregates) -> Any:
    """Be at the naming of a pool whose XAPI is away."""
    await rack.added()
    rack.ring.agents["xs1"].fail("NamePool", *["unavailable"] * MANY)
    return await in_error(rack, await rack.add("xs1"))


async def joining_at_a_dead_agent(rack: Aggregates) -> Any:
    """Be at a join whose coordinator is not heard."""
    await rack.added("xs1")
    rack.ring.agents["xs1"].fail("ObservePoolOperation", *["unavailable"] * MANY)
    begun = await rack.add("xs2")
    rack.ring.silent.add("xs1")
    return await in_error(rack, begun)


async def joining_at_a_busy_dom0(rack: Aggregates) -> Any:
    """Be at a join that waits for another one."""
    await rack.added("xs1")
    rack.ring.dom0.busy = True
    return await in_error(rack, await rack.add("xs2"))


async def leaving_at_a_busy_dom0(rack: Aggregates) -> Any:
    """Be at an ejection that waits for another change."""
    await rack.added("xs1", "xs2")
    rack.ring.dom0.busy = True
    return await in_error(rack, await rack.remove("xs2"))


async def joining_asked(rack: Aggregates) -> Any:
    """Be at a join that dom0 was told of, and nobody heard whether it has begun."""
    await rack.added("xs1")
    rack.ring.agents["xs1"].fail("JoinPool", *["unavailable"] * MANY)
    return await in_error(rack, await rack.add("xs2"))


async def joining_begun(rack: Aggregates) -> Any:
    """Be at a join that dom0 works on."""
    await rack.added("xs1")
    rack.ring.dom0.held = "stopping_agent"
    begun = await rack.add("xs2")
    return await rack.until(begun, lambda known: known.agent_state == "stopped")


async def leaving_begun(rack: Aggregates) -> Any:
    """Be at an ejection that dom0 works on."""
    await rack.added("xs1", "xs2")
    rack.ring.dom0.held = "stopping_agent"
    begun = await rack.remove("xs2")
    return await rack.until(begun, lambda known: known.agent_state == "stopped")


async def joined_and_waiting(rack: Aggregates) -> Any:
    """Be at a host that joined and whose agent is not heard."""
    await rack.added("xs1")
    rack.ring.silent.add("xs2")
    begun = await rack.add("xs2")
    return await rack.until(begun, lambda known: known.phase == WAITING_AGENT)


async def gone_and_waiting(rack: Aggregates) -> Any:
    """Be at a host that was ejected and is still told of."""
    await rack.added("xs1", "xs2")
    begun = await rack.remove("xs2")
    return await rack.until(begun, lambda known: known.phase == WAITING_AGENT)


def lift(ring: Ring) -> None:
    """Let nothing be in the way any more."""
    ring.silent.clear()
    ring.dom0.busy, ring.dom0.held = False, ""
    for call in ("NamePool", "JoinPool", "ObservePoolOperation"):
        ring.agents["xs1"].lift(call)


@pytest.mark.parametrize(
    "hold", [naming, joining_at_a_dead_agent, joining_at_a_busy_dom0, leaving_at_a_busy_dom0]
)
async def test_what_nobody_was_told_to_begin_is_cancelled(ring: Ring, hold: Hold) -> None:
    async with ring.service() as rack:
        begun = await hold(rack)
        before = {host.host_name for host in (await rack.get()).hosts if host.in_pool}

        cancelled = await rack.cancel(begun)
        again = await rack.cancel(begun)
        lift(ring)
        known = await rack.shows(lambda one: all(host.alive for host in one.hosts))
        retried = await (rack.remove if "leaving" in hold.__name__ else rack.add)(begun.host_name)

        assert (cancelled.phase, cancelled.HasField("end_time")) == (CANCELLED, True)
        assert again == cancelled
        assert not known.HasField("operation")
        assert {host.host_name for host in known.hosts if host.wanted} == before
        assert begun.operation_id not in ring.dom0.operations
        assert (await rack.ended(retried)).phase == SUCCEEDED


@pytest.mark.parametrize(
    ("hold", "why"),
    [
        (joining_asked, "its answer is lost"),
        (joining_begun, "dom0 has begun"),
        (leaving_begun, "dom0 has begun"),
        (joined_and_waiting, "joined"),
        (gone_and_waiting, "was ejected"),
    ],
)
async def test_after_the_point_of_no_return_a_cancel_is_refused_with_the_reason(
    ring: Ring, hold: Hold, why: str
) -> None:
    async with ring.service() as rack:
        begun = await hold(rack)

        refused = await rack.refused("CancelAggregateOperation", operation_id=begun.operation_id)
        lift(ring)
        await rack.register(ring.agents["xs2"])
        ended = await rack.ended(begun)

        assert refused.reason == "TOO_LATE_TO_CANCEL"
        assert why in refused.message
        assert ended.phase == SUCCEEDED
