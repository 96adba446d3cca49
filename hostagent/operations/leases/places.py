"""Lets go of how this host was joined to storage and networks for a migration."""

from functools import partial

from hostagent.model.cleanup import Action, Item
from hostagent.model.move import Fence
from hostagent.model.records import HostRecord, PbdRecord, SrRecord
from hostagent.operations import marks
from hostagent.operations.agent import Agent
from hostagent.operations.leases import attempts, residue
from hostagent.operations.leases.residue import Found
from hostagent.operations.volumes import attaching, intents, introducing
from hostagent.xapi import marking, storage
from hostagent.xapi.errors import XapiGone

MARKS = (marks.MIGRATION, marks.EPOCH, attaching.LEASE)


async def release(
    agent: Agent, host: HostRecord, fence: Fence, intended: frozenset[str] = frozenset()
) -> list[Item]:
    """Undo what was made here: PBDs, the sharing and the records of repositories, networks.

    `intended` is what the book says was going to be made: it may bear no mark yet.
    """
    own = await _joints(agent, host, fence, intended)
    found = [one for one in residue.marked(agent.mirror, fence) if await _still(agent, one, fence)]
    records = await _introduced(agent, found, fence, intended)
    known = {sr.ref for sr in records}
    acts = {
        "sr": partial(_unshare, agent),
        "network": partial(storage.destroy_network, agent.client),
    }
    work = [
        *((f"pbd/{pbd.uuid}", partial(_leave, agent, pbd, made=made)) for pbd, made in own),
        *(
            (one.subject, partial(acts[one.kind], one.ref))
            for one in found
            if one.kind in acts and one.ref not in known
        ),
    ]
    items = [await attempts.removal(subject, act) for subject, act in work]
    items += [await _forgotten(agent, sr) for sr in records]
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


async def _joints(
    agent: Agent, host: HostRecord, fence: Fence, intended: frozenset[str]
) -> list[tuple[PbdRecord, bool]]:
    """Return the PBDs here that are the migration's, and whether each was made for it."""
    found = []
    for pbd in await storage.pbds_of(agent.client, host.ref):
        made = pbd.other_config.get(attaching.LEASE) == attaching.CREATED
        if _ours(pbd, fence):
            found.append((pbd, made))
        elif intended and marks.fence_of(pbd.other_config) is None:
            sr = await storage.sr(agent.client, pbd.sr)
            if intents.joint(sr.uuid) in intended:
                found.append((pbd, True))
    return found


async def _introduced(
    agent: Agent, found: list[Found], fence: Fence, intended: frozenset[str]
) -> list[SrRecord]:
    """Return the repositories whose records were made for the migration."""
    marked = [await storage.sr(agent.client, one.ref) for one in found if one.kind == "sr"]
    own = {
        sr.ref: sr
        for sr in marked
        if sr.other_config.get(attaching.LEASE) == introducing.INTRODUCED
    }
    for name in sorted(intended):
        kind, _, uuid = name.partition("/")
        sr = await storage.sr_by_uuid(agent.client, uuid) if kind == "sr" else None
        if sr is not None and marks.fence_of(sr.other_config) in (None, fence):
            own[sr.ref] = sr
    return list(own.values())


async def _leave(agent: Agent, pbd: PbdRecord, *, made: bool) -> None:
    await storage.unplug(agent.client, pbd.ref)
    if made:
        await storage.part(agent.client, pbd.ref)
    else:
        await marking.unmark(agent.client, "PBD", pbd.ref, MARKS)


async def _forgotten(agent: Agent, sr: SrRecord) -> Item | None:
    """Forget a repository, unless another host has joined it meanwhile; its disk stays on it."""
    subject = f"sr/{sr.uuid}"
    try:
        joined = await storage.pbds_of_sr(agent.client, sr.ref)
    except XapiGone:
        return None
    if not joined:
        return await attempts.removal(subject, partial(storage.forget, agent.client, sr.ref))
    await marking.unmark(agent.client, "SR", sr.ref, MARKS)
    return Item(subject, Action.KEPT, "a host is joined to it")


async def _unshare(agent: Agent, ref: str) -> None:
    """Make a repository private again, unless a second host has joined it meanwhile."""
    if len(await storage.pbds_of_sr(agent.client, ref)) < 2:
        await storage.share(agent.client, ref, shared=False)
    await marking.unmark(agent.client, "SR", ref, MARKS)
