"""Statements that are compiled once do, on every database, what SQLAlchemy does with them."""

from typing import Any

import pytest
import sqlalchemy as sa

from controller.store import metrics, schema
from controller.store.opening import open_database
from controller.store.prepared import Prepared
from controller.store.settings import StoreSettings

HOSTS = schema.HOSTS.c
COLUMNS = (HOSTS.name, HOSTS.maintenance, HOSTS.memory_free_bytes, HOSTS.facts)
INSERT = sa.insert(schema.HOSTS)
READ = sa.select(*COLUMNS).where(HOSTS.host_id == sa.bindparam("id"))
DRAIN = (
    sa.update(schema.HOSTS)
    .where(HOSTS.host_id == sa.bindparam("id"), HOSTS.maintenance == sa.false())
    .values(maintenance=True, name=sa.bindparam("new_name"))
    .returning(*COLUMNS)
)
REMOVE = sa.delete(schema.HOSTS).where(HOSTS.host_id == sa.bindparam("id"))


def a_host(host_id: str) -> dict[str, Any]:
    return {
        "host_id": host_id,
        "name": f"xs {host_id}",
        "agent_address": "",
        "maintenance": False,
        "maintenance_reason": "",
        "memory_free_bytes": 2**40,
        "facts": {"networks": ["lan"], "enabled": True},
    }


def as_told(rows: Any) -> list[tuple[Any, ...]]:
    return [(row.name, row.maintenance, row.memory_free_bytes, row.facts) for row in rows]


async def test_a_prepared_statement_writes_and_reads_as_the_types_say(where: StoreSettings) -> None:
    def body(connection: sa.Connection) -> None:
        Prepared(INSERT).run_all(connection, [a_host("a"), a_host("b")])

        read = as_told(Prepared(READ).rows(connection, {"id": "a"}))

        assert read == as_told(connection.execute(READ, {"id": "a"}))
        assert read == [("xs a", False, 2**40, {"networks": ["lan"], "enabled": True})]
        assert Prepared(READ).row(connection, {"id": "c"}) is None

    database = await open_database(where)
    try:
        await database.write(metrics.INVENTORY, body)
    finally:
        await database.close()


async def test_a_guarded_change_tells_whether_it_was_made(where: StoreSettings) -> None:
    drain, remove = Prepared(DRAIN), Prepared(REMOVE)

    def body(connection: sa.Connection) -> None:
        Prepared(INSERT).run_all(connection, [a_host("a"), a_host("b")])
        new = {"id": "a", "new_name": "drained"}

        (changed,) = as_told(drain.rows(connection, new))

        assert changed == ("drained", True, 2**40, a_host("a")["facts"])
        assert drain.row(connection, new) is None
        assert [remove.run(connection, {"id": "a"}) for _ in range(2)] == [1, 0]

    database = await open_database(where)
    try:
        await database.write(metrics.INVENTORY, body)
    finally:
        await database.close()


async def test_a_broken_constraint_is_told_as_ever_and_nothing_stays(where: StoreSettings) -> None:
    def body(connection: sa.Connection) -> None:
        Prepared(INSERT).run_all(connection, [a_host("a"), a_host("b"), a_host("a")])

    database = await open_database(where)
    try:
        with pytest.raises(sa.exc.IntegrityError):
            await database.write(metrics.INVENTORY, body)

        assert await database.read(lambda c: Prepared(READ).row(c, {"id": "b"})) is None
    finally:
        await database.close()
