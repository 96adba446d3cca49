"""Can each disk be copied while the guest runs? (XAPI A11)"""

from collections.abc import Iterable

from hostagent.model.facts import DiskFacts, HostFacts, InstanceFacts
from hostagent.model.finding import Finding, Reason, passed, refused, warned
from hostagent.model.records import VdiRecord, VmRecord
from hostagent.operations.words import mib
from hostagent.xapi.mirror import Mirror

# A chain holds 30 copies, and the mirror takes a snapshot of its own (XAPI A11, R10).
LONGEST_CHAIN = 28
# What a VHD can hold.
BIGGEST_BYTES = 2040 * 1024**3
SENDS = frozenset({"VDI_SNAPSHOT", "VDI_MIRROR"})
PARENT = "vhd-parent"


def copyable(mirror: Mirror, disks: Iterable[DiskFacts]) -> list[Finding]:
    """Return what speaks against each disk, or a pass for it."""
    found: list[Finding] = []
    for disk in disks:
        against = [*_properties(mirror, disk), *_driver(mirror, disk)]
        found += against or [_pass(mirror, disk)]
        found += _snapshots(disk)
    return found


def ejected(instance: InstanceFacts, dest: HostFacts, *, across: bool) -> list[Finding]:
    """XAPI ejects a CD that the destination can't see; the agents put it back where it is."""
    there = {sr.sr_id for sr in dest.storage_repositories if sr.attached and not across}
    return [
        warned(
            Reason.DISK_NOT_MIGRATABLE,
            f"vdi/{disk.label}",
            f"XAPI will eject the CD {disk.label} of {instance.name}: {dest.name} has not"
            f" {disk.sr_name}; it is put back after the move if a CD of that name is there",
            "eject it now, if the instance needs it no more",
            vdi_id=disk.vdi_id,
            sr_id=disk.sr_id,
        )
        for disk in instance.disks
        if disk.cd and disk.sr_id not in there
    ]


def stuck(
    mirror: Mirror, vm: VmRecord, instance: InstanceFacts, dest: HostFacts, *, across: bool
) -> list[Finding]:
    """A CD in a drive that is not attached can't be ejected: XAPI fails the move in its middle with
    "Object … does not exist in xenopsd" (xcp#269, XO#1998).
    """
    leaving = {one.measured["vdi_id"] for one in ejected(instance, dest, across=across)}
    drives = [mirror.vbds[ref] for ref in vm.vbds if ref in mirror.vbds]
    inserted = [(drive, mirror.vdis.get(drive.vdi)) for drive in drives if drive.cd]
    return [
        refused(
            Reason.DISK_NOT_MIGRATABLE,
            f"vdi/{disc.name or disc.uuid}",
            f"{disc.name or disc.uuid} is in a drive of {vm.name} that is not attached, so that"
            " XAPI can't eject it",
            "destroy the drive (xe vbd-destroy), or plug it (xe vbd-plug)",
            vdi_id=disc.uuid,
            drive=drive.device,
        )
        for drive, disc in inserted
        if disc is not None and not drive.attached and disc.uuid in leaving
    ]


def chain(mirror: Mirror, vdi: VdiRecord) -> int:
    """Return how many images a disk consists of, as far as its driver tells of parents."""
    length, seen = 1, {vdi.uuid}
    while parent := vdi.sm_config.get(PARENT, ""):
        known = mirror.vdis.get(mirror.vdi_refs.get(parent, ""))
        if known is None or known.uuid in seen:
            break
        seen.add(known.uuid)
        length, vdi = length + 1, known
    return length


def _properties(mirror: Mirror, disk: DiskFacts) -> list[Finding]:
    vdi = _record(mirror, disk)
    length = chain(mirror, vdi) if vdi else 1
    found = []
    if disk.cbt_enabled:
        remedy = "disable it (xe vdi-disable-cbt); backups that build on it start anew"
        found.append(_against(disk, "changed block tracking is on", remedy, cbt_enabled=True))
    if disk.encrypted:
        remedy = "move the disk to a repository without encryption"
        found.append(_against(disk, "it is encrypted", remedy, encrypted=True))
    if vdi is not None and vdi.on_boot == "reset":
        remedy = "set on-boot to persist while the instance is halted"
        found.append(_against(disk, "it is reset at every boot", remedy, on_boot=vdi.on_boot))
    if length > LONGEST_CHAIN:
        why = f"its chain has {length} images, {LONGEST_CHAIN} are allowed"
        remedy = "delete snapshots and let the repository coalesce"
        found.append(_against(disk, why, remedy, chain=length, allowed=LONGEST_CHAIN))
    if disk.virtual_size_bytes > BIGGEST_BYTES:
        why = f"it has {mib(disk.virtual_size_bytes)}, a copy can hold {mib(BIGGEST_BYTES)}"
        figures = {"size_bytes": disk.virtual_size_bytes, "allowed_bytes": BIGGEST_BYTES}
        found.append(_against(disk, why, "split the disk", **figures))
    return found


def _driver(mirror: Mirror, disk: DiskFacts) -> list[Finding]:
    vdi = _record(mirror, disk)
    sr = mirror.srs.get(vdi.sr) if vdi else None
    if sr is None:
        return []
    offered = features(mirror, sr.type)
    if not offered or offered >= SENDS:
        return []
    lacking = ", ".join(sorted(SENDS - offered))
    why = f"{sr.name} is of type {sr.type}, whose driver lacks {lacking}"
    return [_against(disk, why, "move the disk to another repository first", sr_type=sr.type)]


def features(mirror: Mirror, sr_type: str) -> frozenset[str]:
    """Return what the driver of a type of repository can do; empty where XAPI does not tell."""
    return next((sm.features for sm in mirror.sms.values() if sm.type == sr_type), frozenset())


def _snapshots(disk: DiskFacts) -> list[Finding]:
    if not disk.snapshots:
        return []
    return [
        warned(
            Reason.DISK_NOT_MIGRATABLE,
            f"vdi/{disk.label}",
            f"{disk.label} has {disk.snapshots} snapshot(s), which are copied too",
            "delete those that are needed no more",
            vdi_id=disk.vdi_id,
            snapshots=disk.snapshots,
        )
    ]


def _record(mirror: Mirror, disk: DiskFacts) -> VdiRecord | None:
    return mirror.vdis.get(mirror.vdi_refs.get(disk.vdi_id, ""))


def _against(disk: DiskFacts, why: str, remedy: str, **figures: object) -> Finding:
    text = f"{disk.label} can't be copied: {why}"
    subject = f"vdi/{disk.label}"
    return refused(Reason.DISK_NOT_MIGRATABLE, subject, text, remedy, vdi_id=disk.vdi_id, **figures)


def _pass(mirror: Mirror, disk: DiskFacts) -> Finding:
    vdi = _record(mirror, disk)
    return passed(
        Reason.DISK_NOT_MIGRATABLE,
        f"vdi/{disk.label}",
        f"{disk.label} can be copied",
        vdi_id=disk.vdi_id,
        size_bytes=disk.virtual_size_bytes,
        chain=chain(mirror, vdi) if vdi else 1,
    )
