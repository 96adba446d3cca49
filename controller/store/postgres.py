"""PostgreSQL, for several replicas: the transactions of SQLite, through asyncpg and a pool.

Whatever writes takes one lock first. Migrations take their revisions from one counter and would
wait for each other all the same; taking it first gives a transaction the meaning that it has on
SQLite, where it is the only writer: what it counted stays true until it commits, revisions are
committed in their order, and no two of them wait for each other's rows.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from controller.ports.failures import StoreUnavailable
from controller.store import errors, metrics, pgfailures, upgrade

ResultT = TypeVar("ResultT")

ATTEMPTS = 5
PAUSE_S = 0.05
CONNECT_S = 5.0
COMMAND_S = 30.0
# Keys of advisory locks; any numbers that nobody else uses in this database.
_ONE_WRITER = sa.text("SELECT pg_advisory_xact_lock(7340911, 1)")
_ONE_UPGRADE = sa.text("SELECT pg_advisory_xact_lock(7340911, 2)")
_FOR_READING = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}

_PURPOSE: ContextVar[str] = ContextVar("purpose", default=metrics.READ)


class PostgresDatabase:
    """Implements database.Database; any number of replicas use it."""

    def __init__(self, url: sa.URL, pool_size: int) -> None:
        self._place = url.render_as_string()
        self._engine = create_async_engine(
            url,
            pool_size=pool_size,
            max_overflow=2,
            pool_timeout=CONNECT_S,
            connect_args={"timeout": CONNECT_S, "command_timeout": COMMAND_S},
        )
        sa.event.listen(self._engine.sync_engine, "before_cursor_execute", _count)
        self._reading = self._engine.execution_options(**_FOR_READING)
        self._under_way: set[asyncio.Task[Any]] = set()
        self._trouble = ""

    @property
    def trouble(self) -> str:
        """What the last transaction died of; empty when it went well."""
        return self._trouble

    @property
    def shared(self) -> bool:
        """Other replicas may use it at the same time."""
        return True

    @property
    def engine(self) -> AsyncEngine:
        """Where to get a connection of one's own from, to listen on."""
        return self._engine

    @property
    def driver_errors(self) -> tuple[type[Exception], ...]:
        """What the driver raises when it is used without SQLAlchemy."""
        driver: Any = self._engine.dialect.dbapi
        return driver.asyncpg.PostgresError, driver.asyncpg.InterfaceError

    @staticmethod
    async def open(url: sa.URL, pool_size: int) -> "PostgresDatabase":
        """Connect and upgrade; raises errors.DatabaseRefused."""
        place = url.render_as_string()
        try:
            database = PostgresDatabase(url, pool_size)
        except ImportError as error:
            raise errors.DatabaseUnusable(place, "install xenferry[postgres]") from error
        try:
            async with database.engine.connect() as connection, connection.begin():
                await connection.execute(_ONE_UPGRADE)
                await connection.run_sync(upgrade.upgrade, place)
        except (sa.exc.SQLAlchemyError, OSError) as error:
            await database.close()
            why = str(getattr(error, "orig", error))
            raise errors.DatabaseUnusable(place, why) from error
        except errors.DatabaseRefused:
            await database.close()
            raise
        return database

    async def close(self) -> None:
        """Wait for what is under way, then close every connection."""
        await asyncio.gather(*self._under_way, return_exceptions=True)
        await self._engine.dispose()

    async def read(self, body: Callable[[sa.Connection], ResultT]) -> ResultT:
        """Run a transaction that only reads, all of it at one moment; raises StoreUnavailable."""
        return await self._whole(
            self._again(metrics.READ, lambda attempt: self._run(self._reading, body, attempt))
        )

    async def write(
        self,
        purpose: str,
        body: Callable[[sa.Connection], ResultT],
        then: Callable[[ResultT], None] | None = None,
    ) -> ResultT:
        """Run a transaction alone; raises StoreUnavailable and what the body raises."""
        return await self._whole(self._written(purpose, body, then))

    async def beat(self, body: Callable[[sa.Connection], ResultT]) -> ResultT:
        """Run a transaction that may be lost with the machine and writes what nobody else does."""

        def lightly(connection: sa.Connection) -> ResultT:
            connection.exec_driver_sql("SET LOCAL synchronous_commit = off")
            return body(connection)

        return await self._whole(
            self._again(metrics.BEAT, lambda attempt: self._run(self._engine, lightly, attempt))
        )

    async def _written(
        self,
        purpose: str,
        body: Callable[[sa.Connection], ResultT],
        then: Callable[[ResultT], None] | None,
    ) -> ResultT:
        def alone(connection: sa.Connection) -> ResultT:
            connection.execute(_ONE_WRITER)
            return body(connection)

        result = await self._again(purpose, lambda attempt: self._run(self._engine, alone, attempt))
        metrics.COMMITS.labels(purpose).inc()
        if then is not None:
            then(result)
        return result

    async def _whole(self, work: Awaitable[ResultT]) -> ResultT:
        """Carry a transaction to its end even when whoever waits for it gives up."""
        task = asyncio.ensure_future(work)
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)
        return await asyncio.shield(task)

    async def _run(
        self,
        engine: AsyncEngine,
        body: Callable[[sa.Connection], ResultT],
        attempt: pgfailures.Attempt,
    ) -> ResultT:
        async with engine.connect() as connection:
            async with connection.begin():
                result = await connection.run_sync(body)
                attempt.committing = True
            return result

    async def _again(
        self, purpose: str, run: Callable[[pgfailures.Attempt], Awaitable[ResultT]]
    ) -> ResultT:
        """Repeat what surely left nothing behind; what may have been committed is not repeated."""
        _PURPOSE.set(purpose)
        for number in range(1, ATTEMPTS + 1):
            attempt = pgfailures.Attempt()
            try:
                result = await run(attempt)
            except (sa.exc.DBAPIError, sa.exc.TimeoutError, OSError) as error:
                if not pgfailures.is_trouble(error):
                    raise
                if number == ATTEMPTS or not pgfailures.left_nothing(error, attempt):
                    raise self._unavailable(purpose, error) from error
                await asyncio.sleep(PAUSE_S * number)
            else:
                self._trouble = ""
                return result
        raise AssertionError("the last attempt returns or raises")

    def _unavailable(self, purpose: str, error: Exception) -> StoreUnavailable:
        metrics.FAILURES.labels(purpose).inc()
        why = str(getattr(error, "orig", error)) or type(error).__name__
        self._trouble = f"the database fails: {why}"
        return StoreUnavailable(why)


def _count(*_: Any) -> None:
    metrics.STATEMENTS.labels(_PURPOSE.get()).inc()
