"""Every phase of adding and removing a host, and what can go wrong in it."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from controller.aggregates.settings import AggregateSettings
from tests.support import aggregate_world
from tests.support.aggregate_world import FAILED, SUCCEEDED, Aggregates, Ring, name
from xenferry.controller.v1 import aggregates_pb2

PATIENT = AggregateSettings(poll_s=0.02, agent_wait_s=5.0, give_up_s=5.0)
PASSING = ("unavailable", "lost_reply", "silent", "broken")
LASTING = ("refused", "no_plugin")
# Which call each phase makes.
CALLS = {"NAMING_POOL": "NamePool", "JOINING": "JoinPool", "EJECTING": "LeavePool"}


@pytest_asyncio.fixture
async def ring(tmp_path: Path) -> AsyncIterator[Ring]:
    """Return three hosts of a pool each."""
    async with aggregate_world.a_ring(tmp_path) as ring:
        ring.settings = replace(ring.settings, aggregates=PATIENT)
        yield ring


async def come_to(rack: Aggregates, phase: str) -> dict[str, str]:
    """Do what comes before a phase; returns which host is asked for next."""
    if phase == "NAMING_POOL":
        await rack.added()
        return {"host": "xs1"}
    await rack.added("xs1", *(["xs2"] if phase == "EJECTING" else []))
    return {"host": "xs2"}


async def begin(rack: Aggregates, phase: str, host: str) -> Any:
    """Begin what goes through a phase."""
    if phase == "EJECTING":
        return await rack.ask("RemoveHost", aggregate="rack", host=host, confirm_wipe=True)
    return await rack.add(host)


async def agrees(rack: Aggregates) -> None:
    """The wanted hosts are those that are in the pool, and nothing is open."""
    known = await rack.get()
    assert not known.HasField("operation")
    assert [h.host_name for h in known.hosts if h.wanted != h.in_pool] == []
    assert [name(finding) for finding in known.drift if name(finding) == "POOL_DRIFT"] == []
    for host in known.hosts:
        agent = rack.ring.agents[host.host_name]
        assert (agent.host.pool_id == known.pool_id) is host.in_pool


@pytest.mark.parametrize("phase", CALLS)
@pytest.mark.parametrize("fault", PASSING)
async def test_what_passes_is_borne(ring: Ring, phase: str, fault: str) -> None:
    async with ring.service() as rack:
        asked = await come_to(rack, phase)
        for agent in ring.agents.values():
            agent.fail(CALLS[phase], *[fault] * (1 if fault == "silent" else 6))

        begun = await begin(rack, phase, **asked)
        if phase == "EJECTING":
            await rack.until(begun, lambda known: known.agent_state == "gone")
            ejected = ring.agents["xs2"]
            ejected.host.pool_id, ejected.host.coordinator = ejected.pool.pool_id, True
            await rack.register(ejected)
        ended = await rack.ended(begun)

        assert ended.phase == SUCCEEDED, ended
        await agrees(rack)


@pytest.mark.parametrize("phase", CALLS)
@pytest.mark.parametrize("fault", LASTING)
async def test_what_lasts_ends_it_before_anything_was_shut_down(
    ring: Ring, phase: str, fault: str
) -> None:
    async with ring.service() as rack:
        asked = await come_to(rack, phase)
        before = {host.host_name for host in (await rack.get()).hosts}
        for agent in ring.agents.values():
            agent.fail(CALLS[phase], fault)

        ended = await rack.ended(await begin(rack, phase, **asked))

        assert (ended.phase, ended.agent_state) == (FAILED, "untouched")
        assert ended.error.message
        assert {host.host_name for host in (await rack.get()).hosts} == before
        await agrees(rack)


@pytest.mark.parametrize("phase", ["JOINING", "EJECTING"])
@pytest.mark.parametrize("fault", LASTING)
async def test_what_dom0_has_begun_goes_on_whatever_an_agent_says(
    ring: Ring, phase: str, fault: str
) -> None:
    async with ring.service() as rack:
        asked = await come_to(rack, phase)
        ring.dom0.held = "stopping_agent"
        begun = await begin(rack, phase, **asked)
        await rack.until(begun, lambda known: known.agent_state == "stopped")
        ring.agents["xs1"].fail(CALLS[phase], fault, fault)

        told = await rack.until(begun, lambda known: known.HasField("error"))
        ring.dom0.held = ""

        assert not told.HasField("end_time")
        ended = await rack.until(begun, lambda known: known.agent_state in ("running", "gone"))
        assert not ended.HasField("error")


@pytest.mark.parametrize("phase", ["JOINING", "EJECTING"])
async def test_dom0_that_gives_up_leaves_everything_as_it_was(ring: Ring, phase: str) -> None:
    async with ring.service() as rack:
        asked = await come_to(rack, phase)
        before = (await rack.get()).hosts
        ring.dom0.refuses = ("HA_IS_ENABLED",)

        ended = await rack.ended(await begin(rack, phase, **asked))

        assert (ended.phase, ended.agent_state) == (FAILED, "running")
        assert list(ended.error.xapi_error) == ["HA_IS_ENABLED"]
        assert (await rack.get()).hosts == before
        await agrees(rack)


@pytest.mark.parametrize("refuses", [(), ("HA_IS_ENABLED",)])
async def test_an_agent_vm_that_does_not_start_is_told_and_tried_again(
    ring: Ring, refuses: tuple[str, ...]
) -> None:
    async with ring.service() as rack:
        asked = await come_to(rack, "JOINING")
        ring.dom0.refuses, ring.dom0.failing_starts = refuses, 3

        begun = await begin(rack, "JOINING", **asked)
        down = await rack.until(begun, lambda known: known.agent_state == "failed")
        ended = await rack.ended(begun)

        assert name(down.error) == "AGENT_NOT_RESTARTED"
        assert not down.HasField("end_time")
        assert ended.agent_state == "running"
        assert ended.phase == (FAILED if refuses else SUCCEEDED)
        await agrees(rack)


@pytest.mark.parametrize("refuses", [(), ("HA_IS_ENABLED",)])
async def test_an_agent_vm_that_never_starts_is_what_the_operation_ends_with(
    ring: Ring, refuses: tuple[str, ...]
) -> None:
    ring.settings = replace(ring.settings, aggregates=aggregate_world.IMPATIENT)
    async with ring.service() as rack:
        asked = await come_to(rack, "JOINING")
        ring.dom0.refuses, ring.dom0.failing_starts = refuses, 10_000

        ended = await rack.ended(await begin(rack, "JOINING", **asked))

        assert (ended.phase, ended.agent_state) == (FAILED, "failed")
        assert name(ended.error) == "AGENT_NOT_RESTARTED"
        wanted = [host.host_name for host in (await rack.get()).hosts if host.wanted]
        assert wanted == (["xs1"] if refuses else ["xs1", "xs2"])


async def test_an_agent_that_is_never_heard_again_is_what_the_operation_ends_with(
    ring: Ring,
) -> None:
    ring.settings = replace(ring.settings, aggregates=aggregate_world.IMPATIENT)
    async with ring.service() as rack:
        asked = await come_to(rack, "JOINING")
        ring.silent.add("xs2")

        ended = await rack.ended(await begin(rack, "JOINING", **asked))

        assert ended.phase == FAILED
        assert name(ended.error) == "AGENT_NOT_RESTARTED"


async def test_an_outcome_that_nobody_tells_is_called_unknown(ring: Ring) -> None:
    ring.settings = replace(ring.settings, aggregates=aggregate_world.IMPATIENT)
    async with ring.service() as rack:
        asked = await come_to(rack, "JOINING")
        ring.dom0.held = "stopping_agent"
        begun = await begin(rack, "JOINING", **asked)
        await rack.until(begun, lambda known: known.agent_state == "stopped")
        ring.agents["xs1"].fail("JoinPool", *["unavailable"] * 10_000)

        ended = await rack.ended(begun)

        assert ended.phase == FAILED
        assert name(ended.error) == "OUTCOME_UNKNOWN"


@pytest.mark.parametrize("phase", ["JOINING", "EJECTING", "WAITING_AGENT"])
async def test_a_controller_that_is_started_again_goes_on(ring: Ring, phase: str) -> None:
    waits = phase == "WAITING_AGENT"
    async with ring.service() as rack:
        asked = await come_to(rack, phase)
        ring.dom0.held = "" if waits else "stopping_agent"
        if waits:
            ring.silent.add("xs2")
        begun = await begin(rack, phase, **asked)
        number = aggregates_pb2.AggregateOperationPhase.Value(f"AGGREGATE_OPERATION_PHASE_{phase}")
        await rack.until(begun, lambda known: known.phase == number)

    ring.dom0.held, ring.silent = "", set()
    async with ring.service() as rack:
        ended = await rack.until(begun, lambda known: known.agent_state in ("running", "gone"))
        assert len(ring.dom0.operations) == (2 if phase == "EJECTING" else 1)
        if phase != "EJECTING":
            ended = await rack.ended(begun)
            assert ended.phase == SUCCEEDED
            await agrees(rack)


async def test_the_new_coordinator_is_asked_when_the_pool_gets_one(ring: Ring) -> None:
    async with ring.service() as rack:
        await rack.added("xs1", "xs2")
        ring.dom0.held = "stopping_agent"
        begun = await rack.add("xs3")
        await rack.until(begun, lambda known: known.agent_state == "stopped")
        ring.agents["xs1"].host.coordinator = False
        ring.agents["xs2"].host.coordinator = True
        await rack.register(ring.agents["xs1"])
        await rack.register(ring.agents["xs2"])
        ring.dom0.held = ""

        ended = await rack.ended(begun)

        assert ended.phase == SUCCEEDED
        assert ring.agents["xs2"].calls["JoinPool"] > 0
