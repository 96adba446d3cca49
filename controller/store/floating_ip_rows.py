"""Floating IPs and their pools between rows and model, and the reads that several share."""

import ipaddress
from typing import Any

import sqlalchemy as sa

from controller.model.floating_ips import FloatingIp, Pool, Range
from controller.ports.floating_ips import FloatingIpNotFound, PoolNotFound
from controller.store import schema
from controller.store.records import from_micros

POOLS, ADDRESSES, LOADS = (
    schema.FLOATING_IP_POOLS.c,
    schema.FLOATING_IPS.c,
    schema.FLOATING_IP_LOADS.c,
)
_INSTANCES = schema.INSTANCES.c

_ALLOCATED = (
    sa.select(sa.func.count())
    .where(ADDRESSES.pool_id == POOLS.pool_id)
    .select_from(schema.FLOATING_IPS)
    .scalar_subquery()
    .label("allocated")
)
SELECT_POOLS = sa.select(schema.FLOATING_IP_POOLS, _ALLOCATED)

# Where a floating IP shall be is where its instance is: nothing else is kept that could disagree.
WANTED_HOST = sa.func.coalesce(_INSTANCES.host_id, "").label("wanted_host_id")
_FOLLOWING = schema.FLOATING_IPS.outerjoin(
    schema.INSTANCES, _INSTANCES.instance_id == ADDRESSES.instance_id
)
_PROBLEM = sa.func.coalesce(LOADS.problem, "").label("problem")
_SAYING = LOADS.host_id == sa.case(
    (sa.func.coalesce(_INSTANCES.host_id, "") != "", _INSTANCES.host_id),
    else_=ADDRESSES.host_id,
)
SELECT_ADDRESSES = sa.select(schema.FLOATING_IPS, WANTED_HOST, _PROBLEM).select_from(
    _FOLLOWING.outerjoin(schema.FLOATING_IP_LOADS, _SAYING)
)
LEADING = (
    sa.select(schema.FLOATING_IPS, WANTED_HOST)
    .select_from(_FOLLOWING)
    .where(ADDRESSES.instance_id != "")
)


def pool_from_row(row: sa.Row[Any]) -> Pool:
    """Return the pool of a row of SELECT_POOLS."""
    addresses = Range(
        row.cidr,
        ipaddress.ip_address(row.first_address),
        ipaddress.ip_address(row.last_address),
        row.prefix_length,
    )
    return Pool(row.pool_id, row.name, addresses, from_micros(row.create_time), row.allocated)


def floating_ip_from_row(row: sa.Row[Any]) -> FloatingIp:
    """Return the floating IP of a row of SELECT_ADDRESSES."""
    return FloatingIp(
        floating_ip_id=row.floating_ip_id,
        address=row.address,
        pool_id=row.pool_id,
        create_time=from_micros(row.create_time),
        update_time=from_micros(row.update_time),
        instance_id=row.instance_id,
        fixed_address=row.fixed_address,
        host_id=row.host_id,
        wanted_host_id=row.wanted_host_id,
        problem=row.problem,
    )


def pool_named(connection: sa.Connection, pool: str) -> Pool:
    """Return a pool by uuid or name; raises PoolNotFound."""
    row = connection.execute(
        SELECT_POOLS.where(sa.or_(POOLS.pool_id == pool, POOLS.name == pool)).limit(1)
    ).one_or_none()
    if row is None:
        raise PoolNotFound(f"pool/{pool}", f"there is no pool of floating IPs {pool}")
    return pool_from_row(row)


def floating_ip_named(connection: sa.Connection, floating_ip: str) -> FloatingIp:
    """Return a floating IP by uuid or address; raises FloatingIpNotFound."""
    which = sa.or_(ADDRESSES.floating_ip_id == floating_ip, ADDRESSES.address == floating_ip)
    row = connection.execute(SELECT_ADDRESSES.where(which)).one_or_none()
    if row is None:
        text = f"there is no floating IP {floating_ip}"
        raise FloatingIpNotFound(f"floating-ip/{floating_ip}", text)
    return floating_ip_from_row(row)
