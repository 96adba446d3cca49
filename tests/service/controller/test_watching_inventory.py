"""WatchHosts and WatchInstances: what is there, a mark, then what changes."""

from pathlib import Path
from typing import Any

from tests.support.controller_world import CALL_S, Controller, a_world
from xenferry.common.v1 import inventory_pb2 as common
from xenferry.controller.v1 import inventory_pb2


def watch_hosts(controller: Controller) -> Any:
    return controller.inventory.WatchHosts(inventory_pb2.WatchHostsRequest(), timeout=CALL_S)


def watch_instances(controller: Controller) -> Any:
    return controller.inventory.WatchInstances(
        inventory_pb2.WatchInstancesRequest(), timeout=CALL_S
    )


async def present(call: Any, field: str) -> list[Any]:
    """Return what a watch tells before its mark."""
    told = []
    while (response := await call.read()).HasField(field):
        told.append(getattr(response, field))
    return told


async def test_hosts_are_told_with_what_changes_of_them(tmp_path: Path) -> None:
    async with a_world(tmp_path, move_s=0.5) as world, world.controller() as controller:
        call = watch_hosts(controller)
        assert {host.facts.name for host in await present(call, "host")} == {"xs1", "xs2"}

        request = inventory_pb2.SetHostMaintenanceRequest(
            host="xs1", maintenance=True, reason="a fan is loud"
        )
        await controller.inventory.SetHostMaintenance(request, timeout=CALL_S)
        closed = (await call.read()).host
        while not closed.maintenance:
            closed = (await call.read()).host

        assert (closed.facts.name, closed.maintenance_reason) == ("xs1", "a fan is loud")
        asked = await controller.migrate(world.guest.instance_id, "xs2")
        holding = (await call.read()).host
        while not holding.reserved_memory_bytes:
            holding = (await call.read()).host
        assert holding.facts.name == "xs2"
        await controller.ended(asked.migration_id)
        call.cancel()


async def test_a_host_that_falls_silent_is_told(tmp_path: Path) -> None:
    async with a_world(tmp_path) as world:
        world.silent_after(0.3)
        async with world.controller() as controller:
            call = watch_hosts(controller)
            await present(call, "host")

            silent: set[str] = set()
            while silent != {"xs1", "xs2"}:
                host = (await call.read()).host
                silent |= {host.facts.name} if not host.alive else set()
            call.cancel()


async def test_instances_are_told_as_they_come_and_change(tmp_path: Path) -> None:
    async with a_world(tmp_path) as world, world.controller() as controller:
        call = watch_instances(controller)
        (guest,) = await present(call, "instance")
        assert guest.facts == world.guest

        new = world.one.guest("db-1")
        await world.one.heartbeat(controller.channel, changed_instances=[new])
        assert (await call.read()).instance.facts == new
        new.power_state = common.POWER_STATE_PAUSED
        await world.one.heartbeat(controller.channel, changed_instances=[new])
        assert (await call.read()).instance.facts.power_state == common.POWER_STATE_PAUSED

        call.cancel()
