"""Rows of migrations and their journal to model values and back."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from controller.model.findings import Finding
from controller.model.migration import (
    CleanupItem,
    DiskRoom,
    JournalEntry,
    JournalEvent,
    Migration,
    MigrationKind,
    MigrationPlan,
    MigrationRequest,
    MigrationState,
    MoveEstimate,
    Resolution,
    Whereabouts,
)
from controller.store import plain, schema

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


def to_micros(time: datetime) -> int:
    """Return a time as the tables keep it."""
    return (time - EPOCH) // MICROSECOND


def from_micros(micros: int) -> datetime:
    """Return a time as the model has it."""
    return EPOCH + timedelta(microseconds=micros)


def to_row(migration: Migration, owner: str, digest: str) -> dict[str, Any]:
    """Return the columns of a migration that is new."""
    plan = migration.plan
    return {
        "migration_id": migration.migration_id,
        "instance_id": plan.instance_id,
        "instance_name": plan.instance_name,
        "source_host_id": plan.source_host_id,
        "source_host_name": plan.source_host_name,
        "dest_host_id": plan.dest_host_id,
        "dest_host_name": plan.dest_host_name,
        "kind": plan.kind.value,
        "memory_needed_bytes": plan.memory_needed_bytes,
        "state": migration.state.value,
        "revision": migration.revision,
        "epoch": migration.epoch,
        "owner": owner,
        "request_id": plan.request.request_id,
        "request_digest": digest,
        "request": plain.pack(plan.request),
        "findings": plain.pack(plan.findings),
        "error": None,
        "cleanup": [],
        "whereabouts": migration.whereabouts.value,
        "reserved_memory_bytes": migration.reserved_memory_bytes,
        "create_time": to_micros(migration.create_time),
        "update_time": to_micros(migration.update_time),
        "end_time": None,
        "dest_sr_id": plan.disk.sr_id,
        "reserved_disk_bytes": migration.reserved_disk_bytes,
        "disk": plain.pack(plan.disk) if plan.disk.sr_id else None,
        "dest_check_data": plan.dest_check_data,
        "estimate": plain.pack(plan.estimate),
    }


def from_row(row: sa.Row[Any], journal: Sequence[JournalEntry] = ()) -> Migration:
    """Return the migration of a row of schema.MIGRATIONS."""
    return Migration(
        migration_id=row.migration_id,
        plan=_plan(row),
        state=MigrationState(row.state),
        revision=row.revision,
        epoch=row.epoch,
        create_time=from_micros(row.create_time),
        update_time=from_micros(row.update_time),
        end_time=None if row.end_time is None else from_micros(row.end_time),
        error=None if row.error is None else plain.unpack(Finding, row.error),
        whereabouts=Whereabouts(row.whereabouts),
        reserved_memory_bytes=row.reserved_memory_bytes,
        cleanup=plain.unpack_all(CleanupItem, row.cleanup),
        journal=tuple(journal),
        reserved_disk_bytes=row.reserved_disk_bytes,
        verification=plain.unpack_all(Finding, row.verification or []),
        cancel_requested=row.cancel_requested,
        cancel_reason=row.cancel_reason,
        resolution=Resolution(row.resolution) if row.resolution else None,
        resolution_reason=row.resolution_reason,
    )


def _plan(row: sa.Row[Any]) -> MigrationPlan:
    return MigrationPlan(
        request=plain.unpack(MigrationRequest, row.request),
        instance_id=row.instance_id,
        instance_name=row.instance_name,
        source_host_id=row.source_host_id,
        source_host_name=row.source_host_name,
        dest_host_id=row.dest_host_id,
        dest_host_name=row.dest_host_name,
        kind=MigrationKind(row.kind),
        memory_needed_bytes=row.memory_needed_bytes,
        findings=plain.unpack_all(Finding, row.findings),
        disk=DiskRoom() if row.disk is None else plain.unpack(DiskRoom, row.disk),
        dest_check_data=row.dest_check_data or b"",
        estimate=None if row.estimate is None else plain.unpack(MoveEstimate, row.estimate),
    )


def journal_row(migration_id: str, entry: JournalEntry) -> dict[str, Any]:
    """Return the columns of a journal entry that has its sequence."""
    return {
        "migration_id": migration_id,
        "sequence": entry.sequence,
        "step": entry.step,
        "event": entry.event.value,
        "time": to_micros(entry.time),
        "epoch": entry.epoch,
        "note": entry.note,
    }


_SELECT_JOURNAL = (
    sa.select(schema.JOURNAL)
    .where(schema.JOURNAL.c.migration_id.in_(sa.bindparam("ids", expanding=True)))
    .order_by(schema.JOURNAL.c.migration_id, schema.JOURNAL.c.sequence)
)


def read_journals(
    connection: sa.Connection, migration_ids: Iterable[str]
) -> dict[str, list[JournalEntry]]:
    """Return the journal of each migration, in order."""
    journals: dict[str, list[JournalEntry]] = {key: [] for key in migration_ids}
    for row in connection.execute(_SELECT_JOURNAL, {"ids": list(journals)}):
        entry = JournalEntry(
            step=row.step,
            event=JournalEvent(row.event),
            time=from_micros(row.time),
            epoch=row.epoch,
            sequence=row.sequence,
            note=row.note,
        )
        journals[row.migration_id].append(entry)
    return journals
