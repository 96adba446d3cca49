"""Removes a VM's record that a migration from another pool made here and did not complete.

XAPI imports the VM, halted and with its own uuid, after the disks are copied (XAPI A11). It is the
migration's if it bears its mark, does nothing and runs nowhere, and the book says that no such VM
ran in this pool when the migration was opened. Anything else with that uuid is kept.
"""

from dataclasses import dataclass
from functools import partial

from hostagent.model.cleanup import Action, Item
from hostagent.model.move import Fence
from hostagent.model.records import VmRecord
from hostagent.operations import marks
from hostagent.operations.agent import Agent
from hostagent.operations.leases import arrivals, attempts
from hostagent.operations.leases.book import Entry
from hostagent.xapi import storage, vms
from hostagent.xapi.errors import XapiGone

HALTED = "Halted"


@dataclass(frozen=True, slots=True)
class Removed:
    """What became of the records, and references of the disks that were theirs."""

    items: tuple[Item, ...] = ()
    disks: frozenset[str] = frozenset()


async def remove(agent: Agent, fence: Fence, vm: VmRecord | None, entry: Entry | None) -> Removed:
    """Remove the record and its snapshots'; raises XapiError when XAPI does not answer."""
    if vm is None or entry is None or not entry.across:
        return Removed()
    subject = f"vm/{vm.uuid}"
    why = _kept(vm, fence)
    if why:
        return Removed((Item(subject, Action.KEPT, why),))
    family = [*await _snapshots(agent, vm), vm]
    drives = await storage.drives(agent.client, [ref for one in family for ref in one.vbds])
    items = []
    for one in family:
        act = partial(vms.destroy, agent.client, one.ref)
        items.append(await attempts.removal(f"vm/{one.uuid}", act, one.name))
    disks = frozenset(disk.ref for drive, disk in drives if not drive.cd)
    return Removed(tuple(item for item in items if item is not None), disks)


def _kept(vm: VmRecord, fence: Fence) -> str:
    if vm.power_state != HALTED:
        return f"it is {vm.power_state.lower()}"
    if vm.current_operations:
        return f"XAPI is busy with it: {', '.join(sorted(set(vm.current_operations.values())))}"
    if not marks.bears(vm.other_config, fence):
        return "it bears no mark of this migration"
    if arrivals.seen(vm, fence):
        return "it ran here after it came: it is the guest, not a half-made record"
    return ""


async def _snapshots(agent: Agent, vm: VmRecord) -> list[VmRecord]:
    found = []
    for ref in vm.snapshots:
        try:
            found.append(await vms.record(agent.client, ref))
        except XapiGone:
            continue
    return found
