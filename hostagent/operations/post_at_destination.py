"""PostAtDestination: verifies that the guest runs here and clears the migration's marks."""

from collections.abc import Iterable
from dataclasses import dataclass

from hostagent.model.cleanup import Action, Item
from hostagent.model.finding import Finding, errors
from hostagent.model.move import Fence
from hostagent.model.records import HostRecord, VmRecord
from hostagent.operations import look, marks, neighbours, verification
from hostagent.operations.agent import Agent
from hostagent.operations.block import discs, luggage, sessions
from hostagent.operations.checks import guest
from hostagent.operations.leases import book, disks, places, residue
from hostagent.xapi import marking, storage

# XAPI A11: left on a disk or an interface of the guest, it fails the next block migration.
TRANSIENT = ("maps_to",)


@dataclass(frozen=True, slots=True)
class Verified:
    """What was found and what was cleared."""

    findings: tuple[Finding, ...]
    items: tuple[Item, ...]


async def run(
    agent: Agent, fence: Fence, instance_id: str, dest_host_id: str, tickets: Iterable[str] = ()
) -> Verified:
    """Verify, and clear the marks if the guest is here; raises AgentError or XapiError.

    `tickets` are sessions of receive tickets that the caller has.
    """
    try:
        return await agent.turns.take(
            fence.migration_id, lambda: _verified(agent, fence, instance_id, dest_host_id, tickets)
        )
    finally:
        agent.retold.ask(instance_id)


async def _verified(
    agent: Agent, fence: Fence, instance_id: str, dest_host_id: str, tickets: Iterable[str]
) -> Verified:
    agent.fences.admit(fence)
    host = look.meant_host(agent, dest_host_id)
    vm = await look.vm(agent, instance_id)
    agent.fences.admit_at(fence, vm.other_config)
    resident = agent.mirror.hosts.get(vm.resident_on)
    at_home = [
        *guest.here(vm, host, resident.name if resident else "a host unknown to XAPI"),
        guest.running(vm),
    ]
    if errors(at_home):
        return Verified(tuple(at_home), ())
    left = luggage.parsed(vm.other_config.get(marks.LEFT, ""))
    seen = await verification.verify(agent, vm, left)
    found = seen.findings
    found += await discs.at_destination(agent, vm, host)
    items = await _of_disks(agent, fence, vm) if left is not None else []
    items += await sessions.end(agent, fence, tickets)
    items += await _closed(agent, fence, vm, host)
    told = await neighbours.tell(agent.carrier, vm, seen)
    return Verified((*at_home, *found, *told), tuple(items))


async def _closed(agent: Agent, fence: Fence, vm: VmRecord, host: HostRecord) -> list[Item]:
    """Clear the VM's own marks last: by them a repeat knows what there is to do."""
    items = []
    if book.may_be_open(agent, host.other_config, fence):
        items += await places.keep(agent, host, fence)
        config = await marking.other_config(agent.client, "host", host.ref)
        await book.end(agent, host.ref, fence, config)
        await book.close(agent, host.ref, fence)
    return [*items, *await marks.clear(agent.client, vm, fence)]


async def _of_disks(agent: Agent, fence: Fence, vm: VmRecord) -> list[Item]:
    """Clear what the migration left on the guest's disks, those of its snapshots too."""
    items = []
    for disk in (await luggage.of(agent, vm)).disks:
        own = [key for key in disks.MARKS if key in disk.other_config]
        ours = own if marks.bears(disk.other_config, fence) else []
        keys = [*ours, *(key for key in TRANSIENT if key in disk.other_config)]
        done = await marking.unmark(agent.client, "VDI", disk.ref, keys)
        if residue.BASE_MIRROR in disk.sm_config:
            mirror = [residue.BASE_MIRROR]
            done |= await storage.unmark_sm(agent.client, disk.ref, mirror)
        items += [_item(f"vdi/{disk.uuid} {key}", error) for key, error in done.items()]
    return items


def _item(subject: str, error: tuple[str, ...]) -> Item:
    if error:
        return Item(subject, Action.FAILED, "XAPI refused to remove it", error)
    return Item(subject, Action.REMOVED)
