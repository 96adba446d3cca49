"""What a VM takes along: its disks and interfaces, those of its snapshots, read now.

A disk that was attached since the checks, or a snapshot's, is named in the map too, or XAPI refuses
the move (VDI_NOT_IN_MAP), or leaves it to the default SR.
"""

from dataclasses import dataclass

from hostagent.model.records import VbdRecord, VdiRecord, VifRecord, VmRecord
from hostagent.operations.agent import Agent
from hostagent.xapi import storage, vms
from hostagent.xapi.errors import XapiGone


@dataclass(frozen=True, slots=True)
class Luggage:
    """`disks` of the VM and of its snapshots, suspended memory too; CDs are ejected by XAPI."""

    disks: tuple[VdiRecord, ...]
    interfaces: tuple[VifRecord, ...]
    drives: tuple[VbdRecord, ...]  # of the VM itself, with a disk in them


async def of(agent: Agent, vm: VmRecord) -> Luggage:
    """Return everything; raises XapiError."""
    family = [vm, *await _snapshots(agent, vm)]
    vbds = [ref for one in family for ref in one.vbds]
    found = [pair for pair in await storage.drives(agent.client, vbds) if not pair[0].cd]
    vifs = [ref for one in family for ref in one.vifs]
    images = [await storage.vdi(agent.client, one.suspend_vdi) for one in family if one.suspend_vdi]
    disks = {disk.ref: disk for disk in [*(disk for _, disk in found), *images]}
    return Luggage(
        disks=tuple(disks.values()),
        interfaces=tuple(await storage.interfaces(agent.client, vifs)),
        drives=tuple(drive for drive, _ in found if drive.vm == vm.ref),
    )


async def _snapshots(agent: Agent, vm: VmRecord) -> list[VmRecord]:
    found = []
    for ref in vm.snapshots:
        try:
            found.append(await vms.record(agent.client, ref))
        except XapiGone:
            continue
    return found


@dataclass(frozen=True, slots=True)
class Inventory:
    """What a VM had attached when it left, written on it for its destination to compare."""

    disks: int
    interfaces: int
    tools: bool

    def text(self) -> str:
        """Return it as it is written."""
        return f"disks={self.disks} interfaces={self.interfaces} tools={int(self.tools)}"


def parsed(text: str) -> Inventory | None:
    """Return what is written, or None where nothing that can be read is."""
    pairs = dict(part.partition("=")[::2] for part in text.split())
    values = [pairs.get(name, "") for name in ("disks", "interfaces", "tools")]
    if not all(value.isdecimal() for value in values):
        return None
    disks, interfaces, tools = map(int, values)
    return Inventory(disks, interfaces, bool(tools))
