"""Verbs on VMs."""

import contextlib
from collections.abc import Iterable, Mapping

from hostagent.model.records import GuestMetricsRecord, VmRecord
from hostagent.xapi import parse
from hostagent.xapi.client import Client
from hostagent.xapi.errors import XapiError, XapiRefused


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


async def mark(client: Client, vm: str, keys: Mapping[str, str], replaced: Iterable[str]) -> None:
    """Add keys to other_config, after removing those in `replaced`.

    XAPI adds to a map and never replaces: a key that is there is refused (MAP_DUPLICATE_KEY).
    """

    def write() -> None:
        for key in replaced:
            client.change_now("VM.remove_from_other_config", vm, key)
        for key, value in keys.items():
            client.change_now("VM.add_to_other_config", vm, key, value)

    await client.run(write)


async def unmark(client: Client, vm: str, keys: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Remove keys from other_config; return XAPI's error for each, empty for those that went."""

    def remove() -> dict[str, tuple[str, ...]]:
        done: dict[str, tuple[str, ...]] = {}
        for key in keys:
            done[key] = ()
            try:
                client.change_now("VM.remove_from_other_config", vm, key)
            except XapiRefused as refusal:
                done[key] = refusal.error
        return done

    return await client.run(remove)
