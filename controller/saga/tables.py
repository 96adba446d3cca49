"""The migrations this release can do, each as a table to be read from top to bottom."""

from collections.abc import Mapping
from types import MappingProxyType

from controller.model.migration import MigrationKind
from controller.ports.ledger import Advance
from controller.saga import acts
from controller.saga.steps import Finish, Pivot, Prepare, Record, Table, Undo

SHARED_STORAGE = Table(
    kind=MigrationKind.SHARED_STORAGE,
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
        # First of all: from now on whoever asks is sent to where the guest is.
        Record("rehome_instance", Advance(rehome=True)),
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

TABLES: Mapping[MigrationKind, Table] = MappingProxyType({SHARED_STORAGE.kind: SHARED_STORAGE})
