"""A connection on which PostgreSQL tells that another replica has written.

A wake may be lost with the connection, so whoever is woken looks now and then all the same; after a
reconnect everybody is woken once.
"""

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from typing import Any

import sqlalchemy as sa
import structlog

from controller.store.postgres import PostgresDatabase

CHANNEL = "xenferry"
PROGRESS_CHANNEL = "xenferry_progress"
RETRY_S = 1.0

log = structlog.get_logger()


class Listening:
    """Calls what is to be woken, by the name of the table that was written."""

    def __init__(
        self,
        database: PostgresDatabase,
        wake: Mapping[str, Callable[[], None]],
        progress: Callable[[str], None],
    ) -> None:
        self._database = database
        self._wake = wake
        self._progress = progress
        self._failures: tuple[type[Exception], ...] = (
            sa.exc.SQLAlchemyError,
            OSError,
            *database.driver_errors,
        )

    async def run(self) -> None:
        """Listen until cancelled, on a new connection whenever one is lost."""
        while True:
            try:
                await self._listen()
            except self._failures as error:
                log.warning("store.not_listening", error=str(error))
            await asyncio.sleep(RETRY_S)

    async def _listen(self) -> None:
        lost = asyncio.Event()
        async with self._database.engine.connect() as connection:
            raw = await connection.get_raw_connection()
            driver: Any = raw.driver_connection
            driver.add_termination_listener(lambda _: lost.set())
            await driver.add_listener(CHANNEL, self._told)
            await driver.add_listener(PROGRESS_CHANNEL, self._told_progress)
            try:
                for wake in self._wake.values():
                    wake()
                await lost.wait()
            finally:
                with contextlib.suppress(*self._failures):
                    await connection.invalidate()

    def _told(self, connection: object, pid: int, channel: str, table: str) -> None:
        del connection, pid, channel
        wake = self._wake.get(table)
        if wake is not None:
            wake()

    def _told_progress(self, connection: object, pid: int, channel: str, payload: str) -> None:
        del connection, pid, channel
        self._progress(payload)
