"""Attaches volumes at this host before their guest comes: introduce, join, plug, scan, look.

A volume of this pool is joined as another host of the pool is, CHAP secrets with it; one of another
pool as the source's agent says. Neither is written anywhere else. What is made is in the book
beforehand, and says by its lease how it is to be released.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial

from hostagent.model.errors import MoveRefused
from hostagent.model.finding import Finding, Reason, Severity
from hostagent.model.move import Fence
from hostagent.model.records import HostRecord, PbdRecord, SrRecord
from hostagent.model.volumes import Volume
from hostagent.operations import marks
from hostagent.operations.agent import Agent
from hostagent.operations.volumes import intents, introducing
from hostagent.xapi import marking, secrets, storage
from hostagent.xapi.errors import XapiGone, XapiRefused

LEASE = introducing.LEASE
CREATED = "created"
PLUGGED = "plugged"
SHARED = "shared"

Join = Callable[[SrRecord], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Place:
    """Where volumes are attached, for whom, and what of it the book says is going to be made."""

    agent: Agent
    host: HostRecord
    fence: Fence
    intended: frozenset[str]

    def ours(self, other_config: Mapping[str, str]) -> bool:
        """Tell whether an object is leased to the migration."""
        return marks.bears(other_config, self.fence)


async def attach(place: Place, sr: SrRecord) -> tuple[str, ...]:
    """Attach a volume of this pool and return what is leased for it, as kind/uuid.

    Raises MoveRefused or XapiError.
    """
    try:
        pbd = await _plugged(place, sr, partial(_join_like_others, place))
    except XapiRefused as refusal:
        raise MoveRefused(_finding(place.host, sr.uuid, sr.name, refusal.error)) from refusal
    return _leased(place, pbd)


async def introduce(place: Place, volume: Volume) -> tuple[SrRecord, tuple[str, ...]]:
    """Attach a volume of another pool; return its repository and what is leased for it.

    Raises MoveRefused or XapiError.
    """
    made = intents.repository(volume.sr_id) in place.intended
    try:
        sr = await introducing.record(place.agent, volume, place.fence, made=made)
        pbd = await _plugged(place, sr, partial(_join_as_told, place, volume))
        await introducing.disks(place.agent, sr, volume, place.fence, place.intended)
    except XapiRefused as refusal:
        raise MoveRefused(
            _finding(place.host, volume.sr_id, volume.name, refusal.error)
        ) from refusal
    leased = (f"sr/{sr.uuid}",) if place.ours(sr.other_config) else ()
    return sr, (*leased, *_leased(place, pbd), *_disks(place, volume))


def _disks(place: Place, volume: Volume) -> list[str]:
    named = [intents.disk(disk.vdi_id) for disk in volume.disks]
    return [name for name in named if name in place.intended]


def _leased(place: Place, pbd: PbdRecord) -> tuple[str, ...]:
    return (f"pbd/{pbd.uuid}",) if place.ours(pbd.other_config) else ()


async def _plugged(place: Place, sr: SrRecord, join: Join) -> PbdRecord:
    client = place.agent.client
    pbd = await _joined(place, sr, join)
    if not pbd.attached:
        await _share(place, sr)
        await storage.plug(client, pbd.ref)
    if place.ours(pbd.other_config):
        await storage.scan(client, sr.ref)
    return pbd


async def _joined(place: Place, sr: SrRecord, join: Join) -> PbdRecord:
    """Return the PBD of this host, leased if it was made or is going to be plugged for this."""
    pbd = await _own(place, sr)
    if pbd is None:
        try:
            await join(sr)
        except XapiRefused as refusal:
            if refusal.code != "PBD_EXISTS":
                raise
        pbd = await _own(place, sr)
    if pbd is None:
        raise XapiGone("PBD.create", ["HANDLE_INVALID", "PBD"])
    created = intents.joint(sr.uuid) in place.intended
    if marks.fence_of(pbd.other_config) is not None or (pbd.attached and not created):
        return pbd
    lease = {LEASE: CREATED if created else PLUGGED, **marks.of(place.fence)}
    stale = [key for key in lease if key in pbd.other_config]
    await marking.mark(place.agent.client, "PBD", pbd.ref, lease, stale)
    return replace(pbd, other_config={**pbd.other_config, **lease})


async def _own(place: Place, sr: SrRecord) -> PbdRecord | None:
    found = await storage.pbds_of(place.agent.client, place.host.ref)
    return next((pbd for pbd in found if pbd.sr == sr.ref), None)


async def _join_like_others(place: Place, sr: SrRecord) -> None:
    """Create the PBD as the other hosts have it; XAPI makes copies of the secrets it names."""
    client = place.agent.client
    for ref in await storage.pbds_of_sr(client, sr.ref):
        pbd = await storage.pbd(client, ref)
        if pbd is not None:
            await storage.join(client, place.host.ref, sr.ref, pbd.device_config)
            return
    raise XapiRefused("PBD.create", ["SR_HAS_NO_PBDS", sr.ref])


async def _join_as_told(place: Place, volume: Volume, sr: SrRecord) -> None:
    """Create the PBD as the source's agent said; XAPI makes copies of the secrets it names."""
    client = place.agent.client
    async with secrets.lent(client, volume.secrets, marks.of(place.fence)) as named:
        config = {**volume.device_config, **named}
        await storage.join(client, place.host.ref, sr.ref, config)


async def _share(place: Place, sr: SrRecord) -> None:
    """A volume that was introduced for one host alone can't be plugged at a second one."""
    if sr.shared:
        return
    lease = {**marks.of(place.fence), LEASE: SHARED}
    stale = [key for key in lease if key in sr.other_config]
    await marking.mark(place.agent.client, "SR", sr.ref, lease, stale)
    await storage.share(place.agent.client, sr.ref, shared=True)


def _finding(host: HostRecord, sr_id: str, name: str, error: tuple[str, ...]) -> Finding:
    return Finding(
        Reason.VOLUME_NOT_ATTACHED,
        Severity.ERROR,
        f"sr/{name}",
        f"{name} could not be attached at {host.name}: {' '.join(error)}",
        f"see to it that {host.name} reaches the volume's target, then ask again",
        error,
        {"sr_id": sr_id, "host_id": host.uuid},
    )
