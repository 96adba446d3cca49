"""What else can go wrong while a host is added or removed: faults that last, or that come together.

Each fault by itself, in every phase, is in test_aggregate_table.
"""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
import pytest_asyncio

from tests.support import aggregate_world
from tests.support.aggregate_world import (
    FAILED,
    IMPATIENT,
    PATIENT,
    SUCCEEDED,
    Ring,
    name,
)

CALLS = {"JOINING": "JoinPool", "EJECTING": "LeavePool"}
LASTING = ("refused", "no_plugin")


@pytest_asyncio.fixture
async def ring(tmp_path: Path) -> AsyncIterator[Ring]:
    """Return three hosts of a pool each."""
    async with aggregate_world.a_ring(tmp_path) as ring:
        ring.settings = replace(ring.settings, aggregates=PATIENT)
        yield ring


@pytest.mark.parametrize("fault", ["silent", "broken"])
async def test_an_agent_that_hangs_or_breaks_is_asked_again(ring: Ring, fault: str) -> None:
    async with ring.service() as rack:
        await rack.added("xs1")
        ring.agents["xs1"].fail("JoinPool", fault)

        ended = await rack.ended(await rack.add("xs2"))

        assert ended.phase == SUCCEEDED, ended


@pytest.mark.parametrize("phase", CALLS)
@pytest.mark.parametrize("fault", LASTING)
async def test_what_dom0_has_begun_goes_on_whatever_an_agent_says(
    ring: Ring, phase: str, fault: str
) -> None:
    async with ring.service() as rack:
        await rack.added("xs1", *(["xs2"] if phase == "EJECTING" else []))
        ring.dom0.held = "stopping_agent"
        begun = await (rack.remove if phase == "EJECTING" else rack.add)("xs2")
        await rack.until(begun, lambda known: known.agent_state == "stopped")
        ring.agents["xs1"].fail(CALLS[phase], *[fault] * 10_000)

        told = await rack.until(begun, lambda known: known.HasField("error"))
        ring.agents["xs1"].lift(CALLS[phase])
        ring.dom0.held = ""

        assert not told.HasField("end_time")
        ended = await rack.until(begun, lambda known: known.agent_state in ("running", "gone"))
        assert not ended.HasField("error")


@pytest.mark.parametrize("phase", CALLS)
async def test_a_refusal_after_a_lost_answer_does_not_hide_that_dom0_has_begun(
    ring: Ring, phase: str
) -> None:
    async with ring.service() as rack:
        await rack.added("xs1", *(["xs2"] if phase == "EJECTING" else []))
        ring.agents["xs1"].fail(CALLS[phase], "lost_reply", *["refused"] * 3)

        begun = await (rack.remove if phase == "EJECTING" else rack.add)("xs2")
        known = await rack.until(begun, lambda known: known.agent_state in ("running", "gone"))

        assert known.phase != FAILED
        assert not known.HasField("error")


@pytest.mark.parametrize("refuses", [(), ("HA_IS_ENABLED",)])
async def test_an_agent_vm_that_does_not_start_is_told_and_tried_again(
    ring: Ring, refuses: tuple[str, ...]
) -> None:
    async with ring.service() as rack:
        await rack.added("xs1")
        ring.dom0.refuses, ring.dom0.failing_starts = refuses, 1_000_000

        begun = await rack.add("xs2")
        down = await rack.until(begun, lambda known: known.agent_state == "failed")
        ring.dom0.failing_starts = 0
        ended = await rack.ended(begun)

        assert name(down.error) == "AGENT_NOT_RESTARTED"
        assert not down.HasField("end_time")
        assert ended.agent_state == "running"
        assert ended.phase == (FAILED if refuses else SUCCEEDED)


async def test_an_outcome_that_nobody_tells_is_called_unknown_and_asked_after(ring: Ring) -> None:
    ring.settings = replace(ring.settings, aggregates=IMPATIENT)
    async with ring.service() as rack:
        await rack.added("xs1")
        ring.dom0.held = "stopping_agent"
        begun = await rack.add("xs2")
        await rack.until(begun, lambda known: known.agent_state == "stopped")
        ring.agents["xs1"].fail("JoinPool", *["unavailable"] * 10_000)
        ring.agents["xs1"].fail("ObservePoolOperation", *["unavailable"] * 10_000)

        ended = await rack.ended(begun)
        told = (await rack.get()).drift
        ring.dom0.held = ""
        ring.agents["xs1"].lift("ObservePoolOperation")
        after = await rack.until(begun, lambda known: known.agent_state == "running")

        assert (ended.phase, name(ended.error)) == (FAILED, "OUTCOME_UNKNOWN")
        assert [(name(one), one.subject) for one in told] == [("AGENT_NOT_RESTARTED", "host/xs2")]
        assert (after.phase, name(after.error)) == (FAILED, "OUTCOME_UNKNOWN")


async def test_a_pool_that_nobody_speaks_for_is_told_as_such_while_nothing_is_touched(
    tmp_path: Path,
) -> None:
    async with aggregate_world.a_ring(tmp_path, alive_after_s=0.5) as ring, ring.service() as rack:
        await rack.added("xs1")
        ring.agents["xs1"].fail("ObservePoolOperation", *["unavailable"] * 10_000)
        begun = await rack.add("xs2")
        ring.silent.add("xs1")

        ended = await rack.ended(begun)

        assert (ended.phase, ended.agent_state) == (FAILED, "untouched")
        assert name(ended.error) in ("AGENT_UNAVAILABLE", "XAPI_UNAVAILABLE")
        assert ring.agents["xs1"].calls["JoinPool"] == 0


@pytest.mark.parametrize("asked_first", [False, True])
async def test_the_new_coordinator_is_asked_when_the_pool_gets_one(
    ring: Ring, asked_first: bool
) -> None:
    """Its dom0 knows nothing of the operation, be it while the host joins or once it has."""
    async with ring.service() as rack:
        await rack.added("xs1", "xs2")
        if asked_first:
            ring.dom0.held = "stopping_agent"
        else:
            ring.dom0.failing_starts = 1_000_000
        begun = await rack.add("xs3")
        await rack.until(
            begun, lambda known: known.agent_state == ("stopped" if asked_first else "failed")
        )
        ring.agents["xs1"].host.coordinator = False
        ring.agents["xs2"].host.coordinator = True
        await rack.register(ring.agents["xs1"])
        await rack.register(ring.agents["xs2"])
        ring.dom0.held, ring.dom0.failing_starts = "", 0
        if not asked_first:
            ring.dom0.operations.clear()

        ended = await rack.ended(begun)

        assert ended.phase == SUCCEEDED
        assert ring.agents["xs2"].calls["JoinPool"] > 0


async def test_a_host_is_ejected_by_the_coordinator_that_the_pool_gets_meanwhile(
    ring: Ring,
) -> None:
    async with ring.service() as rack:
        await rack.added("xs1", "xs2", "xs3")
        ring.dom0.held = "stopping_agent"
        begun = await rack.remove("xs3")
        await rack.until(begun, lambda known: known.agent_state == "stopped")
        ring.agents["xs1"].host.coordinator = False
        ring.agents["xs2"].host.coordinator = True
        await rack.register(ring.agents["xs1"])
        await rack.register(ring.agents["xs2"])
        ring.dom0.held = ""

        gone = await rack.until(begun, lambda known: known.agent_state == "gone")

        assert not gone.HasField("error")
        assert ring.agents["xs2"].calls["LeavePool"] > 0
        assert "xs3" in ring.dom0.wiped


@pytest.mark.parametrize("way", ["dom0", "heard", "cancel"])
async def test_an_agent_vm_that_an_operation_left_down_is_told_of_until_it_runs(
    ring: Ring, way: str
) -> None:
    """Dom0 starts it in the end, or somebody else does, or nobody wants it to be."""
    ring.settings = replace(ring.settings, aggregates=IMPATIENT)
    async with ring.service() as rack:
        await rack.added("xs1")
        ring.dom0.refuses, ring.dom0.failing_starts = ("HA_IS_ENABLED",), 10_000
        begun = await rack.add("xs2")
        ended = await rack.ended(begun)
        assert (ended.phase, name(ended.error)) == (FAILED, "AGENT_NOT_RESTARTED")

    async with ring.service() as rack:
        (told,) = (await rack.get()).drift
        assert begun.operation_id in told.message
        if way == "dom0":
            ring.dom0.failing_starts = 0
        elif way == "heard":
            ring.dom0.down.clear()
            await rack.register(ring.agents["xs2"])
        else:
            await rack.cancel(begun)
        known = await rack.shows(lambda one: not one.drift)
        after = await rack.operation(begun)

        assert not known.HasField("operation")
        assert after.phase == FAILED
        assert after.agent_state == ("failed" if way == "cancel" else "running")
        assert await rack.refused("CancelAggregateOperation", operation_id=begun.operation_id)


async def test_a_pool_that_is_busy_is_waited_for(ring: Ring) -> None:
    async with ring.service() as rack:
        await rack.added("xs1")
        ring.dom0.busy = True
        begun = await rack.add("xs2")
        told = await rack.until(begun, lambda known: known.HasField("error"))
        ring.dom0.busy = False

        ended = await rack.ended(begun)

        assert told.error.xapi_error == ["XENFERRY_BUSY"]
        assert ended.phase == SUCCEEDED
