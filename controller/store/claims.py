"""Which replicas live: a claim on a migration holds as long as its owner's row says.

One row a replica, renewed whole, however many migrations it drives. On a database that replicas
share, its clock decides; whoever has a database alone has no row and asks nobody.
"""

from collections.abc import Collection
from typing import Any

import sqlalchemy as sa

from controller.store import schema

_REPLICAS, _MIGRATIONS = schema.REPLICAS.c, schema.MIGRATIONS.c
_MINE = _REPLICAS.owner == sa.bindparam("me")
_RENEW = (
    sa.update(schema.REPLICAS)
    .where(_MINE)
    .values(claim_until=sa.bindparam("until", type_=sa.BigInteger))
)
_ENTER = sa.insert(schema.REPLICAS)
_LEAVE = sa.delete(schema.REPLICAS).where(_MINE)
_FORGET = sa.delete(schema.REPLICAS).where(
    _REPLICAS.claim_until < sa.bindparam("now", type_=sa.BigInteger),
    _REPLICAS.owner.not_in(sa.select(_MIGRATIONS.owner).where(schema.IS_OPEN).scalar_subquery()),
)
_LIVING = sa.select(_REPLICAS.owner).where(
    _REPLICAS.claim_until >= sa.bindparam("now", type_=sa.BigInteger)
)
_IS_LEFT = sa.and_(schema.IS_OPEN, _MIGRATIONS.owner.not_in(_LIVING.scalar_subquery()))
# The answer to its admission or claim may have been lost: then its owner does not know of it.
_IS_ORPHANED = sa.and_(
    schema.IS_OPEN,
    _MIGRATIONS.owner == sa.bindparam("me"),
    _MIGRATIONS.update_time < sa.bindparam("quiet_since", type_=sa.BigInteger),
)
_UNCLAIMED = (
    sa.select(schema.MIGRATIONS)
    .where(sa.or_(_IS_LEFT, _IS_ORPHANED))
    .order_by(_MIGRATIONS.create_time)
)
_ANY_LEFT = sa.select(sa.func.count()).select_from(schema.MIGRATIONS).where(_IS_LEFT)
_ANY_ORPHANED = sa.select(_MIGRATIONS.migration_id).where(_IS_ORPHANED)
_FIRST_OUT = sa.select(sa.func.min(_REPLICAS.claim_until)).where(
    _REPLICAS.owner != sa.bindparam("me"),
    _REPLICAS.claim_until >= sa.bindparam("now", type_=sa.BigInteger),
)
ORPHANED_AFTER_MICROS = 10_000_000
_NOW = sa.text("SELECT CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000000 AS bigint)")


def now_micros(connection: sa.Connection, here: int) -> int:
    """Return the time by the clock that all replicas share, which for a lone one is its own."""
    if connection.dialect.name != "postgresql":
        return here
    return int(connection.execute(_NOW).scalar_one())


def renew(connection: sa.Connection, me: str, now: int, claim_s: float) -> None:
    """Make all claims of a replica hold for so long from now; also enters a replica that is new."""
    values = {"me": me, "until": now + round(claim_s * 1_000_000)}
    if connection.execute(_RENEW, values).rowcount == 0:
        connection.execute(_ENTER, {"owner": me, "claim_until": values["until"]})


def give_up(connection: sa.Connection, me: str) -> None:
    """End all claims of a replica now; the others are woken."""
    connection.execute(_LEAVE, {"me": me})


def forget_dead(connection: sa.Connection, now: int) -> None:
    """Remove the rows of replicas that are dead and have nothing left to be taken."""
    connection.execute(_FORGET, {"now": now})


def others_hold_for_s(connection: sa.Connection, me: str, now: int) -> float | None:
    """Return after how many seconds the claims of another replica run out first, unless renewed.

    None where no other replica lives.
    """
    first = connection.execute(_FIRST_OUT, {"me": me, "now": now}).scalar_one()
    return None if first is None else (first - now) / 1_000_000


def any_unclaimed(
    connection: sa.Connection, me: str, driven: Collection[str], now: int, here: int
) -> bool:
    """Tell whether there is a migration to take."""
    if connection.execute(_ANY_LEFT, {"now": now}).scalar_one():
        return True
    quiet = {"me": me, "quiet_since": here - ORPHANED_AFTER_MICROS}
    return any(found not in driven for found in connection.execute(_ANY_ORPHANED, quiet).scalars())


def unclaimed(
    connection: sa.Connection, me: str, driven: Collection[str], here: int
) -> list[sa.Row[Any]]:
    """Return every open migration that nobody drives; `here` is this process's time, micros."""
    asked = {
        "now": now_micros(connection, here),
        "me": me,
        "quiet_since": here - ORPHANED_AFTER_MICROS,
    }
    rows = connection.execute(_UNCLAIMED, asked).all()
    return [row for row in rows if row.migration_id not in driven]
