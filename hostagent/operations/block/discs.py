"""CDs that XAPI takes out of the guest's drives for a move with its disks, and never puts back.

XAPI ejects every CD that the map of the move does not keep on its repository, and leaves it out
when the move fails too (xapi 26.17). Which ones that will be is written on the VM before the move;
they are put back where the guest ends: at the source, or at the destination if a repository there
has the same CD, by uuid or as the only one of its name.
"""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass

from hostagent.model.cleanup import Action, Item
from hostagent.model.finding import Finding, Reason, Severity, passed
from hostagent.model.records import HostRecord, VbdRecord, VdiRecord, VmRecord
from hostagent.operations import marks
from hostagent.operations.agent import Agent
from hostagent.xapi import redact, storage
from hostagent.xapi.errors import XapiRefused
from hostagent.xapi.mirror import Mirror

ISO = "iso"
REMEDY = "insert it by hand (xe vbd-insert), if the instance needs it"


@dataclass(frozen=True, slots=True)
class Disc:
    """A CD and the position of its drive (VBD.userdevice)."""

    drive: str
    vdi_id: str
    name: str
    repository: str

    @property
    def label(self) -> str:
        """How people know it."""
        return self.name or self.vdi_id


@dataclass(frozen=True, slots=True)
class Fate:
    """What became of a CD: whether it is in its drive, and if not, why not."""

    disc: Disc
    there: bool
    why: str
    error: tuple[str, ...] = ()


def text(discs: Iterable[Disc]) -> str:
    """Return what is written on the VM; empty for none."""
    told = [asdict(disc) for disc in discs]
    return json.dumps(told) if told else ""


def parsed(written: str) -> tuple[Disc, ...]:
    """Return what is written, or nothing where that can't be read."""
    try:
        return tuple(Disc(**one) for one in json.loads(written or "[]"))
    except (ValueError, TypeError):
        return ()


async def at_destination(agent: Agent, vm: VmRecord, host: HostRecord) -> list[Finding]:
    """Put the guest's CDs back where it arrived; raises XapiError when XAPI does not answer."""
    return [_finding(vm, host, fate) for fate in await _put_back(agent, vm, host)]


async def at_source(agent: Agent, vm: VmRecord, host: HostRecord) -> list[Item]:
    """Put the guest's CDs back where it stayed; raises XapiError when XAPI does not answer."""
    return [
        Item(f"cd/{fate.disc.label}", Action.KEPT, fate.why, fate.error)
        for fate in await _put_back(agent, vm, host)
    ]


async def _put_back(agent: Agent, vm: VmRecord, host: HostRecord) -> list[Fate]:
    ejected = parsed(vm.other_config.get(marks.DISCS, ""))
    if not ejected:
        return []
    drives = {one.device: one for one in await storage.vbds(agent.client, vm.vbds) if one.cd}
    return [await _insert(agent, host, disc, drives.get(disc.drive)) for disc in ejected]


async def _insert(agent: Agent, host: HostRecord, disc: Disc, drive: VbdRecord | None) -> Fate:
    found = _find(agent.mirror, host, disc)
    if drive is None:
        return Fate(disc, there=False, why=f"the instance has no drive {disc.drive} any more")
    if drive.vdi:
        kept = found is not None and drive.vdi == found.ref
        why = "it is in its drive" if kept else f"drive {disc.drive} holds another CD"
        return Fate(disc, kept, why)
    if found is None:
        return Fate(disc, there=False, why=f"{host.name} has not exactly one CD of that name")
    try:
        await storage.insert(agent.client, drive.ref, found.ref)
    except XapiRefused as refusal:
        error = redact.array(refusal.error)
        return Fate(disc, there=False, why="XAPI refused to insert it", error=error)
    return Fate(disc, there=True, why=f"it is in drive {disc.drive} again")


def _find(mirror: Mirror, host: HostRecord, disc: Disc) -> VdiRecord | None:
    """A name tells only of images: what lies in the drive of a machine has no name of its own."""
    attached = {pbd.sr for pbd in mirror.pbds.values() if pbd.host == host.ref and pbd.attached}
    same = mirror.vdis.get(mirror.vdi_refs.get(disc.vdi_id, ""))
    if same is not None and same.sr in attached:
        return same
    images = {ref for ref in attached if ref in mirror.srs and mirror.srs[ref].type == ISO}
    named = [vdi for vdi in mirror.vdis.values() if vdi.sr in images and vdi.name == disc.name]
    alike = [vdi for vdi in named if mirror.srs[vdi.sr].name == disc.repository]
    found = alike or named
    return found[0] if len(found) == 1 and disc.name else None


def _finding(vm: VmRecord, host: HostRecord, fate: Fate) -> Finding:
    disc = fate.disc
    subject = f"vdi/{disc.label}"
    told = f"the CD {disc.label} of {vm.name} was ejected for the move to {host.name}"
    figures = {"vdi_id": disc.vdi_id, "drive": disc.drive}
    if fate.there:
        return passed(Reason.DEVICE_DETACHED, subject, f"{told}; {fate.why}", **figures)
    return Finding(
        Reason.DEVICE_DETACHED,
        Severity.WARNING,
        subject,
        f"{told}: {fate.why}",
        REMEDY,
        fate.error,
        figures,
    )
