"""Counters that give changes their numbers, in the order of commits and without a gap."""

import sqlalchemy as sa

from controller.store import schema
from controller.store.prepared import Prepared

_NAMED = schema.COUNTERS.c.name == sa.bindparam("counter")
_NEXT = Prepared(
    sa.update(schema.COUNTERS)
    .where(_NAMED)
    .values(value=schema.COUNTERS.c.value + sa.bindparam("by", type_=sa.BigInteger))
    .returning(schema.COUNTERS.c.value)
)
_WRITE = (
    sa.update(schema.COUNTERS)
    .where(_NAMED)
    .values(value=sa.bindparam("new_value", type_=sa.BigInteger))
)
_CURRENT = Prepared(sa.select(schema.COUNTERS.c.value).where(_NAMED))


def take(connection: sa.Connection, count: int = 1, counter: str = schema.REVISION) -> int:
    """Take so many numbers in this transaction and return the last of them."""
    (row,) = _NEXT.rows(connection, {"by": count, "counter": counter})
    return int(row.value)


def current(connection: sa.Connection, counter: str = schema.REVISION) -> int:
    """Return the newest number that was taken."""
    (row,) = _CURRENT.rows(connection, {"counter": counter})
    return int(row.value)


def write(connection: sa.Connection, counter: str, value: int) -> None:
    """Set a counter."""
    connection.execute(_WRITE, {"counter": counter, "new_value": value})
