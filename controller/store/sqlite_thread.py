"""A connection to a SQLite file and the one thread that uses it."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import sqlalchemy as sa

from controller.store import metrics, prepared

ResultT = TypeVar("ResultT")

BUSY_TIMEOUT_S = 5.0


class SqliteThread:
    """A connection and the one thread that uses it."""

    def __init__(self, path: Path, begin: str) -> None:
        self._begin = begin
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="store")
        self._connection: sa.Connection | None = None
        self.trouble = ""
        self.statements = metrics.STATEMENTS.labels(metrics.READ)
        self._engine = sa.create_engine(
            sa.URL.create("sqlite", database=str(path)),
            poolclass=sa.pool.StaticPool,
            connect_args={"check_same_thread": False, "timeout": BUSY_TIMEOUT_S},
        )
        sa.event.listen(self._engine, "connect", _prepare)
        sa.event.listen(self._engine, "begin", self._on_begin)
        sa.event.listen(self._engine, "before_cursor_execute", self._on_statement)

    @property
    def connection(self) -> sa.Connection:
        """The connection, which is kept: to check it out anew would cost more than a statement."""
        if self._connection is None:
            raise RuntimeError("connect comes first")
        return self._connection

    def connect(self) -> None:
        """Open the connection; to be called on the thread."""
        self._connection = self._engine.connect()
        driver: Any = self._connection.connection.driver_connection
        self._connection.info[prepared.DIRECT] = prepared.Direct(driver, self._on_statement)

    async def call(
        self, work: Callable[[], ResultT], then: Callable[[ResultT], None] | None = None
    ) -> ResultT:
        """Run on the thread; wakes the loop once, for `then` and for whoever waits."""
        loop = asyncio.get_running_loop()
        waiter: asyncio.Future[ResultT] = loop.create_future()

        def finish(done: Future[ResultT]) -> None:
            try:
                if then is not None and done.exception() is None:
                    then(done.result())
            finally:
                _settle(waiter, done)

        running = self._thread.submit(work)
        running.add_done_callback(lambda done: loop.call_soon_threadsafe(finish, done))
        return await waiter

    async def close(self) -> None:
        """Wait for what is queued, close the connection, end the thread."""
        await self.call(self._close)
        self._thread.shutdown(wait=False)

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self._engine.dispose()

    def _on_begin(self, connection: sa.Connection) -> None:
        driver: Any = connection.connection.driver_connection
        driver.execute(self._begin)

    def _on_statement(self, *_: Any) -> None:
        self.statements.inc()


def _settle(waiter: asyncio.Future[ResultT], done: Future[ResultT]) -> None:
    """Hand the outcome to whoever still waits."""
    error = done.exception()
    if waiter.done():
        return
    if error is None:
        waiter.set_result(done.result())
    else:
        waiter.set_exception(error)


def _prepare(connection: Any, record: object) -> None:
    """Set what SQLite keeps by connection; transactions are begun by us, not by the driver."""
    del record
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute("PRAGMA synchronous = FULL")
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.close()
