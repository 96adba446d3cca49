"""The counter that gives every change of a migration its number."""

import sqlalchemy as sa

from controller.store import schema

_NEXT = (
    sa.update(schema.COUNTERS)
    .where(schema.COUNTERS.c.name == schema.REVISION)
    .values(value=schema.COUNTERS.c.value + sa.bindparam("by", type_=sa.BigInteger))
    .returning(schema.COUNTERS.c.value)
)
_CURRENT = sa.select(schema.COUNTERS.c.value).where(schema.COUNTERS.c.name == schema.REVISION)


def take(connection: sa.Connection, count: int = 1) -> int:
    """Take so many revisions in this transaction and return the last of them."""
    return int(connection.execute(_NEXT, {"by": count}).scalar_one())


def current(connection: sa.Connection) -> int:
    """Return the newest revision that was taken."""
    return int(connection.execute(_CURRENT).scalar_one())
