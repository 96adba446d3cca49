"""The database file: who may open it, which schema it has, and what it takes."""

import sqlite3
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from controller.model.migration import JournalEvent, MigrationKind, MigrationState, Whereabouts
from controller.store import aggregate_tables, errors, schema
from controller.store.opening import open_database
from controller.store.settings import StoreSettings


async def test_second_controller_on_one_file_is_refused(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'a.db'}"
    first = await open_database(StoreSettings(url))
    try:
        with pytest.raises(errors.DatabaseHeld, match="in use by another controller"):
            await open_database(StoreSettings(url))
    finally:
        await first.close()

    again = await open_database(StoreSettings(url))
    await again.close()


async def test_database_of_a_newer_release_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "a.db"
    await (await open_database(StoreSettings(f"sqlite:///{file}"))).close()
    with sqlite3.connect(file) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()

    with pytest.raises(errors.DatabaseTooNew, match="has schema 9999"):
        await open_database(StoreSettings(f"sqlite:///{file}"))


@pytest.mark.parametrize("url", ["postgresql://localhost/x", "sqlite://", "sqlite:///", "x.db"])
async def test_foreign_url_is_refused(url: str) -> None:
    with pytest.raises(errors.DatabaseUnsupported, match="neither of the form sqlite:///path"):
        await open_database(StoreSettings(url))


async def test_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.db").write_text("I am a text, and not a short one." * 100)

    with pytest.raises(errors.DatabaseUnusable, match="not a database"):
        await open_database(StoreSettings(f"sqlite:///{tmp_path / 'a.db'}"))


async def test_missing_directory_is_refused(tmp_path: Path) -> None:
    with pytest.raises(errors.DatabaseUnusable, match="No such file or directory"):
        await open_database(StoreSettings(f"sqlite:///{tmp_path / 'missing' / 'a.db'}"))


async def test_versions_make_the_schema_that_the_code_uses(tmp_path: Path) -> None:
    database = await open_database(StoreSettings(f"sqlite:///{tmp_path / 'a.db'}"))
    try:
        differences = await database.read(
            lambda connection: compare_metadata(
                MigrationContext.configure(connection), schema.METADATA
            )
        )
        made = await database.read(_constraints)
    finally:
        await database.close()

    assert aggregate_tables.AGGREGATES.metadata is schema.METADATA
    assert differences == []
    assert made == {
        (table.name, str(constraint.name), _flat(str(constraint.sqltext)))
        for table in schema.METADATA.tables.values()
        for constraint in table.constraints
        if isinstance(constraint, sa.CheckConstraint)
    }


async def test_versions_make_the_same_tables_on_every_database(where: StoreSettings) -> None:
    database = await open_database(where)
    try:
        differences = await database.read(
            lambda connection: compare_metadata(
                MigrationContext.configure(connection), schema.METADATA
            )
        )
    finally:
        await database.close()

    assert differences == []


def _constraints(connection: sa.Connection) -> set[tuple[str, str, str]]:
    inspector = sa.inspect(connection)
    return {
        (table, str(constraint["name"]), _flat(str(constraint["sqltext"])))
        for table in schema.METADATA.tables
        for constraint in inspector.get_check_constraints(table)
    }


def _flat(text: str) -> str:
    return " ".join(text.split())


@pytest.mark.parametrize(
    ("column", "kind"),
    [
        (schema.MIGRATIONS.c.state, MigrationState),
        (schema.MIGRATIONS.c.kind, MigrationKind),
        (schema.MIGRATIONS.c.whereabouts, Whereabouts),
        (schema.JOURNAL.c.event, JournalEvent),
    ],
    ids=lambda value: getattr(value, "name", None) or value.__name__,
)
def test_every_member_of_an_enum_fits_its_column(
    column: sa.Column[str], kind: type[MigrationState]
) -> None:
    assert isinstance(column.type, sa.String)
    assert column.type.length is not None
    assert max(len(member.value) for member in kind) <= column.type.length


async def test_synchronous_is_full_and_the_journal_is_a_wal(tmp_path: Path) -> None:
    database = await open_database(StoreSettings(f"sqlite:///{tmp_path / 'a.db'}"))
    try:
        modes = await database.read(
            lambda connection: [
                connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()
                for name in ("journal_mode", "synchronous")
            ]
        )
    finally:
        await database.close()

    assert modes == ["wal", 2]
