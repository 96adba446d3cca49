"""Floating IPs in SQL: what is taken, by whom, and where it leads."""

import ipaddress
import uuid
from collections.abc import Sequence

import sqlalchemy as sa

from controller.model.floating_ips import FloatingIp, Pool, sort_key
from controller.ports.clock import Clock
from controller.ports.floating_ips import (
    AddressOutsidePool,
    AddressTaken,
    Allocation,
    FixedAddressInUse,
    FloatingIpAssociated,
    PoolExhausted,
    RequestReused,
)
from controller.store import floating_ip_rows as rows
from controller.store import metrics, schema
from controller.store.database import Database
from controller.store.floating_ip_pools import SqlPools
from controller.store.records import to_micros

_FLOATING = rows.ADDRESSES


class SqlFloatingIps(SqlPools):
    """Implements ports.floating_ips.FloatingIpStore."""

    def __init__(self, database: Database, clock: Clock) -> None:
        super().__init__(database, clock)
        self._database = database
        self._clock = clock

    async def allocate(self, allocation: Allocation) -> FloatingIp:
        """Take an address; the same request_id and body return the first answer."""
        now = to_micros(self._clock.now())
        floating_ip_id = str(uuid.uuid4())

        def transaction(connection: sa.Connection) -> FloatingIp:
            return _replayed(connection, allocation) or _allocate(
                connection, allocation, floating_ip_id, now
            )

        return await self._database.write(metrics.FLOATING, transaction)

    async def find(self, floating_ip: str) -> FloatingIp:
        """Return a floating IP by uuid or address; raises FloatingIpNotFound."""
        return await self._database.read(
            lambda connection: rows.floating_ip_named(connection, floating_ip)
        )

    async def page(
        self, pool: str, instance_id: str, size: int, after: tuple[str, str] | None
    ) -> Sequence[FloatingIp]:
        """Return at most `size` floating IPs by address; raises PoolNotFound."""

        def transaction(connection: sa.Connection) -> Sequence[FloatingIp]:
            wanted = rows.SELECT_ADDRESSES
            if pool:
                pool_id = rows.pool_named(connection, pool).pool_id
                wanted = wanted.where(_FLOATING.pool_id == pool_id)
            if instance_id:
                wanted = wanted.where(_FLOATING.instance_id == instance_id)
            if after:
                wanted = wanted.where(_FLOATING.sort_key > after[0])
            found = connection.execute(wanted.order_by(_FLOATING.sort_key).limit(size))
            return [rows.floating_ip_from_row(row) for row in found]

        return await self._database.read(transaction)

    async def associate(
        self, floating_ip_id: str, instance_id: str, fixed_address: str
    ) -> FloatingIp:
        """Lead it there; raises FloatingIpNotFound, FloatingIpAssociated, FixedAddressInUse."""
        now = to_micros(self._clock.now())

        def transaction(connection: sa.Connection) -> FloatingIp:
            known = rows.floating_ip_named(connection, floating_ip_id)
            if (known.instance_id, known.fixed_address) == (instance_id, fixed_address):
                return known
            _refuse_associated(known)
            _refuse_second(connection, known, fixed_address)
            _lead(connection, floating_ip_id, instance_id, fixed_address, now)
            return rows.floating_ip_named(connection, floating_ip_id)

        return await self._database.write(metrics.FLOATING, transaction)

    async def disassociate(self, floating_ip_id: str) -> FloatingIp:
        """Lead it nowhere; raises FloatingIpNotFound."""
        now = to_micros(self._clock.now())

        def transaction(connection: sa.Connection) -> FloatingIp:
            known = rows.floating_ip_named(connection, floating_ip_id)
            if not known.instance_id:
                return known
            _lead(connection, floating_ip_id, "", "", now)
            return rows.floating_ip_named(connection, floating_ip_id)

        return await self._database.write(metrics.FLOATING, transaction)

    async def release(self, floating_ip_id: str) -> None:
        """Give it back; raises FloatingIpNotFound, FloatingIpAssociated."""

        def transaction(connection: sa.Connection) -> None:
            _refuse_associated(rows.floating_ip_named(connection, floating_ip_id))
            which = _FLOATING.floating_ip_id == floating_ip_id
            connection.execute(sa.delete(schema.FLOATING_IPS).where(which))

        await self._database.write(metrics.FLOATING, transaction)


def _replayed(connection: sa.Connection, allocation: Allocation) -> FloatingIp | None:
    if not allocation.request_id:
        return None
    which = _FLOATING.request_id == allocation.request_id
    known = connection.execute(
        sa.select(_FLOATING.floating_ip_id, _FLOATING.request_digest).where(which)
    ).one_or_none()
    if known is None:
        return None
    if known.request_digest != _digest(allocation):
        text = f"request_id {allocation.request_id} was used before, with another body"
        raise RequestReused("request_id", text)
    return rows.floating_ip_named(connection, known.floating_ip_id)


def _allocate(
    connection: sa.Connection, allocation: Allocation, floating_ip_id: str, now: int
) -> FloatingIp:
    pool = rows.pool_named(connection, allocation.pool)
    taken = _taken(connection, pool)
    address = allocation.address
    if address is None:
        address = ipaddress.ip_address(_lowest_free(pool, taken))
    elif not pool.range.has(address):
        text = f"{pool.name} has {pool.range.first} to {pool.range.last}, not {address}"
        raise AddressOutsidePool(f"pool/{pool.name}", text)
    elif int(address) in taken:
        raise AddressTaken(f"address/{address}", f"{address} of {pool.name} is allocated already")
    values = {
        "floating_ip_id": floating_ip_id,
        "pool_id": pool.pool_id,
        "address": str(address),
        "sort_key": sort_key(address),
        "prefix_length": pool.range.prefix_length,
        "instance_id": "",
        "fixed_address": "",
        "host_id": "",
        "request_id": allocation.request_id,
        "request_digest": _digest(allocation),
        "create_time": now,
        "update_time": now,
    }
    connection.execute(sa.insert(schema.FLOATING_IPS), values)
    return rows.floating_ip_named(connection, floating_ip_id)


def _taken(connection: sa.Connection, pool: Pool) -> set[int]:
    found = connection.execute(
        sa.select(_FLOATING.address).where(_FLOATING.pool_id == pool.pool_id)
    )
    return {int(ipaddress.ip_address(row.address)) for row in found}


def _lowest_free(pool: Pool, taken: set[int]) -> str:
    first, last = pool.range.first, pool.range.last
    for offset in range(min(len(taken) + 1, pool.range.size)):
        if int(first) + offset not in taken:
            return str(first + offset)
    text = f"all {pool.range.size} addresses of {pool.name}, {first} to {last}, are allocated"
    raise PoolExhausted(f"pool/{pool.name}", text)


def _digest(allocation: Allocation) -> str:
    return f"{allocation.pool} {allocation.address or ''}"


def _refuse_associated(known: FloatingIp) -> None:
    if known.instance_id:
        text = f"{known.address} leads to {known.fixed_address} of instance {known.instance_id}"
        raise FloatingIpAssociated(f"floating-ip/{known.address}", text)


def _refuse_second(connection: sa.Connection, known: FloatingIp, fixed_address: str) -> None:
    other = connection.execute(
        sa.select(_FLOATING.address, _FLOATING.instance_id).where(
            _FLOATING.fixed_address == fixed_address,
            _FLOATING.floating_ip_id != known.floating_ip_id,
        )
    ).one_or_none()
    if other is not None:
        text = f"{other.address} leads to {fixed_address} of instance {other.instance_id}"
        raise FixedAddressInUse(f"address/{fixed_address}", text)


def _lead(
    connection: sa.Connection, floating_ip_id: str, instance_id: str, fixed: str, now: int
) -> None:
    connection.execute(
        sa.update(schema.FLOATING_IPS)
        .where(_FLOATING.floating_ip_id == floating_ip_id)
        .values(instance_id=instance_id, fixed_address=fixed, update_time=now)
    )
