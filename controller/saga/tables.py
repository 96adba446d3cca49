"""The migrations this release can do, each as a table to be read from top to bottom."""

from collections.abc import Mapping
from types import MappingProxyType

from controller.model.migration import MigrationKind
from controller.ports.ledger import Advance
from controller.saga import acts
from controller.saga.steps import Finish, Pivot, Prepare, Record, Table, Undo

# What finishes a migration of either kind first.
LED_THERE = (
    # First of all: from now on whoever asks is sent to where the guest is.
    Record("rehome_instance", Advance(rehome=True)),
    # Right after: whoever comes in by a floating IP is led there, too.
    Finish("move_floating_ips", acts.move_floating_ips, needed=acts.has_floating_ips),
)

SHARED_STORAGE = Table(
    kind=MigrationKind.SHARED_STORAGE,
    # Both at once: they are asked of different hosts, and neither needs the other's answer.
    prepare=(
        # A lost export is found now, while the guest still runs, and not by the guest when it
        # wakes up at the destination. It changes nothing, so there is nothing to undo.
        Prepare("verify_exports", acts.verify_exports),
        # Volumes and networks first: a guest must not wake up before what it needs is there.
        Prepare("prepare_dest", acts.prepare_dest, undo="rollback_at_dest"),
    ),
    # XAPI moves the guest. From the moment XAPI shows it at the destination there is no way back.
    pivot=Pivot("move"),
    finish=(
        *LED_THERE,
        # Before the destination's: as long as the marks are there, a source that comes back late
        # can tell what is left over on it.
        Finish("post_at_source", acts.post_at_source),
        # Last, because it clears the marks by which all of the above could be done again.
        Finish("post_at_dest", acts.post_at_dest),
    ),
    back=(
        # The marks that the move put on the guest, at its source.
        Undo("rollback_at_source", acts.rollback_at_source, after=("move",)),
        # Last, because it releases what the guest would have needed had it arrived after all.
        Undo("rollback_at_dest", acts.rollback_at_dest, after=("prepare_dest",)),
    ),
)

BLOCK = Table(
    kind=MigrationKind.BLOCK,
    prepare=(
        # The disks are read here while they are copied: a disk that does not answer is found now.
        Prepare("verify_exports", acts.verify_exports),
        # The SR, the network of the transfer, and whether the destination would receive at all; raw
        # volumes are attached in its pool as the source describes them, so the call waits for that
        # (`HostAgents.prepare_dest`). The ticket that it gives is let go: a credential is never
        # stored, and a crash may follow.
        Prepare("prepare_dest", acts.prepare_dest, undo="rollback_at_dest"),
    ),
    # Gets a fresh ticket from the destination right before it calls the source; then XAPI copies
    # the disks, then the memory, and the guest's record leaves the one pool for the other.
    pivot=Pivot("move"),
    finish=(
        *LED_THERE,
        # Disks and mirrors that the copy left at the source, where no record of the guest is left.
        Finish("post_at_source", acts.post_at_source),
        # Last, because it clears the marks by which all of the above could be done again.
        Finish("post_at_dest", acts.post_at_dest),
    ),
    back=(
        # The marks on the guest, and what the copy attached to its disks, at its source.
        Undo("rollback_at_source", acts.rollback_at_source, after=("move",)),
        # Last: half-copied disks and the leases, in a pool that the guest never reached.
        Undo("rollback_at_dest", acts.rollback_at_dest, after=("prepare_dest",)),
    ),
)

TABLES: Mapping[MigrationKind, Table] = MappingProxyType(
    {table.kind: table for table in (SHARED_STORAGE, BLOCK)}
)
