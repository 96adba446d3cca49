"""Raw volumes that a guest takes to another pool: noted before the move, forgotten after it.

When the guest has gone, no VM of this pool tells any more what was its own. So the repositories
bear the migration's marks meanwhile, with the uuids of the guest's disks on them.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial

from hostagent.model.cleanup import Action, Item
from hostagent.model.move import Fence
from hostagent.model.records import SrRecord
from hostagent.operations import marks
from hostagent.operations.agent import Agent
from hostagent.operations.leases import attempts
from hostagent.operations.volumes import kinds
from hostagent.operations.volumes.introducing import LEASE
from hostagent.xapi import marking, storage
from hostagent.xapi.errors import XapiGone

LEAVING = "leaving:"
MARKS = (marks.MIGRATION, marks.EPOCH, LEASE)


@dataclass(frozen=True, slots=True)
class Left:
    """A repository and the guest's disks on it, by uuid."""

    sr: SrRecord
    disks: tuple[str, ...]


async def mark(agent: Agent, fence: Fence, volumes: Iterable[Left]) -> None:
    """Note which volumes go with the guest; raises XapiError."""
    for one in volumes:
        lease = {**marks.of(fence), LEASE: LEAVING + ",".join(one.disks)}
        stale = [key for key in lease if key in one.sr.other_config]
        await marking.mark(agent.client, "SR", one.sr.ref, lease, stale)


async def unmark(agent: Agent, repositories: Iterable[str]) -> None:
    """Take the notes back of a guest that stays; raises XapiError."""
    for ref in repositories:
        await marking.unmark(agent.client, "SR", ref, MARKS)


async def stay(agent: Agent, fence: Fence, used: Iterable[SrRecord]) -> None:
    """Like `unmark`, for those that are noted of what the guest uses."""
    raw = [sr.ref for sr in used if kinds.is_raw(sr.type)]
    now = [await storage.sr(agent.client, ref) for ref in raw]
    await unmark(agent, [sr.ref for sr in now if _noted(sr, fence)])


async def release(agent: Agent, fence: Fence) -> list[Item]:
    """Detach and forget what only the guest used; what is on it stays. Raises XapiError."""
    noted = [sr for sr in agent.mirror.srs.values() if _noted(sr, fence)]
    items = [await _release(agent, fence, sr) for sr in noted]
    return [item for item in items if item is not None]


def _noted(sr: SrRecord, fence: Fence) -> bool:
    leaves = sr.other_config.get(LEASE, "").startswith(LEAVING)
    return leaves and marks.bears(sr.other_config, fence)


async def _release(agent: Agent, fence: Fence, known: SrRecord) -> Item | None:
    subject = f"sr/{known.name}"
    try:
        sr = await storage.sr(agent.client, known.ref)
        disks = await storage.disks_of_sr(agent.client, known.ref)
    except XapiGone:
        return None
    if not _noted(sr, fence):  # the mirror is behind: the guest may be on its way back
        return None
    own = sr.other_config.get(LEASE, "").removeprefix(LEAVING).split(",")
    others = [disk for disk in disks if disk.uuid not in own or disk.vbds]
    if others:
        await marking.unmark(agent.client, "SR", sr.ref, MARKS)
        return Item(subject, Action.KEPT, f"{others[0].name or others[0].uuid} is on it")
    return await attempts.removal(subject, partial(_forget, agent, sr.ref), "the guest has it now")


async def _forget(agent: Agent, sr: str) -> None:
    for pbd in await storage.pbds_of_sr(agent.client, sr):
        await storage.unplug(agent.client, pbd)
    await storage.forget(agent.client, sr)
