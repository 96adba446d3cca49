"""Is there room for the disks beside what other migrations hold? The agent can't know of those."""

from controller.model.findings import Finding, Reason
from controller.model.migration import DiskRoom
from controller.planning.snapshot import Snapshot
from controller.planning.verdicts import passed, refused

MIB = 1024 * 1024


def enough_disk(snapshot: Snapshot, disk: DiskRoom, held_bytes: int) -> Finding:
    """As much is free as the disks need, after what other moves will take; equal is enough."""
    free = disk.free_bytes - held_bytes
    name = disk.sr_name or disk.sr_id
    subject = f"sr/{name}"
    measured = {
        "free_bytes": str(free),
        "needed_bytes": str(disk.needed_bytes),
        "reserved_bytes": str(held_bytes),
    }
    message = (
        f"SR {name} has {max(free, 0) // MIB:,} MiB free, besides {held_bytes // MIB:,} MiB held "
        f"for other migrations, the disks of {snapshot.instance.name} need "
        f"{-(-disk.needed_bytes // MIB):,} MiB"
    )
    if free >= disk.needed_bytes:
        return passed(Reason.INSUFFICIENT_DISK_SPACE, subject, message, measured)
    remedy = "wait until those have ended, make room there, or choose another destination"
    return refused(Reason.INSUFFICIENT_DISK_SPACE, subject, message, remedy, measured)
