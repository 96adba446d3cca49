"""Detaches the volumes of a guest from the host that it left."""

from functools import partial

from hostagent.model.cleanup import Action, Item
from hostagent.model.records import HostRecord, SrRecord, VmRecord
from hostagent.operations import attachments
from hostagent.operations.agent import Agent
from hostagent.operations.leases import attempts
from hostagent.operations.volumes import kinds
from hostagent.xapi import storage

SHARED = "shared by the pool, not attached for this migration"


async def detach(agent: Agent, vm: VmRecord, host: HostRecord) -> list[Item]:
    """Return an item for each storage repository of the guest; raises XapiError."""
    items = []
    for sr in attachments.repositories(agent, vm):
        if not kinds.is_volume(sr):
            items.append(Item(f"sr/{sr.name}", Action.KEPT, SHARED))
            continue
        item = await _volume(agent, vm, host, sr)
        if item is not None:
            items.append(item)
    return items


async def _volume(agent: Agent, gone: VmRecord, host: HostRecord, sr: SrRecord) -> Item | None:
    subject = f"sr/{sr.name}"
    user = _user(agent, gone, host, sr)
    if user:
        return Item(subject, Action.KEPT, f"{user} uses it here")
    own = [pbd for pbd in await storage.pbds_of(agent.client, host.ref) if pbd.sr == sr.ref]
    if not own:
        return None
    others = [ref for ref in await storage.pbds_of_sr(agent.client, sr.ref) if ref != own[0].ref]
    if not others:
        return Item(subject, Action.KEPT, "no other host is joined to it")
    return await attempts.removal(subject, partial(_leave, agent, own[0].ref), "no longer here")


async def _leave(agent: Agent, pbd: str) -> None:
    await storage.unplug(agent.client, pbd)
    await storage.part(agent.client, pbd)


def _user(agent: Agent, gone: VmRecord, host: HostRecord, sr: SrRecord) -> str:
    """Return the name of another VM of this host that has a disk of it attached, or an empty text.

    By the mirror; should it be behind, XAPI refuses to unplug what is in use.
    """
    mirror = agent.mirror
    for vbd in mirror.vbds.values():
        disk, vm = mirror.vdis.get(vbd.vdi), mirror.vms.get(vbd.vm)
        if not vbd.attached or disk is None or vm is None or vm.ref == gone.ref:
            continue
        if disk.sr == sr.ref and vm.resident_on == host.ref:
            return vm.name
    return ""
