"""Where XAPI shows another pool than is wanted: told, adopted or mended."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from tests.support import aggregate_world, fake_dom0
from tests.support.aggregate_world import FAILED, SUCCEEDED, Aggregates, a_uuid, name
from xenferry.controller.v1 import aggregates_pb2

ADOPT = aggregates_pb2.DRIFT_SETTLEMENT_ADOPT
MEND = aggregates_pb2.DRIFT_SETTLEMENT_MEND


@pytest_asyncio.fixture
async def rack(tmp_path: Path) -> AsyncIterator[Aggregates]:
    """Return the service of a controller that hears three hosts, of a pool each."""
    async with aggregate_world.a_ring(tmp_path) as ring, ring.service() as service:
        yield service


def join_by_hand(rack: Aggregates) -> Any:
    """Let xs3 join, and return it."""
    stranger = rack.ring.agents["xs3"]
    stranger.belong_to(rack.ring.agents["xs1"])
    return stranger


def leave_by_hand(rack: Aggregates) -> Any:
    """Let xs2 leave, and return it."""
    leaver = rack.ring.agents["xs2"]
    leaver.host.pool_id, leaver.host.pool_name = leaver.pool.pool_id, "fresh"
    leaver.host.coordinator = True
    return leaver


def rename_by_hand(rack: Aggregates) -> Any:
    """Rename the pool, and return who tells of it."""
    coordinator = rack.ring.agents["xs1"]
    coordinator.host.pool_name = "garage"
    return coordinator


def change_coordinator(rack: Aggregates) -> Any:
    """Let xs2 coordinate the pool, and return it; xs1 tells of it by itself."""
    old, new = rack.ring.agents["xs1"], rack.ring.agents["xs2"]
    old.host.coordinator, new.host.coordinator = False, True
    return new


def lose_default_sr(rack: Aggregates) -> Any:
    """Leave the pool without a default SR, and return who tells of it."""
    coordinator = rack.ring.agents["xs1"]
    coordinator.host.default_sr_id = ""
    return coordinator


async def drift(rack: Aggregates, by_hand: Any) -> None:
    """Have something changed by hand, and told of."""
    changed = by_hand(rack)
    await rack.register(rack.ring.agents["xs1"])
    await rack.register(changed)


@pytest.mark.parametrize(
    ("by_hand", "reason", "words", "adopted"),
    [
        (join_by_hand, "POOL_DRIFT", "xs3 is in the pool", ["xs1", "xs2", "xs3"]),
        (leave_by_hand, "POOL_DRIFT", "xs2 is wanted in rack", ["xs1"]),
        (rename_by_hand, "POOL_DRIFT", "is called 'garage'", ["xs1", "xs2"]),
        (change_coordinator, "POOL_DRIFT", "xs2 coordinates the pool now", ["xs1", "xs2"]),
        (lose_default_sr, "NO_SHARED_DEFAULT_SR", "no shared default SR", ["xs1", "xs2"]),
    ],
)
async def test_drift_is_told_and_can_be_adopted(
    rack: Aggregates, by_hand: Any, reason: str, words: str, adopted: list[str]
) -> None:
    await rack.added("xs1", "xs2")
    known = await rack.get()
    assert not known.drift
    await drift(rack, by_hand)

    drifted = await rack.get()
    after = await rack.ask("SettleDrift", aggregate="rack", settlement=ADOPT)

    assert [name(finding) for finding in drifted.drift] == [reason]
    assert words in drifted.drift[0].message
    assert sorted(host.host_name for host in after.hosts if host.wanted) == adopted
    assert [name(finding) for finding in after.drift if name(finding) == "POOL_DRIFT"] == []


@pytest.mark.parametrize(
    ("by_hand", "left"),
    [
        (join_by_hand, ["POOL_DRIFT"]),
        (rename_by_hand, []),
        (change_coordinator, []),
        (lose_default_sr, ["NO_SHARED_DEFAULT_SR"]),
    ],
)
async def test_mending_brings_about_what_is_wanted_and_wipes_nothing(
    rack: Aggregates, by_hand: Any, left: list[str]
) -> None:
    await rack.added("xs1", "xs2")
    await drift(rack, by_hand)

    await rack.ask("SettleDrift", aggregate="rack", settlement=MEND)
    await rack.register(rack.ring.agents["xs1"])
    known = await rack.get()

    assert [name(finding) for finding in known.drift] == left
    assert [host.host_name for host in known.hosts if host.wanted] == ["xs1", "xs2"]
    assert [host.host_name for host in known.hosts if host.coordinator] == ["xs1"]
    assert rack.ring.agents["xs1"].calls["LeavePool"] == 0


@pytest.mark.parametrize("obstacle", ["HIGH_AVAILABILITY", "HOST_HAS_INSTANCES", "AGGREGATE_BUSY"])
async def test_a_pool_that_must_not_be_disturbed_keeps_its_new_coordinator(
    rack: Aggregates, obstacle: str
) -> None:
    guest = rack.ring.agents["xs1"].guest("web-1")
    await rack.added("xs1", "xs2")
    await drift(rack, change_coordinator)
    if obstacle == "HIGH_AVAILABILITY":
        rack.ring.agents["xs2"].host.ha_enabled = True
        await rack.register(rack.ring.agents["xs2"])
    elif obstacle == "HOST_HAS_INSTANCES":
        rack.ring.agents["xs2"].fail("PreLiveMigration", *["unavailable"] * 10_000)
        await rack.controller.migrate(guest.instance_id, "xs2")
    else:
        rack.ring.dom0.held = "stopping_agent"
        await rack.add("xs3")

    refused = await rack.refused("SettleDrift", aggregate="rack", settlement=MEND)

    assert refused.reason == obstacle
    assert rack.ring.agents["xs2"].calls["DesignateCoordinator"] == 0
    assert "xs2 coordinates the pool now" in (await rack.get()).drift[0].message


async def test_the_pool_of_a_coordinator_that_left_is_mended_with_the_new_one(
    rack: Aggregates,
) -> None:
    await rack.added("xs1", "xs2")
    await drift(rack, change_coordinator)
    leaver = rack.ring.agents["xs1"].host
    leaver.pool_id, leaver.pool_name, leaver.coordinator = a_uuid(), "fresh", True
    await rack.register(rack.ring.agents["xs1"])

    mending = await rack.ask("SettleDrift", aggregate="rack", settlement=MEND)
    ended = await rack.ended(mending.operation)

    known = await rack.get()
    assert ended.phase == SUCCEEDED
    assert not known.drift
    assert [host.host_name for host in known.hosts if host.coordinator] == ["xs2"]


async def test_a_host_that_left_by_hand_is_joined_again_by_mending(rack: Aggregates) -> None:
    await rack.added("xs1", "xs2")
    await rack.register(leave_by_hand(rack))
    await rack.register(rename_by_hand(rack))

    mending = await rack.ask("SettleDrift", aggregate="rack", settlement=MEND)
    ended = await rack.ended(mending.operation)
    await rack.register(rack.ring.agents["xs1"])

    assert ended.phase == SUCCEEDED
    assert not (await rack.get()).drift


@pytest.mark.parametrize("refused_at", ["check", "join"])
async def test_a_host_that_can_not_be_joined_again_stays_wanted(
    rack: Aggregates, refused_at: str
) -> None:
    await rack.added("xs1", "xs2")
    leaver = leave_by_hand(rack)
    await rack.register(leaver)
    if refused_at == "check":
        leaver.obstacles = [fake_dom0.finding("HOST_HAS_INSTANCES", "host/xs2")]
        await rack.refused("SettleDrift", aggregate="rack", settlement=MEND)
    else:
        rack.ring.dom0.refuses = ("HA_IS_ENABLED",)
        mending = await rack.ask("SettleDrift", aggregate="rack", settlement=MEND)
        assert (await rack.ended(mending.operation)).phase == FAILED

    known = await rack.get()

    assert "xs2 is wanted in rack" in known.drift[0].message
    assert [host.host_name for host in known.hosts if host.wanted] == ["xs1", "xs2"]
