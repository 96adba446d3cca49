"""Reading migrations: one, a page by keyset, and what changed since a revision."""

from collections.abc import Sequence

import sqlalchemy as sa

from controller.model.migration import Migration
from controller.ports.failures import MigrationUnknown
from controller.ports.history import MigrationFilter, Position
from controller.store import ledger, records, revisions, schema
from controller.store.database import Database

_MIGRATIONS = schema.MIGRATIONS.c
_NEWEST_FIRST = (_MIGRATIONS.create_time.desc(), _MIGRATIONS.migration_id.desc())


class SqlHistory:
    """Implements ports.history.History."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, migration_id: str) -> Migration | None:
        """Return one migration with its journal, or None."""
        try:
            return await self._database.read(
                lambda connection: ledger.read(connection, migration_id)
            )
        except MigrationUnknown:
            return None

    async def page(
        self, which: MigrationFilter, size: int, after: Position | None
    ) -> Sequence[Migration]:
        """Return at most `size` migrations, newest first, from behind `after`."""
        wanted = _matching(which).order_by(*_NEWEST_FIRST).limit(size)
        if after is not None:
            place = sa.tuple_(_MIGRATIONS.create_time, _MIGRATIONS.migration_id)
            end = sa.tuple_(
                sa.literal(records.to_micros(after.create_time)), sa.literal(after.migration_id)
            )
            wanted = wanted.where(place < end)
        return await self._select(wanted)

    async def changed_since(
        self, which: MigrationFilter, revision: int, limit: int
    ) -> Sequence[Migration]:
        """Return at most `limit` migrations that changed after `revision`, oldest change first."""
        wanted = _matching(which).where(_MIGRATIONS.revision > revision)
        return await self._select(wanted.order_by(_MIGRATIONS.revision).limit(limit))

    async def revision(self) -> int:
        """Return the newest revision."""
        return await self._database.read(revisions.current)

    async def _select(self, wanted: sa.Select[tuple[object, ...]]) -> Sequence[Migration]:
        return await self._database.read(
            lambda connection: [records.from_row(row) for row in connection.execute(wanted)]
        )


def _matching(which: MigrationFilter) -> sa.Select[tuple[object, ...]]:
    wanted = sa.select(schema.MIGRATIONS)
    if which.states:
        wanted = wanted.where(_MIGRATIONS.state.in_([state.value for state in which.states]))
    if which.host_id:
        wanted = wanted.where(
            sa.or_(
                _MIGRATIONS.source_host_id == which.host_id,
                _MIGRATIONS.dest_host_id == which.host_id,
            )
        )
    if which.instance_id:
        wanted = wanted.where(_MIGRATIONS.instance_id == which.instance_id)
    if which.migration_id:
        wanted = wanted.where(_MIGRATIONS.migration_id == which.migration_id)
    return wanted
