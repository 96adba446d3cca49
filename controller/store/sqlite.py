"""One SQLite file: a thread that writes, a thread that reads, and a lock that keeps others out.

A transaction is a plain function of a Connection and runs whole on its thread: one hop a
transaction instead of four a statement is a third of the processor time of an async driver.
"""

import fcntl
import os
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import sqlalchemy as sa

from controller.ports.failures import StoreUnavailable
from controller.store import errors, metrics, upgrade
from controller.store.sqlite_thread import SqliteThread

ResultT = TypeVar("ResultT")


class SqliteDatabase:
    """Runs transactions; what was committed is on the disk."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = _hold(path)
        self._writer = SqliteThread(path, "BEGIN IMMEDIATE")
        self._reader = SqliteThread(path, "BEGIN")

    @property
    def trouble(self) -> str:
        """What the last transaction to write or to read died of; empty when both went well."""
        return self._writer.trouble or self._reader.trouble

    @property
    def shared(self) -> bool:
        """One controller at a time has the file."""
        return False

    @staticmethod
    async def open(path: Path) -> "SqliteDatabase":
        """Open, lock and upgrade a file; raises errors.DatabaseRefused."""
        database = SqliteDatabase(path)
        try:
            await database._writer.call(database._open)
            await database._reader.call(database._reader.connect)
        except (sqlite3.DatabaseError, sa.exc.DatabaseError) as error:
            await database.close()
            why = str(getattr(error, "orig", error))
            raise errors.DatabaseUnusable(str(database._path), why) from error
        except errors.DatabaseRefused:
            await database.close()
            raise
        return database

    async def close(self) -> None:
        """Finish what is queued, then let go of the file."""
        await self._reader.close()
        await self._writer.close()
        os.close(self._lock)

    async def read(self, body: Callable[[sa.Connection], ResultT]) -> ResultT:
        """Run a transaction that only reads; raises StoreUnavailable."""
        return await self._reader.call(lambda: self._run(self._reader, metrics.READ, body))

    async def write(
        self,
        purpose: str,
        body: Callable[[sa.Connection], ResultT],
        then: Callable[[ResultT], None] | None = None,
    ) -> ResultT:
        """Run a transaction; raises StoreUnavailable and what the body raises.

        `then` is called in the order of commits.
        """

        def work() -> ResultT:
            result = self._run(self._writer, purpose, body)
            metrics.COMMITS.labels(purpose).inc()
            return result

        return await self._writer.call(work, then)

    def _run(
        self, side: SqliteThread, purpose: str, body: Callable[[sa.Connection], ResultT]
    ) -> ResultT:
        side.statements = metrics.STATEMENTS.labels(purpose)
        try:
            with side.connection.begin():
                result = body(side.connection)
        except (sa.exc.OperationalError, sa.exc.InternalError) as error:
            metrics.FAILURES.labels(purpose).inc()
            side.trouble = f"the database fails: {error.orig}"
            raise StoreUnavailable(str(error.orig)) from error
        side.trouble = ""
        return result

    def _open(self) -> None:
        self._writer.connect()
        with self._writer.connection.begin():
            upgrade.upgrade(self._writer.connection, str(self._path))


def _hold(path: Path) -> int:
    """Lock the database against a second controller; the lock dies with the process."""
    try:
        lock = os.open(f"{path}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise errors.DatabaseUnusable(str(path), error.strerror or str(error)) from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(lock)
        raise errors.DatabaseHeld(str(path)) from error
    return lock
