"""Is there room for the disks on the SR that takes them?"""

from collections.abc import Iterable

from hostagent.model.facts import DiskFacts, SrFacts
from hostagent.model.finding import Finding, Reason, passed, refused
from hostagent.operations.words import mib


def needed(disks: Iterable[DiskFacts], sr: SrFacts, *, over_commit: bool) -> int:
    """Return the bytes that the disks will take on an SR: what is stored of them where that is
    allowed and the SR is thin, else their virtual size. A snapshot counts like its disk.
    """
    thin = over_commit and sr.thin
    return sum(_size(disk, thin=thin) * (1 + disk.snapshots) for disk in disks)


def enough(sr: SrFacts, needed_bytes: int, *, over_commit: bool) -> Finding:
    """Equal is enough. XAPI itself does not look (XAPI A11)."""
    subject = f"sr/{sr.name}"
    how = "what is stored of them" if over_commit and sr.thin else "their virtual size"
    text = f"{sr.name} has {mib(sr.free_bytes)} free, the disks take {mib(needed_bytes)} ({how})"
    figures = {"free_bytes": sr.free_bytes, "needed_bytes": needed_bytes, "thin": sr.thin}
    if needed_bytes <= sr.free_bytes:
        return passed(Reason.INSUFFICIENT_DISK_SPACE, subject, text, **figures)
    remedy = f"make room on {sr.name}, or choose another destination"
    if sr.thin and not over_commit:
        remedy += ", or allow disk_over_commit"
    return refused(Reason.INSUFFICIENT_DISK_SPACE, subject, text, remedy, **figures)


def _size(disk: DiskFacts, *, thin: bool) -> int:
    """An SR that does not tell what it stores of a disk is believed to store all of it."""
    return disk.physical_bytes or disk.virtual_size_bytes if thin else disk.virtual_size_bytes
