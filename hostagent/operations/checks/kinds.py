"""How would the guest travel: memory only, or with its disks? Decided from where the disks are."""

from dataclasses import dataclass

from hostagent.model.checks import Kind
from hostagent.model.facts import DiskFacts, HostFacts, InstanceFacts
from hostagent.model.finding import Finding, Reason, passed, refused
from hostagent.operations.words import listed


@dataclass(frozen=True, slots=True)
class Route:
    """The kind of migration and why; `copied` are the disks that would be copied."""

    kind: Kind
    copied: tuple[DiskFacts, ...]
    finding: Finding

    @property
    def block(self) -> bool:
        """Whether the disks come along."""
        return self.kind is Kind.BLOCK


def decide(
    instance: InstanceFacts, source_pool_id: str, dest: HostFacts, wanted: bool | None
) -> Route:
    """Return the kind; `wanted` None leaves it to the disks.

    A disk on a shared SR that the destination could attach and has not is no reason to copy it:
    that SR is to be attached.
    """
    across = source_pool_id != dest.pool_id
    copied = _copied(instance, dest, across=across)
    if wanted is False:
        return _shared(instance, dest, "block migration was ruled out")
    if across:
        return _block(instance, dest, copied, f"{dest.name} is in another pool")
    needed = [disk for disk in copied if not disk.shared]
    if needed or (wanted and copied):
        names = listed(f"{disk.label} ({disk.sr_name})" for disk in (needed or copied))
        return _block(instance, dest, copied, f"{dest.name} has not the storage of {names}")
    if wanted:
        return _needless(instance, dest)
    why = "every disk is on storage that both hosts share"
    return _shared(instance, dest, why if instance.disks else f"{instance.name} has no disk")


def _copied(instance: InstanceFacts, dest: HostFacts, *, across: bool) -> tuple[DiskFacts, ...]:
    """Inside a pool a disk whose SR the destination has attached stays, and so does a volume;
    across pools a raw volume alone.
    """
    disks = (disk for disk in instance.disks if not disk.cd)
    if across:
        return tuple(disk for disk in disks if not disk.raw_volume)
    there = {sr.sr_id for sr in dest.storage_repositories if sr.attached}
    return tuple(disk for disk in disks if not (disk.volume or disk.sr_id in there))


def _shared(instance: InstanceFacts, dest: HostFacts, why: str) -> Route:
    text = f"{instance.name} would move to {dest.name} without its disks: {why}"
    return Route(Kind.SHARED_STORAGE, (), _told(instance, text, Kind.SHARED_STORAGE, ()))


def _block(
    instance: InstanceFacts, dest: HostFacts, copied: tuple[DiskFacts, ...], why: str
) -> Route:
    text = f"{instance.name} would move to {dest.name} with {len(copied)} disk(s): {why}"
    return Route(Kind.BLOCK, copied, _told(instance, text, Kind.BLOCK, copied))


def _told(instance: InstanceFacts, text: str, kind: Kind, copied: tuple[DiskFacts, ...]) -> Finding:
    figures = {"kind": kind.name, "disks_copied": len(copied)}
    return passed(Reason.BLOCK_MIGRATION_NEEDLESS, instance.subject, text, **figures)


def _needless(instance: InstanceFacts, dest: HostFacts) -> Route:
    finding = refused(
        Reason.BLOCK_MIGRATION_NEEDLESS,
        instance.subject,
        f"block migration was asked for, and {dest.name} has the storage of every disk of"
        f" {instance.name}: there is nothing to copy",
        "leave block_migration out",
        kind=Kind.BLOCK.name,
        disks_copied=0,
    )
    return Route(Kind.BLOCK, (), finding)
