"""Attaches a volume at this host before its guest comes: create the PBD, plug it, scan, look.

The device_config comes from the PBD of another host of the pool, CHAP secrets with it; it is never
written anywhere else. Whatever is made bears the migration's marks from the start, and says by its
lease how it is to be released.
"""

from collections.abc import Mapping

from hostagent.model.errors import MoveRefused
from hostagent.model.finding import Finding, Reason, Severity
from hostagent.model.move import Fence
from hostagent.model.records import HostRecord, PbdRecord, SrRecord
from hostagent.operations import marks
from hostagent.operations.agent import Agent
from hostagent.xapi import marking, storage
from hostagent.xapi.errors import XapiGone, XapiRefused

LEASE = "xenferry:lease"
CREATED = "created"
PLUGGED = "plugged"
SHARED = "shared"


async def attach(agent: Agent, host: HostRecord, sr: SrRecord, fence: Fence) -> tuple[str, ...]:
    """Return what is leased for it, as kind/uuid; raises MoveRefused or XapiError."""
    try:
        pbd = await _joined(agent, host, sr, fence)
        if not pbd.attached:
            await _share(agent, sr, fence)
            await storage.plug(agent.client, pbd.ref)
        if marks.bears(pbd.other_config, fence):
            await storage.scan(agent.client, sr.ref)
    except XapiRefused as refusal:
        raise MoveRefused(_finding(host, sr, refusal.error)) from refusal
    return (f"pbd/{pbd.uuid}",) if marks.bears(pbd.other_config, fence) else ()


async def _joined(agent: Agent, host: HostRecord, sr: SrRecord, fence: Fence) -> PbdRecord:
    """Return the PBD of this host; one that is made or plugged here is leased first."""
    pbd = await _own(agent, host, sr)
    if pbd is None:
        lease = {**marks.of(fence), LEASE: CREATED}
        try:
            await storage.join(agent.client, host.ref, sr.ref, await _device(agent, sr), lease)
        except XapiRefused as refusal:
            if refusal.code != "PBD_EXISTS":
                raise
    elif not pbd.attached and marks.fence_of(pbd.other_config) is None:
        lease = {**marks.of(fence), LEASE: PLUGGED}
        await marking.mark(agent.client, "PBD", pbd.ref, lease)
    else:
        return pbd
    made = await _own(agent, host, sr)
    if made is None:
        raise XapiGone("PBD.create", ["HANDLE_INVALID", "PBD"])
    return made


async def _own(agent: Agent, host: HostRecord, sr: SrRecord) -> PbdRecord | None:
    found = await storage.pbds_of(agent.client, host.ref)
    return next((pbd for pbd in found if pbd.sr == sr.ref), None)


async def _device(agent: Agent, sr: SrRecord) -> Mapping[str, str]:
    """Return how the other hosts reach it."""
    for ref in await storage.pbds_of_sr(agent.client, sr.ref):
        pbd = await storage.pbd(agent.client, ref)
        if pbd is not None:
            return pbd.device_config
    raise XapiRefused("PBD.create", ["SR_HAS_NO_PBDS", sr.ref])


async def _share(agent: Agent, sr: SrRecord, fence: Fence) -> None:
    """A volume that was introduced for one host alone can't be plugged at a second one."""
    if sr.shared:
        return
    lease = {**marks.of(fence), LEASE: SHARED}
    stale = [key for key in lease if key in sr.other_config]
    await marking.mark(agent.client, "SR", sr.ref, lease, stale)
    await storage.share(agent.client, sr.ref, shared=True)


def _finding(host: HostRecord, sr: SrRecord, error: tuple[str, ...]) -> Finding:
    return Finding(
        Reason.VOLUME_NOT_ATTACHED,
        Severity.ERROR,
        f"sr/{sr.name}",
        f"{sr.name} could not be attached at {host.name}: {' '.join(error)}",
        f"see to it that {host.name} reaches the volume's target, then ask again",
        error,
        {"sr_id": sr.uuid, "host_id": host.uuid},
    )
