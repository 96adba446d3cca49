"""The ledger in SQL: every change of a migration is one guarded transaction."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from controller.model.migration import JournalEntry, Migration
from controller.ports.clock import Clock
from controller.ports.failures import MigrationUnknown
from controller.ports.ledger import Advance, Claim, ClaimLost
from controller.store import metrics, plain, records, revisions, schema
from controller.store.database import Database
from controller.store.live import LiveMigrations

_MIGRATIONS, _INSTANCES = schema.MIGRATIONS.c, schema.INSTANCES.c

_ADVANCE = (
    sa.update(schema.MIGRATIONS)
    .where(
        _MIGRATIONS.migration_id == sa.bindparam("guard_id"),
        _MIGRATIONS.owner == sa.bindparam("guard_owner"),
        _MIGRATIONS.epoch == sa.bindparam("guard_epoch"),
        schema.IS_OPEN,
    )
    .values(
        {
            name: sa.bindparam(f"new_{name}", type_=schema.MIGRATIONS.c[name].type)
            for name in (
                "state",
                "revision",
                "update_time",
                "end_time",
                "error",
                "cleanup",
                "whereabouts",
                "reserved_memory_bytes",
            )
        }
    )
)
_FINDINGS = (
    sa.update(schema.MIGRATIONS)
    .where(_MIGRATIONS.migration_id == sa.bindparam("guard_id"))
    .values(findings=sa.bindparam("new_findings", type_=sa.JSON))
)
_OF_MIGRATION = sa.update(schema.INSTANCES).where(
    _INSTANCES.migration_id == sa.bindparam("guard_id")
)
_REHOME = _OF_MIGRATION.values(host_id=sa.bindparam("new_host"))
_RELEASE = _OF_MIGRATION.values(task_state="", migration_id="")
_APPEND = sa.insert(schema.JOURNAL)
_ONE = sa.select(schema.MIGRATIONS).where(_MIGRATIONS.migration_id == sa.bindparam("id"))
_OPEN = sa.select(schema.MIGRATIONS).where(schema.IS_OPEN)
_CLAIM = (
    sa.update(schema.MIGRATIONS)
    .where(_MIGRATIONS.migration_id == sa.bindparam("guard_id"))
    .values(
        owner=sa.bindparam("owner"),
        epoch=sa.bindparam("epoch"),
        revision=sa.bindparam("revision"),
        update_time=sa.bindparam("update_time"),
    )
)


def read(connection: sa.Connection, migration_id: str) -> Migration:
    """Return a migration with its journal; raises MigrationUnknown."""
    row = connection.execute(_ONE, {"id": migration_id}).one_or_none()
    if row is None:
        raise MigrationUnknown(migration_id)
    journal = records.read_journals(connection, [migration_id])[migration_id]
    return records.from_row(row, journal)


class SqlLedger:
    """Implements ports.ledger.Ledger; open migrations are remembered to spare reading them."""

    def __init__(self, database: Database, live: LiveMigrations, clock: Clock) -> None:
        self._database = database
        self._live = live
        self._clock = clock

    async def load(self, migration_id: str) -> Migration:
        """Return a migration with its whole journal; raises MigrationUnknown."""
        return await self._database.read(lambda connection: read(connection, migration_id))

    async def advance(self, claim: Claim, change: Advance) -> Migration:
        """Apply a change in one transaction; raises ClaimLost."""
        known = self._live.find(claim.migration_id)
        now = self._clock.now()

        def transaction(connection: sa.Connection) -> Migration:
            before = known or read(connection, claim.migration_id)
            return _advance(connection, before, claim, change, now)

        def then(after: Migration) -> None:
            self._live.changed(after, change.rehome)

        return await self._database.write(metrics.MIGRATION, transaction, then)

    async def claim_open(self, owner: str) -> list[Migration]:
        """Claim every open migration with the next epoch, and return them with journals."""
        now = self._clock.now()

        def transaction(connection: sa.Connection) -> list[Migration]:
            return _claim_open(connection, owner, now)

        return await self._database.write(metrics.MIGRATION, transaction, self._live.changed_all)


def _advance(
    connection: sa.Connection, before: Migration, claim: Claim, change: Advance, now: datetime
) -> Migration:
    after = _changed(before, claim, change, revisions.take(connection), now)
    if connection.execute(_ADVANCE, _advance_values(after, claim)).rowcount != 1:
        raise ClaimLost(f"migration {claim.migration_id} is no longer {claim.owner}'s")
    added = after.journal[len(before.journal) :]
    if added:
        rows = [records.journal_row(claim.migration_id, entry) for entry in added]
        connection.execute(_APPEND, rows)
    if change.findings is not None:
        findings = plain.pack(after.plan.findings)
        connection.execute(_FINDINGS, {"guard_id": claim.migration_id, "new_findings": findings})
    if change.rehome:
        dest = {"guard_id": claim.migration_id, "new_host": before.plan.dest_host_id}
        connection.execute(_REHOME, dest)
    if change.close:
        connection.execute(_RELEASE, {"guard_id": claim.migration_id})
    return after


def _changed(
    before: Migration, claim: Claim, change: Advance, revision: int, now: datetime
) -> Migration:
    """Return the migration as it is after a change."""
    plan = before.plan
    if change.findings is not None:
        plan = replace(plan, findings=tuple(change.findings))
    state = change.state or before.state
    return replace(
        before,
        plan=plan,
        state=state,
        revision=revision,
        epoch=claim.epoch,
        update_time=now,
        end_time=now if state.ended else None,
        error=None if change.clear_error else change.error or before.error,
        whereabouts=change.whereabouts or before.whereabouts,
        cleanup=before.cleanup if change.cleanup is None else tuple(change.cleanup),
        reserved_memory_bytes=0 if change.close else before.reserved_memory_bytes,
        journal=(*before.journal, *_numbered(change.entries, len(before.journal))),
    )


def _numbered(entries: Sequence[JournalEntry], present: int) -> list[JournalEntry]:
    return [replace(entry, sequence=number) for number, entry in enumerate(entries, present + 1)]


def _advance_values(after: Migration, claim: Claim) -> dict[str, Any]:
    return {
        "guard_id": claim.migration_id,
        "guard_owner": claim.owner,
        "guard_epoch": claim.epoch,
        "new_state": after.state.value,
        "new_revision": after.revision,
        "new_update_time": records.to_micros(after.update_time),
        "new_end_time": None if after.end_time is None else records.to_micros(after.end_time),
        "new_error": plain.pack(after.error),
        "new_cleanup": plain.pack(after.cleanup),
        "new_whereabouts": after.whereabouts.value,
        "new_reserved_memory_bytes": after.reserved_memory_bytes,
    }


def _claim_open(connection: sa.Connection, owner: str, now: datetime) -> list[Migration]:
    rows = connection.execute(_OPEN.order_by(_MIGRATIONS.create_time)).all()
    if not rows:
        return []
    last = revisions.take(connection, len(rows))
    journals = records.read_journals(connection, [row.migration_id for row in rows])
    claimed = [
        replace(
            records.from_row(row, journals[row.migration_id]),
            epoch=row.epoch + 1,
            revision=revision,
            update_time=now,
        )
        for revision, row in enumerate(rows, last - len(rows) + 1)
    ]
    connection.execute(_CLAIM, [_claim_values(migration, owner) for migration in claimed])
    return claimed


def _claim_values(migration: Migration, owner: str) -> dict[str, Any]:
    return {
        "guard_id": migration.migration_id,
        "owner": owner,
        "epoch": migration.epoch,
        "revision": migration.revision,
        "update_time": records.to_micros(migration.update_time),
    }
