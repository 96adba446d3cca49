"""Destroys disks that a migration left: only what is provably its own and belongs to no VM."""

from collections.abc import Iterable
from functools import partial

from hostagent.model.cleanup import Action, Item
from hostagent.model.move import Fence
from hostagent.model.records import VdiRecord
from hostagent.operations import marks
from hostagent.operations.agent import Agent
from hostagent.operations.leases import attempts, residue
from hostagent.operations.volumes import introducing, kinds
from hostagent.xapi import storage
from hostagent.xapi.errors import XapiGone

MARKS = (marks.MIGRATION, marks.EPOCH, introducing.LEASE)


async def destroy(
    agent: Agent,
    fence: Fence,
    refs: Iterable[str],
    *,
    sources: frozenset[str] = frozenset(),
    known: frozenset[str] = frozenset(),
) -> list[Item]:
    """Return what became of each that is still there.

    A disk is the migration's if it bears the mark, is made from one of `sources` (uuids), or is in
    `known` (references): the disk of a record that was made for it.
    """
    items = []
    for ref in dict.fromkeys(refs):
        item = await _one(agent, fence, ref, sources, ours=ref in known)
        if item is not None:
            items.append(item)
    return items


async def _one(
    agent: Agent, fence: Fence, ref: str, sources: frozenset[str], *, ours: bool
) -> Item | None:
    try:
        disk = await storage.vdi(agent.client, ref)
    except XapiGone:
        return None
    subject = f"vdi/{disk.uuid}"
    if not disk.vbds and introducing.introduced(disk.other_config, fence):
        act = partial(storage.forget_disk, agent.client, ref)
        return await attempts.removal(subject, act, "its record; the disk stays on its volume")
    made_from = residue.source_of(disk)
    why = await _own(agent, disk, sources)
    if not (why or ours or marks.bears(disk.other_config, fence) or made_from in sources):
        why = "it bears no mark of this migration"
    if why:
        return Item(subject, Action.KEPT, why)
    act = partial(storage.destroy_disk, agent.client, ref)
    return await attempts.removal(subject, act, disk.name)


async def _own(agent: Agent, disk: VdiRecord, sources: frozenset[str]) -> str:
    """Return why a disk is no copy, or an empty text; a copy has a uuid of its own."""
    if await _on_volume(agent, disk):
        return "it is a volume: the guest's own, and no copy"
    if disk.uuid in sources:
        return "it is the guest's own, and no copy: both pools have its repository"
    return f"{disk.name or 'it'} belongs to a VM" if disk.vbds else ""


async def _on_volume(agent: Agent, disk: VdiRecord) -> bool:
    """Tell whether a disk's repository is a volume; one that was just introduced is read."""
    try:
        sr = agent.mirror.srs.get(disk.sr) or await storage.sr(agent.client, disk.sr)
    except XapiGone:
        return False
    return kinds.is_volume(sr)
