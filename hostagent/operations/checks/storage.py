"""Is every disk and inserted CD of the guest on storage that a host has attached?"""

from collections.abc import Mapping

from hostagent.model.facts import DiskFacts, HostFacts, InstanceFacts, SrFacts
from hostagent.model.finding import Finding, Reason, passed, refused


def shared_with(dest: HostFacts, instance: InstanceFacts) -> list[Finding]:
    """Each disk's SR must be attached at the destination; an inserted CD counts (XAPI A12)."""
    return [_shared(dest, _by_id(dest), instance, disk) for disk in instance.disks]


def following(dest: HostFacts, instance: InstanceFacts) -> list[Finding]:
    """Raw volumes are attached in the destination's pool before the move, and not copied."""
    return [
        passed(
            Reason.VOLUME_NOT_ATTACHED,
            f"sr/{disk.sr_name}",
            f"disk {disk.label} of {instance.name} is on {disk.sr_name}, a raw volume, which is"
            f" attached at {dest.name} before the move",
            vdi_id=disk.vdi_id,
            sr_id=disk.sr_id,
            host_id=dest.host_id,
        )
        for disk in instance.disks
        if disk.raw_volume
    ]


def exported_at(source: HostFacts, instance: InstanceFacts) -> list[Finding]:
    """Each disk's SR must be attached at the guest's own host, else its export is lost."""
    known = _by_id(source)
    return [
        exported(source.name, disk.sr_name, disk.sr_id in known and known[disk.sr_id].attached)
        for disk in _one_each(instance)
    ]


def exported(host_name: str, sr_name: str, attached: bool) -> Finding:
    """Say whether the guest's host still has an SR of the guest attached."""
    subject = f"sr/{sr_name}"
    if attached:
        return passed(
            Reason.EXPORT_LOST, subject, f"{sr_name} is attached at {host_name}", attached=True
        )
    return refused(
        Reason.EXPORT_LOST,
        subject,
        f"{sr_name} is not attached at {host_name}, where the instance runs",
        f"repair {sr_name} at {host_name} (xe pbd-plug) before moving the instance",
        attached=False,
    )


def _shared(
    dest: HostFacts, known: Mapping[str, SrFacts], instance: InstanceFacts, disk: DiskFacts
) -> Finding:
    what = "CD" if disk.cd else "disk"
    text = f"{what} {disk.name or disk.vdi_id} of {instance.name} is on {disk.sr_name}"
    sr = known.get(disk.sr_id)
    figures = {"vdi_id": disk.vdi_id, "sr_id": disk.sr_id, "host_id": dest.host_id}
    if sr is not None and sr.attached:
        return passed(
            Reason.STORAGE_NOT_SHARED,
            f"sr/{disk.sr_name}",
            f"{text}, which {dest.name} has attached",
            **figures,
        )
    if disk.volume:
        follows = f"{text}, a volume, which is attached at {dest.name} before the move"
        return passed(Reason.STORAGE_NOT_SHARED, f"sr/{disk.sr_name}", follows, **figures)
    state = "not attached" if sr is not None else "not connected"
    return refused(
        Reason.STORAGE_NOT_SHARED,
        f"sr/{disk.sr_name}",
        f"{text}, which is {state} at {dest.name}",
        _remedy(dest, disk, connected=sr is not None),
        **figures,
    )


def _remedy(dest: HostFacts, disk: DiskFacts, *, connected: bool) -> str:
    if disk.cd:
        return "eject the CD"
    if connected:
        return f"attach {disk.sr_name} at {dest.name} (xe pbd-plug)"
    return f"move the disk to a shared SR that {dest.name} has attached"


def _by_id(host: HostFacts) -> dict[str, SrFacts]:
    return {sr.sr_id: sr for sr in host.storage_repositories}


def _one_each(instance: InstanceFacts) -> list[DiskFacts]:
    return list({disk.sr_id: disk for disk in instance.disks}.values())
