"""Counters that give changes their numbers, in the order of commits and without a gap."""

import sqlalchemy as sa

from controller.store import schema

_NAMED = schema.COUNTERS.c.name == sa.bindparam("counter")
_NEXT = (
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
_CURRENT = sa.select(schema.COUNTERS.c.value).where(_NAMED)


def take(connection: sa.Connection, count: int = 1, counter: str = schema.REVISION) -> int:
    """Take so many numbers in this transaction and return the last of them."""
    return int(connection.execute(_NEXT, {"by": count, "counter": counter}).scalar_one())


def current(connection: sa.Connection, counter: str = schema.REVISION) -> int:
    """Return the newest number that was taken."""
    return int(connection.execute(_CURRENT, {"counter": counter}).scalar_one())


def write(connection: sa.Connection, counter: str, value: int) -> None:
    """Set a counter."""
    connection.execute(_WRITE, {"counter": counter, "new_value": value})
