"""The ledger in SQL: every change of a migration is one guarded transaction."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from controller.model.migration import Migration, Resolution
from controller.ports.clock import Clock
from controller.ports.failures import MigrationUnknown
from controller.ports.ledger import Advance, CancelWins, Claim, ClaimLost, Decide
from controller.store import (
    change_log,
    changing,
    claims,
    metrics,
    records,
    revisions,
    schema,
    slots,
)
from controller.store.database import Database
from controller.store.live import LiveMigrations
from controller.store.prepared import Prepared

_MIGRATIONS = schema.MIGRATIONS.c

_OURS = (
    _MIGRATIONS.migration_id == sa.bindparam("guard_id"),
    _MIGRATIONS.owner == sa.bindparam("guard_owner"),
    _MIGRATIONS.epoch == sa.bindparam("guard_epoch"),
    schema.IS_OPEN,
)
# What others ask is returned, so that a driver hears of it whichever process wrote it.
_DRIVE = (
    sa.update(schema.MIGRATIONS)
    .where(*_OURS)
    .values(changing.parameters(changing.DRIVEN))
    .returning(*(_MIGRATIONS[name] for name in changing.ASKED))
)
_ADVANCE = Prepared(_DRIVE)
_ADVANCE_UNLESS_CANCELLED = Prepared(_DRIVE.where(_MIGRATIONS.cancel_requested == sa.false()))
_CANCELLED = sa.select(_MIGRATIONS.cancel_requested).where(*_OURS)
_INTERVENE = (
    sa.update(schema.MIGRATIONS)
    .where(_MIGRATIONS.migration_id == sa.bindparam("guard_id"), schema.IS_OPEN)
    .values(changing.parameters((*changing.DRIVEN, *changing.ASKED)))
)
_ONE = Prepared(sa.select(schema.MIGRATIONS).where(_MIGRATIONS.migration_id == sa.bindparam("id")))
_OPEN = sa.select(schema.MIGRATIONS).where(schema.IS_OPEN)
_CLAIM = Prepared(
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
    row = _ONE.row(connection, {"id": migration_id})
    if row is None:
        raise MigrationUnknown(migration_id)
    journal = records.read_journals(connection, [migration_id])[migration_id]
    return records.from_row(row, journal)


def read_open(connection: sa.Connection) -> list[Migration]:
    """Return every open migration, without journals."""
    return [records.from_row(row) for row in connection.execute(_OPEN)]


@dataclass(frozen=True, slots=True)
class Intervention:
    """A migration after somebody else than its driver changed it."""

    after: Migration
    rehomed: bool


class NothingToWrite(Exception):
    """It is as it should be; undoes the transaction, which has taken a revision by then."""

    def __init__(self, migration: Migration) -> None:
        super().__init__(migration.migration_id)
        self.migration = migration


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

    async def intervene(self, migration_id: str, decide: Decide) -> Migration:
        """Decide over the newest row and write the change; raises what `decide` raises."""
        now = self._clock.now()

        def transaction(connection: sa.Connection) -> Intervention:
            return _intervene(connection, migration_id, decide, now)

        def then(done: Intervention) -> None:
            self._live.changed(done.after, done.rehomed)

        try:
            return (await self._database.write(metrics.MIGRATION, transaction, then)).after
        except NothingToWrite as nothing:
            return nothing.migration

    async def claim_open(self, owner: str, driven: Collection[str] = ()) -> list[Migration]:
        """Claim every open migration that nobody drives, and return them with journals."""
        now = self._clock.now()

        def transaction(connection: sa.Connection) -> list[Migration]:
            rows = claims.unclaimed(connection, owner, driven, records.to_micros(now))
            return _claim_all(connection, rows, owner, now)

        return await self._database.write(metrics.MIGRATION, transaction, self._live.changed_all)


def _advance(
    connection: sa.Connection, before: Migration, claim: Claim, change: Advance, now: datetime
) -> Migration:
    after = changing.changed(before, claim.epoch, change, revisions.take(connection), now)
    if change.within is not None:
        slots.check(connection, before.plan, change.within)
    guards = {
        "guard_id": claim.migration_id,
        "guard_owner": claim.owner,
        "guard_epoch": claim.epoch,
    }
    guarded = _ADVANCE_UNLESS_CANCELLED if change.unless_cancelled else _ADVANCE
    asked = guarded.row(connection, {**guards, **_driven(after)})
    if asked is None:
        if change.unless_cancelled and connection.execute(_CANCELLED, guards).scalar():
            raise CancelWins
        raise ClaimLost(f"migration {claim.migration_id} is no longer {claim.owner}'s")
    changing.write_beside(connection, before, after, change)
    written = replace(
        after,
        cancel_requested=asked.cancel_requested,
        cancel_reason=asked.cancel_reason,
        resolution=Resolution(asked.resolution) if asked.resolution else None,
        resolution_reason=asked.resolution_reason,
    )
    change_log.append(connection, [written], change.rehome)
    return written


def _driven(after: Migration) -> dict[str, Any]:
    every = changing.values(after)
    return {f"new_{name}": every[f"new_{name}"] for name in changing.DRIVEN}


def _intervene(
    connection: sa.Connection, migration_id: str, decide: Decide, now: datetime
) -> Intervention:
    """Take the revision first: with it, this transaction is alone with every migration's row."""
    revision = revisions.take(connection)
    before = read(connection, migration_id)
    change = decide(before)
    if change is None:
        raise NothingToWrite(before)
    after = changing.changed(before, before.epoch, change, revision, now)
    connection.execute(_INTERVENE, {"guard_id": migration_id, **changing.values(after)})
    changing.write_beside(connection, before, after, change)
    change_log.append(connection, [after], change.rehome)
    return Intervention(after, change.rehome)


def _claim_all(
    connection: sa.Connection, rows: Sequence[sa.Row[Any]], owner: str, now: datetime
) -> list[Migration]:
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
    _CLAIM.run_all(connection, [_claim_values(migration, owner) for migration in claimed])
    change_log.append(connection, claimed)
    return claimed


def _claim_values(migration: Migration, owner: str) -> dict[str, Any]:
    return {
        "guard_id": migration.migration_id,
        "owner": owner,
        "epoch": migration.epoch,
        "revision": migration.revision,
        "update_time": records.to_micros(migration.update_time),
    }
