"""PostgreSQL that fails: what is repeated, what is told, and what is never done twice."""

import asyncio
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa

from controller.model.migration import MigrationState
from controller.ports.failures import StoreUnavailable
from controller.ports.ledger import Advance
from controller.store import errors, metrics, revisions
from controller.store.database import Database
from controller.store.opening import open_database
from controller.store.settings import StoreSettings
from tests.support import pg
from tests.support.ledger_conformance import a_plan, claim_of
from tests.support.store_world import open_store

DIE_AT_COMMIT = """
CREATE FUNCTION die() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); PERFORM pg_sleep(5); RETURN NULL; END $$;
CREATE CONSTRAINT TRIGGER die AFTER UPDATE ON counters
DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION die();
"""
TROUBLES = {
    "serialization": "DO $$ BEGIN RAISE SQLSTATE '40001'; END $$",
    "deadlock": "DO $$ BEGIN RAISE SQLSTATE '40P01'; END $$",
    "connection lost": "SELECT pg_terminate_backend(pg_backend_pid()), pg_sleep(5)",
}


@asynccontextmanager
async def database(url: str) -> AsyncIterator[Database]:
    opened = await open_database(StoreSettings(url, pool_size=2))
    try:
        yield opened
    finally:
        await opened.close()


class Troubled:
    """A transaction that runs into trouble so many times before it goes well."""

    def __init__(self, trouble: str, times: int) -> None:
        self._trouble = trouble
        self._times = times
        self.runs = 0

    def __call__(self, connection: sa.Connection) -> int:
        self.runs += 1
        taken = revisions.take(connection)
        if self.runs <= self._times:
            connection.exec_driver_sql(self._trouble)
        return taken


@pytest.mark.parametrize("trouble", TROUBLES)
async def test_what_left_nothing_behind_is_repeated(trouble: str) -> None:
    async with database(pg.empty_database()) as store:
        work = Troubled(TROUBLES[trouble], times=1)

        assert await store.write(metrics.MIGRATION, work) == 1

        assert work.runs == 2
        assert await store.read(revisions.current) == 1
        assert store.trouble == ""


async def test_trouble_that_lasts_is_told_and_over_when_it_is_over() -> None:
    async with database(pg.empty_database()) as store:
        with pytest.raises(StoreUnavailable):
            await store.write(metrics.MIGRATION, Troubled(TROUBLES["deadlock"], times=99))
        assert "the database fails" in store.trouble

        assert await store.write(metrics.MIGRATION, revisions.take) == 1
        assert store.trouble == ""


async def test_what_may_have_been_committed_is_not_repeated() -> None:
    async with database(pg.empty_database()) as store:
        await store.write(metrics.MIGRATION, runs(DIE_AT_COMMIT))
        work = Troubled("SELECT 1", times=0)

        with pytest.raises(StoreUnavailable):
            await store.write(metrics.MIGRATION, work)

        assert work.runs == 1


async def test_a_mistake_of_ours_is_not_called_trouble() -> None:
    async with database(pg.empty_database()) as store:
        with pytest.raises(sa.exc.ProgrammingError):
            await store.write(metrics.MIGRATION, runs("SELECT nothing_of_this_name"))


async def test_connections_that_were_cut_are_made_again() -> None:
    where = StoreSettings(pg.empty_database())
    async with open_store(where) as store:
        migration = await store.admit(a_plan(), "one")
        cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid != pg_backend_pid()"
        pg.server().psql(cut)

        moving = Advance(state=MigrationState.MOVING)
        newest = await store.ledger.advance(claim_of(migration, "one"), moving)

        assert await store.ledger.load(migration.migration_id) == newest


async def test_replicas_that_start_at_once_upgrade_an_empty_database_once() -> None:
    url = pg.empty_database(upgraded=False)

    opened = await asyncio.gather(*(open_database(StoreSettings(url)) for _ in range(3)))

    for store in opened:
        assert await store.read(revisions.current) == 0
        await store.close()


async def test_a_database_of_a_newer_release_is_refused() -> None:
    url = pg.empty_database()
    async with database(url) as store:
        await store.write(
            metrics.MIGRATION, runs("UPDATE alembic_version SET version_num = '9999'")
        )

    with pytest.raises(errors.DatabaseTooNew, match="has schema 9999"):
        await open_database(StoreSettings(url))


async def test_a_controller_without_the_driver_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "asyncpg", None)

    with pytest.raises(errors.DatabaseUnusable, match=r"install xenferry\[postgres\]"):
        await open_database(StoreSettings("postgresql+asyncpg://xenferry@127.0.0.1:1/xenferry"))


async def test_a_refusal_does_not_tell_the_password(tmp_path: Path) -> None:
    secret = tmp_path / "password"
    secret.write_text("hunter2\n")
    url = "postgresql+asyncpg://xenferry@127.0.0.1:1/xenferry"

    with pytest.raises(errors.DatabaseUnusable, match=r"127\.0\.0\.1:1") as refused:
        await open_database(StoreSettings(url, password_file=str(secret)))
    assert "hunter2" not in str(refused.value)

    with pytest.raises(errors.PasswordUnreadable, match="missing"):
        await open_database(StoreSettings(url, password_file=str(tmp_path / "missing")))


def runs(statement: str) -> Callable[[sa.Connection], None]:
    """Return a transaction that runs a statement."""

    def body(connection: sa.Connection) -> None:
        for part in statement.split(";\n"):
            if part.strip():
                connection.exec_driver_sql(part)

    return body
