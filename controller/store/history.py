"""Reading migrations: one, a page, and what changed since a revision."""

from collections.abc import Sequence

import sqlalchemy as sa

from controller.model.migration import Migration
from controller.ports.failures import MigrationUnknown
from controller.ports.history import MigrationFilter, Position
from controller.store import change_log, ledger, pages, records, revisions, schema
from controller.store.database import Database
from controller.store.prepared import Prepared

_MIGRATIONS = schema.MIGRATIONS.c
_BETWEEN = (
    _MIGRATIONS.revision > sa.bindparam("after"),
    _MIGRATIONS.revision <= sa.bindparam("upto"),
)
# What most watches begin with: whoever asked for a migration watches that one.
_PRESENT_ONE = Prepared(
    sa.select(schema.MIGRATIONS).where(
        _MIGRATIONS.migration_id == sa.bindparam("migration_id"), *_BETWEEN
    )
)


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
        wanted = pages.page(which, size, after)
        return await self._select(wanted)

    async def present(
        self, which: MigrationFilter, after: int, upto: int, limit: int
    ) -> Sequence[Migration]:
        """Return at most `limit` migrations whose last change is in (after, upto], in order."""
        between = {"after": after, "upto": upto}
        if which == MigrationFilter(migration_id=which.migration_id) and which.migration_id:
            one = {"migration_id": which.migration_id, **between}
            return await self._database.read(
                lambda connection: [
                    records.from_row(row) for row in _PRESENT_ONE.rows(connection, one)
                ]
            )
        wanted = pages.matching(which).where(*_BETWEEN).order_by(_MIGRATIONS.revision).limit(limit)
        return await self._select(wanted.params(between))

    async def changes(
        self, which: MigrationFilter, after: int, upto: int, limit: int
    ) -> Sequence[Migration]:
        """Return at most `limit` changes in (after, upto], each as it was then, in order."""
        found = await self._database.read(
            lambda connection: change_log.matching(connection, which, after, upto, limit)
        )
        return [change.migration for change in found]

    async def revision(self) -> int:
        """Return the newest revision."""
        return await self._database.read(revisions.current)

    async def _select(self, wanted: sa.Select[tuple[object, ...]]) -> Sequence[Migration]:
        return await self._database.read(
            lambda connection: [records.from_row(row) for row in connection.execute(wanted)]
        )
