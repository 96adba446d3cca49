"""Two replicas on one PostgreSQL: either serves any call, and goes on with what the other began."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from controller.settings import InventorySettings
from controller.store.settings import StoreSettings
from tests.support import pg
from tests.support.controller_world import CALL_S, Controller, World, a_world, running
from xenferry.controller.v1 import inventory_pb2, migration_pb2, scheduler_pb2

SUCCEEDED = migration_pb2.MIGRATION_STATE_SUCCEEDED
MOVING = migration_pb2.MIGRATION_STATE_MOVING
# A host that came alive at the other replica is told of at once.
WATCHFUL = InventorySettings(heartbeat_s=0.1)


@dataclass(frozen=True, slots=True)
class Replicas:
    """The agent of xs1 reports to the first replica, that of xs2 to the second."""

    world: World
    one: Controller
    two: Controller


@pytest.fixture
def database() -> str:
    """Return the URL of an empty database; made before anything runs on the loop."""
    return pg.empty_database()


@asynccontextmanager
async def replicas(directory: Path, url: str, move_s: float = 0.0) -> AsyncIterator[Replicas]:
    async with a_world(directory, move_s) as world:
        # The poll is far away: what comes in time came because it was told.
        store = StoreSettings(url, pool_size=2, poll_s=30.0)
        world.settings = replace(world.settings, store=store, inventory=WATCHFUL)
        async with running(world.settings) as one, running(world.settings) as two:
            await world.one.register(one.channel, world.addresses[0])
            await world.two.register(two.channel, world.addresses[1])
            for controller in (one, two):
                await seen(controller, both_alive)
            yield Replicas(world, one, two)


async def hosts(controller: Controller) -> dict[str, inventory_pb2.Host]:
    listed = await controller.inventory.ListHosts(inventory_pb2.ListHostsRequest(), timeout=CALL_S)
    return {host.facts.name: host for host in listed.hosts}


def both_alive(known: dict[str, inventory_pb2.Host]) -> bool:
    return set(known) == {"xs1", "xs2"} and all(host.alive for host in known.values())


async def seen(
    controller: Controller, holds: Callable[[dict[str, inventory_pb2.Host]], bool]
) -> None:
    """Wait until a replica's hosts are so, as its watch tells of them."""
    call = controller.inventory.WatchHosts(inventory_pb2.WatchHostsRequest(), timeout=CALL_S)
    try:
        while not holds(await hosts(controller)):
            await call.read()
    finally:
        call.cancel()


async def instance_at(controller: Controller, name: str, host_id: str) -> None:
    """Wait until a replica knows an instance at a host, as its watch tells."""
    call: Any = controller.inventory.WatchInstances(
        inventory_pb2.WatchInstancesRequest(), timeout=CALL_S
    )
    try:
        while True:
            told = (await call.read()).instance.facts
            if (told.name, told.host_id) == (name, host_id):
                return
    finally:
        call.cancel()


async def watched(controller: Controller, ready: asyncio.Event) -> list[Any]:
    """Return every change until a migration has succeeded."""
    call: Any = controller.scheduler.WatchMigrations(
        scheduler_pb2.WatchMigrationsRequest(), timeout=CALL_S
    )
    await call.read()
    ready.set()
    told: list[Any] = []
    while not told or told[-1].state != SUCCEEDED:
        told.append((await call.read()).migration)
    call.cancel()
    return told


async def test_both_replicas_tell_every_change_in_one_order(tmp_path: Path, database: str) -> None:
    async with replicas(tmp_path, database, move_s=0.3) as r:
        ready = asyncio.Event(), asyncio.Event()
        here = asyncio.create_task(watched(r.one, ready[0]))
        there = asyncio.create_task(watched(r.two, ready[1]))
        await asyncio.gather(*(event.wait() for event in ready))

        asked = await r.two.migrate(r.world.guest.instance_id, "xs2")

        one, two = await asyncio.gather(here, there)
    rows = [
        list(dict.fromkeys((each.revision, each.state) for each in told)) for told in (one, two)
    ]
    assert rows[0] == rows[1]
    revisions = [revision for revision, _ in rows[0]]
    assert revisions == list(range(revisions[0], revisions[0] + len(revisions)))
    assert {each.migration_id for each in one} == {asked.migration_id}


async def test_progress_is_told_at_the_other_replica(tmp_path: Path, database: str) -> None:
    async with replicas(tmp_path, database, move_s=1.5) as r:
        ready = asyncio.Event()
        watching = asyncio.create_task(watched(r.one, ready))
        await ready.wait()

        await r.two.migrate(r.world.guest.instance_id, "xs2")

        told = [each.progress.percent for each in await watching if each.state == MOVING]
        assert len({percent for percent in told if percent > 0}) >= 2


async def test_a_request_is_answered_the_same_by_either(tmp_path: Path, database: str) -> None:
    request_id = "5ea1ab1e-0000-4000-8000-000000000077"
    async with replicas(tmp_path, database) as r:
        first = await r.one.migrate(r.world.guest.instance_id, "xs2", request_id=request_id)
        second = await r.two.migrate(r.world.guest.instance_id, "xs2", request_id=request_id)

        assert first.migration_id == second.migration_id
        assert (await r.two.ended(first.migration_id)).state == SUCCEEDED


async def test_what_a_stopping_replica_leaves_is_taken_at_once(
    tmp_path: Path, database: str
) -> None:
    async with a_world(tmp_path, move_s=0.6) as world:
        store = StoreSettings(database, pool_size=2, claim_s=60.0)
        world.settings = replace(world.settings, store=store, inventory=WATCHFUL)
        async with running(world.settings) as two:
            async with running(world.settings) as one:
                await world.register(one)
                await seen(two, both_alive)
                asked = await one.migrate(world.guest.instance_id, "xs2")
                await one.reached(asked.migration_id, (MOVING,))

            ended = await two.ended(asked.migration_id)

    assert (ended.state, ended.epoch) == (SUCCEEDED, 2)
    assert world.pool.guests[world.guest.instance_id].facts.host_id == world.two.host_id


async def test_a_cancellation_at_one_replica_reaches_the_driver_at_the_other(
    tmp_path: Path, database: str
) -> None:
    async with replicas(tmp_path, database) as r:
        r.world.two.fail("PreLiveMigration", *["unavailable"] * 40)
        asked = await r.one.migrate(r.world.guest.instance_id, "xs2")
        await r.two.reached(asked.migration_id, (migration_pb2.MIGRATION_STATE_PREPARING,))

        request = scheduler_pb2.CancelMigrationRequest(migration_id=asked.migration_id)
        await r.two.scheduler.CancelMigration(request, timeout=CALL_S)

        ended = await r.one.ended(asked.migration_id)
        assert (ended.state, ended.epoch) == (migration_pb2.MIGRATION_STATE_CANCELLED, 1)
        assert r.world.one.calls["LiveMigration"] == 0


async def test_an_instance_moved_by_others_is_adopted_across_replicas(
    tmp_path: Path, database: str
) -> None:
    async with replicas(tmp_path, database) as r:
        guest, dest = r.world.guest, r.world.two
        guest.host_id = dest.host_id
        await dest.heartbeat(r.two.channel, changed_instances=[guest])
        await r.world.one.heartbeat(r.one.channel, gone_instance_ids=[guest.instance_id])

        for controller in (r.one, r.two):
            await instance_at(controller, guest.name, dest.host_id)


async def test_maintenance_and_reservations_are_seen_by_both(tmp_path: Path, database: str) -> None:
    async with replicas(tmp_path, database, move_s=0.5) as r:
        asked = await r.one.migrate(r.world.guest.instance_id, "xs2")
        await seen(r.two, lambda known: known["xs2"].reserved_memory_bytes > 0)
        request = inventory_pb2.SetHostMaintenanceRequest(
            host="xs1", maintenance=True, reason="a disk is changed"
        )
        await r.one.inventory.SetHostMaintenance(request, timeout=CALL_S)

        await seen(r.two, lambda known: known["xs1"].maintenance_reason == "a disk is changed")
        await r.two.ended(asked.migration_id)
        await seen(r.two, lambda known: known["xs2"].reserved_memory_bytes == 0)


async def test_an_agent_that_turns_to_another_replica_registers_there(
    tmp_path: Path, database: str
) -> None:
    async with replicas(tmp_path, database) as r:
        agent = r.world.one
        assert await agent.heartbeat(r.two.channel)

        await agent.register(r.two.channel, r.world.addresses[0])
        new = agent.guest("db-1")
        assert not await agent.heartbeat(r.two.channel, changed_instances=[new])

        await instance_at(r.one, "db-1", agent.host_id)


async def test_replicas_go_on_after_every_connection_was_cut(tmp_path: Path, database: str) -> None:
    async with replicas(tmp_path, database, move_s=0.3) as r:
        ready = asyncio.Event()
        watching = asyncio.create_task(watched(r.one, ready))
        await ready.wait()

        pg.server().psql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid != pg_backend_pid()"
        )
        asked = await r.two.migrate(r.world.guest.instance_id, "xs2")

        revisions = list(dict.fromkeys(each.revision for each in await watching))
        assert revisions == list(range(revisions[0], revisions[0] + len(revisions)))
        assert (await r.one.get(asked.migration_id)).state == SUCCEEDED
