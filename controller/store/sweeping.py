"""Removes what need not be kept: old ended migrations, and the old ends of the two logs."""

import asyncio
from datetime import timedelta

import sqlalchemy as sa
import structlog

from controller.ports.clock import Clock
from controller.ports.failures import StoreUnavailable
from controller.store import change_log, claims, inventory_log, metrics, records, schema
from controller.store.database import Database
from controller.store.settings import StoreSettings

BATCH = 500
INVENTORY_ENTRIES_KEPT = 50_000

_MIGRATIONS = schema.MIGRATIONS.c
_OLD = (
    sa.select(_MIGRATIONS.migration_id)
    .where(
        _MIGRATIONS.create_time < sa.bindparam("before", type_=sa.BigInteger),
        _MIGRATIONS.end_time < sa.bindparam("before", type_=sa.BigInteger),
        sa.not_(schema.IS_OPEN),
    )
    .order_by(_MIGRATIONS.create_time)
    .limit(BATCH)
)

log = structlog.get_logger()


class Sweeper:
    """Removes a batch at a time, so that nobody waits for it for long."""

    def __init__(self, database: Database, settings: StoreSettings, clock: Clock) -> None:
        self._database = database
        self._settings = settings
        self._clock = clock

    async def run(self) -> None:
        """Sweep now and then until cancelled."""
        while True:
            try:
                removed = await self.sweep()
                if removed:
                    log.info("store.swept", migrations=removed)
            except StoreUnavailable as error:
                log.warning("store.not_swept", error=str(error))
            await asyncio.sleep(self._settings.sweep_s)

    async def sweep(self) -> int:
        """Remove all that is too old and return how many migrations that was.

        Raises StoreUnavailable.
        """
        await self._database.write(metrics.INVENTORY, self._compact)
        if not self._settings.history_days:
            return 0
        kept = timedelta(days=self._settings.history_days)
        before = records.to_micros(self._clock.now() - kept)
        removed = 0
        while batch := await self._remove(before):
            removed += batch
        return removed

    async def _remove(self, before: int) -> int:
        return await self._database.write(
            metrics.INVENTORY, lambda connection: _remove_old(connection, before)
        )

    def _compact(self, connection: sa.Connection) -> None:
        change_log.compact(connection, self._settings.changes_kept)
        inventory_log.compact(connection, INVENTORY_ENTRIES_KEPT)
        here = records.to_micros(self._clock.now())
        claims.forget_dead(connection, claims.now_micros(connection, here))


def _remove_old(connection: sa.Connection, before: int) -> int:
    found = list(connection.execute(_OLD, {"before": before}).scalars())
    if found:
        for table in (schema.JOURNAL, schema.MIGRATIONS):
            connection.execute(sa.delete(table).where(table.c.migration_id.in_(found)))
    return len(found)
