"""Lets go of how this host was joined to storage and networks for a migration."""

from functools import partial

from hostagent.model.cleanup import Action, Item
from hostagent.model.move import Fence
from hostagent.model.records import HostRecord, PbdRecord
from hostagent.operations import marks
from hostagent.operations.agent import Agent
from hostagent.operations.leases import attempts, residue
from hostagent.operations.leases.residue import Found
from hostagent.operations.volumes import attaching
from hostagent.xapi import marking, storage
from hostagent.xapi.errors import XapiGone

MARKS = (marks.MIGRATION, marks.EPOCH, attaching.LEASE)


async def release(agent: Agent, host: HostRecord, fence: Fence) -> list[Item]:
    """Undo what was made here: PBDs, the sharing of repositories, networks; one item each."""
    own = [pbd for pbd in await storage.pbds_of(agent.client, host.ref) if _ours(pbd, fence)]
    found = [one for one in residue.marked(agent.mirror, fence) if await _still(agent, one, fence)]
    acts = {
        "sr": partial(_unshare, agent),
        "network": partial(storage.destroy_network, agent.client),
    }
    work = [
        *((f"pbd/{pbd.uuid}", partial(_leave, agent, pbd)) for pbd in own),
        *((one.subject, partial(acts[one.kind], one.ref)) for one in found if one.kind in acts),
    ]
    items = [await attempts.removal(subject, act) for subject, act in work]
    return [item for item in items if item is not None]


async def keep(agent: Agent, host: HostRecord, fence: Fence) -> list[Item]:
    """Take the marks off what the guest uses here from now on."""
    own = [pbd for pbd in await storage.pbds_of(agent.client, host.ref) if _ours(pbd, fence)]
    repositories = [await storage.sr(agent.client, pbd.sr) for pbd in own]
    found = [
        *(("PBD", pbd.ref, f"pbd/{pbd.uuid}") for pbd in own),
        *(
            ("SR", sr.ref, f"sr/{sr.uuid}")
            for sr in repositories
            if marks.bears(sr.other_config, fence)
        ),
    ]
    return [await _unmarked(agent, *one) for one in found]


async def _unmarked(agent: Agent, kind: str, ref: str, subject: str) -> Item:
    done = await marking.unmark(agent.client, kind, ref, MARKS)
    error = next((error for error in done.values() if error), ())
    action = Action.FAILED if error else Action.KEPT
    return Item(subject, action, "the guest uses it; its marks are gone", error)


async def _still(agent: Agent, found: Found, fence: Fence) -> bool:
    """Tell whether a repository bears the mark now: the mirror may be behind."""
    if found.kind != "sr":
        return True
    try:
        return marks.bears((await storage.sr(agent.client, found.ref)).other_config, fence)
    except XapiGone:
        return False


def _ours(pbd: PbdRecord, fence: Fence) -> bool:
    return marks.bears(pbd.other_config, fence)


async def _leave(agent: Agent, pbd: PbdRecord) -> None:
    await storage.unplug(agent.client, pbd.ref)
    if pbd.other_config.get(attaching.LEASE) == attaching.CREATED:
        await storage.part(agent.client, pbd.ref)
    else:
        await marking.unmark(agent.client, "PBD", pbd.ref, MARKS)


async def _unshare(agent: Agent, ref: str) -> None:
    """Make a repository private again, unless a second host has joined it meanwhile."""
    if len(await storage.pbds_of_sr(agent.client, ref)) < 2:
        await storage.share(agent.client, ref, shared=False)
    await marking.unmark(agent.client, "SR", ref, MARKS)
