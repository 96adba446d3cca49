"""What a change of a migration writes, whoever makes it: its driver, or somebody who intervenes."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from controller.model.migration import JournalEntry, Migration
from controller.ports.ledger import Advance
from controller.store import plain, records, schema
from controller.store.prepared import Prepared

_MIGRATIONS, _INSTANCES = schema.MIGRATIONS.c, schema.INSTANCES.c

_FINDINGS = Prepared(
    sa.update(schema.MIGRATIONS)
    .where(_MIGRATIONS.migration_id == sa.bindparam("guard_id"))
    .values(findings=sa.bindparam("new_findings", type_=sa.JSON))
)
_VERIFICATION = Prepared(
    sa.update(schema.MIGRATIONS)
    .where(_MIGRATIONS.migration_id == sa.bindparam("guard_id"))
    .values(verification=sa.bindparam("new_verification", type_=sa.JSON))
)
_OF_MIGRATION = sa.update(schema.INSTANCES).where(
    _INSTANCES.migration_id == sa.bindparam("guard_id")
)
_REHOME = Prepared(_OF_MIGRATION.values(host_id=sa.bindparam("new_host")))
_RELEASE = Prepared(_OF_MIGRATION.values(task_state="", migration_id=""))
_APPEND = Prepared(sa.insert(schema.JOURNAL))


def parameters(names: Sequence[str]) -> dict[str, sa.BindParameter[Any]]:
    """Return a parameter new_NAME for each column of a migration."""
    columns = schema.MIGRATIONS.c
    return {name: sa.bindparam(f"new_{name}", type_=columns[name].type) for name in names}


DRIVEN = (
    "state",
    "revision",
    "update_time",
    "end_time",
    "error",
    "cleanup",
    "whereabouts",
    "reserved_memory_bytes",
    "reserved_disk_bytes",
)
"""Columns that the driver alone writes while the migration is open, but for an end put to it."""

ASKED = ("cancel_requested", "cancel_reason", "resolution", "resolution_reason")
"""Columns that those write who ask something of the driver."""


def changed(
    before: Migration, epoch: int, change: Advance, revision: int, now: datetime
) -> Migration:
    """Return the migration as it is after a change."""
    plan = before.plan
    if change.findings is not None:
        plan = replace(plan, findings=tuple(change.findings))
    state = change.state or before.state
    told = before.verification if change.verification is None else tuple(change.verification)
    return replace(
        before,
        plan=plan,
        state=state,
        revision=revision,
        epoch=epoch,
        update_time=now,
        end_time=now if state.ended else None,
        error=None if change.clear_error else change.error or before.error,
        whereabouts=change.whereabouts or before.whereabouts,
        cleanup=before.cleanup if change.cleanup is None else tuple(change.cleanup),
        verification=told,
        reserved_memory_bytes=0 if change.close else before.reserved_memory_bytes,
        reserved_disk_bytes=0 if change.close else before.reserved_disk_bytes,
        cancel_requested=change.cancel_requested or before.cancel_requested,
        cancel_reason=change.cancel_reason or before.cancel_reason,
        resolution=change.resolution or before.resolution,
        resolution_reason=change.resolution_reason or before.resolution_reason,
        journal=(*before.journal, *_numbered(change.entries, len(before.journal))),
    )


def values(after: Migration) -> dict[str, Any]:
    """Return the values of DRIVEN and ASKED."""
    return {
        "new_state": after.state.value,
        "new_revision": after.revision,
        "new_update_time": records.to_micros(after.update_time),
        "new_end_time": None if after.end_time is None else records.to_micros(after.end_time),
        "new_error": plain.pack(after.error),
        "new_cleanup": plain.pack(after.cleanup),
        "new_whereabouts": after.whereabouts.value,
        "new_reserved_memory_bytes": after.reserved_memory_bytes,
        "new_reserved_disk_bytes": after.reserved_disk_bytes,
        "new_cancel_requested": after.cancel_requested,
        "new_cancel_reason": after.cancel_reason,
        "new_resolution": after.resolution.value if after.resolution else "",
        "new_resolution_reason": after.resolution_reason,
    }


def write_beside(
    connection: sa.Connection, before: Migration, after: Migration, change: Advance
) -> None:
    """Write what a change brings beside its row: journal, reports, the instance's host and lock."""
    guard = {"guard_id": after.migration_id}
    added = after.journal[len(before.journal) :]
    if added:
        rows = [records.journal_row(after.migration_id, entry) for entry in added]
        _APPEND.run_all(connection, rows)
    if change.findings is not None:
        findings = plain.pack(after.plan.findings)
        _FINDINGS.run(connection, {**guard, "new_findings": findings})
    if change.verification is not None:
        verified = plain.pack(after.verification)
        _VERIFICATION.run(connection, {**guard, "new_verification": verified})
    if change.rehome:
        _REHOME.run(connection, {**guard, "new_host": before.plan.dest_host_id})
    if change.close:
        _RELEASE.run(connection, guard)


def _numbered(entries: Sequence[JournalEntry], present: int) -> list[JournalEntry]:
    return [replace(entry, sequence=number) for number, entry in enumerate(entries, present + 1)]
