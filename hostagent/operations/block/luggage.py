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
    """`disks` of the VM and of its snapshots, suspended memory too; `discs` are inserted CDs."""

    disks: tuple[VdiRecord, ...]
    interfaces: tuple[VifRecord, ...]
    drives: tuple[tuple[VbdRecord, VdiRecord], ...]  # of the VM itself, with a disk in them
    discs: tuple[tuple[VbdRecord, VdiRecord], ...] = ()  # of the VM itself


async def of(agent: Agent, vm: VmRecord) -> Luggage:
    """Return everything; raises XapiError."""
    family = [vm, *await _snapshots(agent, vm)]
    vbds = [ref for one in family for ref in one.vbds]
    inserted = await storage.drives(agent.client, vbds)
    found = [pair for pair in inserted if not pair[0].cd]
    vifs = [ref for one in family for ref in one.vifs]
    images = [await storage.vdi(agent.client, one.suspend_vdi) for one in family if one.suspend_vdi]
    disks = {disk.ref: disk for disk in [*(disk for _, disk in found), *images]}
    return Luggage(
        disks=tuple(disks.values()),
        interfaces=tuple(await storage.interfaces(agent.client, vifs)),
        drives=tuple(pair for pair in found if pair[0].vm == vm.ref),
        discs=tuple(pair for pair in inserted if pair[0].cd and pair[0].vm == vm.ref),
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
    size: int = 0  # of all disks together, bytes; 0: not told

    def text(self) -> str:
        """Return it as it is written."""
        counts = f"disks={self.disks} interfaces={self.interfaces} tools={int(self.tools)}"
        return f"{counts} bytes={self.size}"


def parsed(text: str) -> Inventory | None:
    """Return what is written, or None where nothing that can be read is."""
    pairs = dict(part.partition("=")[::2] for part in text.split())
    values = [pairs.get(name, "") for name in ("disks", "interfaces", "tools")]
    values.append(pairs.get("bytes", "0"))
    if not all(value.isdecimal() for value in values):
        return None
    disks, interfaces, tools, size = map(int, values)
    return Inventory(disks, interfaces, bool(tools), size)
