"""RollbackAtDestination: releases what is leased to the migration here, and nothing else.

Records of VMs, disks, PBDs, networks and the receive ticket's session, each by itself. A VM that
runs is never touched, and where the guest runs here nothing is released at all. That the migration
is over is written first: a preparation that comes late is refused, whichever agent it comes to.
"""

import contextlib
from collections.abc import Iterable

from hostagent.model.cleanup import Action, Item
from hostagent.model.errors import OperationInProgress
from hostagent.model.move import Fence
from hostagent.model.records import VmRecord
from hostagent.operations import look, marks, mirrored, situation
from hostagent.operations.agent import Agent
from hostagent.operations.block import sessions
from hostagent.operations.leases import book, disks, places, records, residue
from hostagent.operations.leases.book import Entry
from hostagent.operations.leases.records import Removed
from hostagent.xapi import storage
from hostagent.xapi.errors import XapiUnavailable


async def run(
    agent: Agent, fence: Fence, instance_id: str, dest_host_id: str, tickets: Iterable[str] = ()
) -> tuple[Item, ...]:
    """Return each thing looked at; raises AgentError or XapiError.

    `tickets` are sessions of receive tickets that the caller has.
    """
    return await agent.turns.take(
        fence.migration_id, lambda: _released(agent, fence, instance_id, dest_host_id, tickets)
    )


async def _released(
    agent: Agent, fence: Fence, instance_id: str, dest_host_id: str, tickets: Iterable[str]
) -> tuple[Item, ...]:
    agent.fences.admit(fence)
    host = look.meant_host(agent, dest_host_id)
    config, entry = await book.read(agent, host.ref, fence)
    vm = await look.vm_or_none(agent, instance_id)
    if vm is not None:
        agent.fences.admit_at(fence, vm.other_config)
        if vm.resident_on == host.ref:
            return (Item(f"instance/{vm.name}", Action.KEPT, "it runs here"),)
        if situation.moving_task(vm) and marks.bears(vm.other_config, fence):
            raise OperationInProgress(f"instance/{vm.name}", sorted(vm.current_operations.values()))
    await book.end(agent, host.ref, fence, config)
    if entry is not None:
        await mirrored.until_host(agent, host.ref, fence)
    removed = await records.remove(agent, fence, vm, entry)
    items = [
        *removed.items,
        *await _disks(agent, fence, vm, entry, removed),
        *await places.release(agent, host, fence, entry.made if entry else frozenset()),
        *await sessions.end(agent, fence, tickets),
    ]
    if entry is not None and not any(item.action is Action.FAILED for item in items):
        await book.close(agent, host.ref, fence)
        with contextlib.suppress(XapiUnavailable):  # all is done; who looks next is to see it
            await mirrored.until_closed(agent, host.ref, fence)
    return tuple(items)


async def _disks(
    agent: Agent, fence: Fence, vm: VmRecord | None, entry: Entry | None, removed: Removed
) -> list[Item]:
    """Destroy the copies; the guest's own disks are at the source, which in a pool is here too."""
    at_home = vm is not None and not (entry and entry.across)
    own = residue.disks_of(agent.mirror, vm) if vm is not None and at_home else frozenset[str]()
    sources = own | frozenset(entry.disks if entry else ())
    found = [one.ref for one in residue.marked(agent.mirror, fence) if one.kind == "vdi"]
    copies = [disk.ref for disk in residue.mirrored(agent.mirror, sources)]
    made = await _introduced(agent, entry)
    kept = {"", *(agent.mirror.vdi_refs.get(uuid, "") for uuid in own)}
    refs = [ref for ref in (*removed.disks, *found, *copies, *made) if ref not in kept]
    return await disks.destroy(agent, fence, refs, sources=sources, known=removed.disks)


async def _introduced(agent: Agent, entry: Entry | None) -> list[str]:
    """Return the disks whose records were made, as the book says; each may be gone."""
    names = (name.partition("/") for name in sorted(entry.made if entry else ()))
    return [
        await storage.vdi_by_uuid(agent.client, uuid) for kind, _, uuid in names if kind == "vdi"
    ]
