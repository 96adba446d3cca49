"""Verbs on VMs."""

import contextlib
from collections.abc import Mapping

from hostagent.model.records import GuestMetricsRecord, VmRecord
from hostagent.xapi import parse, tasks
from hostagent.xapi.client import Client
from hostagent.xapi.errors import XapiError


async def by_uuid(client: Client, uuid: str) -> str:
    """Return the reference; raises XapiGone."""
    return str(await client.read("VM.get_by_uuid", uuid))


async def record(client: Client, ref: str) -> VmRecord:
    """Return the VM as it is now; raises XapiGone."""
    return parse.vm(ref, await client.read("VM.get_record", ref))


async def guest_metrics(client: Client, ref: str) -> GuestMetricsRecord:
    """Return what the guest's agent told last; raises XapiGone."""
    return parse.guest_metrics(await client.read("VM_guest_metrics.get_record", ref))


async def assert_operation_valid(client: Client, vm: str, operation: str) -> None:
    """Ask XAPI itself whether the VM's state allows an operation; raises XapiRefused."""
    await client.read("VM.assert_operation_valid", vm, operation)


async def pool_migrate(client: Client, vm: str, host: str, marks: Mapping[str, str]) -> str:
    """Start the move to another host of the pool, mark its task, and return the reference.

    Sent once. XAPI does not refuse a second one: it would queue and then move the VM again.
    That the task could not be marked is no matter: the VM is.
    """

    def start() -> str:
        task = str(client.change_now("Async.VM.pool_migrate", vm, host, {"live": "true"}))
        with contextlib.suppress(XapiError):
            for key, value in marks.items():
                client.change_now("task.add_to_other_config", task, key, value)
        return task

    return await client.run(start)


async def migrate_send(
    client: Client,
    vm: str,
    ticket: Mapping[str, str],
    wanted: tuple[Mapping[str, str], Mapping[str, str]],
    marks: Mapping[str, str],
) -> str:
    """Start the move with disks, mark its task, and return the reference; sent once.

    `wanted`: SR by disk and network by interface, as references of the destination's pool. That the
    task could not be marked is no matter: the VM is.
    """
    vdi_map, vif_map = wanted

    def start() -> str:
        maps = dict(vdi_map), dict(vif_map)
        task = str(client.change_now("Async.VM.migrate_send", vm, dict(ticket), True, *maps, {}))
        with contextlib.suppress(XapiError):
            for key, value in marks.items():
                client.change_now("task.add_to_other_config", task, key, value)
        return task

    return await client.run(start)


async def destroy(client: Client, vm: str) -> None:
    """Remove the record of a VM that does not run; its disks stay."""
    await tasks.carry_out(client, "VM.destroy", vm)
