"""Keeps this process's memory of migrations up with the log, whoever writes it.

What is committed here is told at once; the log is read when something is missing between, when
the database says that there is news, and now and then because it may not have got through.
"""

import asyncio
import contextlib
from collections.abc import Sequence

import sqlalchemy as sa
import structlog

from controller.model.migration import Migration
from controller.ports.failures import RevisionCompacted, StoreUnavailable
from controller.store import change_log, ledger, revisions
from controller.store.change_log import Change
from controller.store.database import Database
from controller.store.live import LiveMigrations

BATCH = 500
RETRY_S = 1.0

log = structlog.get_logger()


class Follower:
    """Reads the log for LiveMigrations."""

    def __init__(self, database: Database, live: LiveMigrations, poll_s: float) -> None:
        self._database = database
        self._live = live
        self._poll_s = poll_s if database.shared else None

    async def begin(self) -> None:
        """Take what is open at the start."""
        self._live.begin(*await self._database.read(_present))

    async def catch_up(self) -> None:
        """Read what is behind the newest revision that was told; raises StoreUnavailable."""
        try:
            while batch := await self._behind(self._live.revision):
                self._live.followed(batch)
        except RevisionCompacted as gone:
            known = self._live.open_ids
            log.warning("store.follower_was_away", kept_from_revision=gone.kept_from)
            self._live.begin_again(
                *await self._database.read(lambda connection: _present(connection, known))
            )

    async def run(self) -> None:
        """Follow until cancelled."""
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._poll_s):
                    await self._live.missed.wait()
            self._live.missed.clear()
            try:
                await self.catch_up()
            except StoreUnavailable as error:
                log.warning("store.not_followed", error=str(error))
                await asyncio.sleep(RETRY_S)
                self._live.missed.set()

    async def _behind(self, revision: int) -> list[Change]:
        return await self._database.read(
            lambda connection: change_log.after(connection, revision, BATCH)
        )


def _present(connection: sa.Connection, known: Sequence[str] = ()) -> tuple[int, list[Migration]]:
    """Return the newest revision, and what is open now or is known to have been."""
    found = ledger.read_open(connection)
    here = {migration.migration_id for migration in found}
    ended = [ledger.read(connection, key) for key in known if key not in here]
    return revisions.current(connection), [*found, *ended]
