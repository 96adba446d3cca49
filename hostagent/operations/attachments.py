"""Which storage of a VM a host has attached, asked of XAPI now."""

from dataclasses import dataclass

from hostagent.model.records import HostRecord, SrRecord, VmRecord
from hostagent.operations.agent import Agent
from hostagent.xapi import hosts


@dataclass(frozen=True, slots=True)
class Attachment:
    """A storage repository that the VM uses, and whether the host has it attached."""

    sr: SrRecord
    attached: bool


async def of(agent: Agent, vm: VmRecord, host: HostRecord) -> list[Attachment]:
    """Return each storage repository of the VM's disks and inserted CDs once."""
    needed = repositories(agent, vm)
    pbds = {pbd.sr: pbd.ref for pbd in agent.mirror.pbds.values() if pbd.host == host.ref}
    attached = await hosts.attached(agent.client, [pbds[sr.ref] for sr in needed if sr.ref in pbds])
    return [Attachment(sr, attached.get(pbds.get(sr.ref, ""), False)) for sr in needed]


def repositories(agent: Agent, vm: VmRecord) -> list[SrRecord]:
    """Return each storage repository of a VM's disks and inserted CDs once, by the mirror."""
    mirror = agent.mirror
    found: dict[str, SrRecord] = {}
    for ref in vm.vbds:
        vbd = mirror.vbds.get(ref)
        vdi = mirror.vdis.get(vbd.vdi) if vbd else None
        sr = mirror.srs.get(vdi.sr) if vdi else None
        if sr is not None:
            found[sr.ref] = sr
    return list(found.values())
