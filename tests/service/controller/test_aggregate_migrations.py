"""A host changes its pool, or is part of a migration: never both at once."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import pytest
import pytest_asyncio

from chassis import answers
from tests.support import aggregate_world
from tests.support.aggregate_world import SUCCEEDED, Aggregates, reasons
from xenferry.controller.v1 import migration_pb2, scheduler_pb2

ALWAYS = ("unavailable",) * 10_000
FINISHING = (migration_pb2.MIGRATION_STATE_FINISHING,)
CHANGES = ("JoinPool", "LeavePool")


@pytest_asyncio.fixture
async def rack(tmp_path: Path) -> AsyncIterator[Aggregates]:
    """Return the service of a controller that hears three hosts; a guest runs on the first."""
    async with aggregate_world.a_ring(tmp_path) as ring:
        ring.share_pool("xs1", "xs2", "xs3")
        ring.agents["xs1"].guest("web-1")
        async with ring.service() as service:
            yield service


def guest(rack: Aggregates) -> Any:
    """Return the guest's facts."""
    (only,) = rack.ring.agents["xs1"].pool.guests.values()
    return only.facts


async def arriving(rack: Aggregates) -> Any:
    """Have a migration to xs2 that does not get beyond its preparation."""
    rack.ring.agents["xs2"].fail("PreLiveMigration", *ALWAYS)
    return await rack.controller.migrate(guest(rack).instance_id, "xs2")


async def leaving(rack: Aggregates) -> Any:
    """Have a migration from xs2 that has arrived at xs1, and is not finished at xs2."""
    there = await rack.controller.migrate(guest(rack).instance_id, "xs2")
    await rack.controller.ended(there.migration_id)
    rack.ring.agents["xs2"].fail("PostAtSource", *ALWAYS)
    back = await rack.controller.migrate(guest(rack).instance_id, "xs1")
    return await rack.controller.reached(back.migration_id, FINISHING)


@pytest.mark.parametrize("under_way", [arriving, leaving])
@pytest.mark.parametrize("validate_only", [False, True])
async def test_a_host_is_not_ejected_while_a_migration_to_or_from_it_is_open(
    rack: Aggregates, under_way: Any, validate_only: bool
) -> None:
    await rack.added("xs1", "xs2")
    migration = await under_way(rack)

    refused = await rack.refused(
        "RemoveHost", aggregate="rack", host="xs2", confirm_wipe=True, validate_only=validate_only
    )
    for call in ("PreLiveMigration", "PostAtSource"):
        rack.ring.agents["xs2"].lift(call)
    await rack.controller.ended(migration.migration_id)

    assert reasons(refused) == {"HOST_HAS_INSTANCES"}
    assert migration.migration_id in refused.message
    assert rack.ring.agents["xs1"].calls["LeavePool"] == 0
    if under_way is leaving:
        assert (await rack.ended(await rack.remove("xs2"))).phase == SUCCEEDED


@pytest.mark.parametrize("validate_only", [False, True])
async def test_a_host_does_not_join_while_a_migration_to_it_is_open(
    rack: Aggregates, validate_only: bool
) -> None:
    await rack.added("xs3")
    migration = await arriving(rack)

    refused = await rack.refused(
        "AddHost", aggregate="rack", host="xs2", validate_only=validate_only
    )

    assert reasons(refused) == {"HOST_HAS_INSTANCES"}
    assert migration.migration_id in refused.message
    assert rack.ring.agents["xs3"].calls["JoinPool"] == 0


@pytest.mark.parametrize("change", ["joins", "leaves"])
async def test_nothing_is_moved_to_a_host_that_joins_or_leaves_a_pool(
    rack: Aggregates, change: str
) -> None:
    await rack.added("xs3", *(["xs2"] if change == "leaves" else []))
    rack.ring.dom0.held = "stopping_agent"
    begun = await (rack.remove if change == "leaves" else rack.add)("xs2")
    await rack.until(begun, lambda known: known.agent_state == "stopped")
    moved = guest(rack).instance_id
    matrix = scheduler_pb2.CheckLiveMigrationRequest(instance_ids=[moved], dests=["xs2"])

    with pytest.raises(grpc.aio.AioRpcError) as failed:
        await rack.controller.migrate(moved, "xs2")
    (cell,) = (await rack.controller.scheduler.CheckLiveMigration(matrix, timeout=10)).cells
    rack.ring.dom0.held = ""
    await rack.ended(begun)

    refused = answers.read(failed.value)
    assert "AGGREGATE_BUSY" in reasons(refused)
    assert begun.operation_id in refused.message
    assert not cell.possible


async def test_a_host_whose_pool_gets_a_name_takes_guests_all_the_while(rack: Aggregates) -> None:
    await rack.ask("CreateAggregate", name="rack")
    rack.ring.agents["xs1"].belong_to(rack.ring.agents["xs2"])
    await rack.register(rack.ring.agents["xs1"])
    rack.ring.agents["xs2"].stalls["NamePool"] = "before"
    naming = await rack.add("xs2")

    migration = await rack.controller.migrate(guest(rack).instance_id, "xs2")
    ended = await rack.controller.ended(migration.migration_id)
    rack.ring.agents["xs2"].stalls.clear()

    assert ended.state == migration_pb2.MIGRATION_STATE_SUCCEEDED
    assert (await rack.cancel(naming)).HasField("end_time")
