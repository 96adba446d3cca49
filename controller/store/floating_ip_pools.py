"""Pools of floating IPs in SQL."""

import uuid
from collections.abc import Sequence

import sqlalchemy as sa

from controller.model import words
from controller.model.floating_ips import Pool, Range
from controller.ports.clock import Clock
from controller.ports.floating_ips import PoolExists, PoolInUse, PoolOverlaps
from controller.store import floating_ip_rows as rows
from controller.store import metrics, schema
from controller.store.database import Database
from controller.store.records import to_micros


class SqlPools:
    """The pools' part of ports.floating_ips.FloatingIpStore."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def create_pool(self, name: str, addresses: Range) -> Pool:
        """Make a pool, or return the one that is just so; raises PoolExists, PoolOverlaps."""
        now = to_micros(self._clock.now())
        pool_id = str(uuid.uuid4())

        def transaction(connection: sa.Connection) -> Pool:
            for row in connection.execute(rows.SELECT_POOLS):
                known = rows.pool_from_row(row)
                if known.name == name:
                    return _same(known, addresses)
                _refuse_overlap(known, addresses)
            connection.execute(
                sa.insert(schema.FLOATING_IP_POOLS), _values(pool_id, name, addresses, now)
            )
            return rows.pool_named(connection, pool_id)

        return await self._database.write(metrics.FLOATING, transaction)

    async def pool(self, pool: str) -> Pool:
        """Return a pool by uuid or name; raises PoolNotFound."""
        return await self._database.read(lambda connection: rows.pool_named(connection, pool))

    async def pools(self, size: int, after: tuple[str, str] | None) -> Sequence[Pool]:
        """Return at most `size` pools by name and id, from behind `after`."""
        place = sa.tuple_(rows.POOLS.name, rows.POOLS.pool_id)
        wanted = rows.SELECT_POOLS.order_by(rows.POOLS.name, rows.POOLS.pool_id).limit(size)
        if after:
            wanted = wanted.where(place > sa.tuple_(*after))

        def transaction(connection: sa.Connection) -> Sequence[Pool]:
            return [rows.pool_from_row(row) for row in connection.execute(wanted)]

        return await self._database.read(transaction)

    async def delete_pool(self, pool: str) -> None:
        """Delete a pool; raises PoolNotFound, PoolInUse."""

        def transaction(connection: sa.Connection) -> None:
            known = rows.pool_named(connection, pool)
            if known.allocated:
                taken = words.counted(known.allocated, "address", "addresses")
                text = f"{taken} of {known.name} {words.are(known.allocated)} allocated"
                raise PoolInUse(f"pool/{known.name}", text)
            which = rows.POOLS.pool_id == known.pool_id
            connection.execute(sa.delete(schema.FLOATING_IP_POOLS).where(which))

        await self._database.write(metrics.FLOATING, transaction)


def _same(known: Pool, addresses: Range) -> Pool:
    if known.range == addresses:
        return known
    text = f"pool {known.name} exists with {known.range.first} to {known.range.last}"
    raise PoolExists(f"pool/{known.name}", text)


def _refuse_overlap(known: Pool, addresses: Range) -> None:
    if known.range.overlaps(addresses):
        text = (
            f"pool {known.name} has {known.range.first} to {known.range.last}, "
            f"which overlap {addresses.first} to {addresses.last}"
        )
        raise PoolOverlaps(f"pool/{known.name}", text)


def _values(pool_id: str, name: str, addresses: Range, now: int) -> dict[str, object]:
    return {
        "pool_id": pool_id,
        "name": name,
        "cidr": addresses.cidr,
        "first_address": str(addresses.first),
        "last_address": str(addresses.last),
        "prefix_length": addresses.prefix_length,
        "create_time": now,
    }
