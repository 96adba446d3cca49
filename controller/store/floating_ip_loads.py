"""What each host shall carry, in SQL: worked out from where the instances are, and numbered."""

from collections.abc import Collection, Iterable
from typing import Any

import sqlalchemy as sa

from controller.model.floating_ips import Binding, Carried, Load
from controller.store import floating_ip_rows as rows
from controller.store import metrics, plain, revisions, schema
from controller.store.database import Database
from controller.store.prepared import Prepared

_FLOATING, _LOADS = rows.ADDRESSES, rows.LOADS
_OF_HOST = _LOADS.host_id == sa.bindparam("host")
_LOAD = sa.select(schema.FLOATING_IP_LOADS).where(_OF_HOST)
_LEADING_TO = Prepared(
    sa.select(_FLOATING.address).where(_FLOATING.instance_id == sa.bindparam("id")).limit(1)
)
# Its instance's host has said that it carries it: the late answer of another host undoes nothing.
_AT_HOME = sa.exists().where(
    schema.INSTANCES.c.instance_id == _FLOATING.instance_id,
    schema.INSTANCES.c.host_id == _FLOATING.host_id,
)
_INSERT = sa.insert(schema.FLOATING_IP_LOADS)
_UPDATE = sa.update(schema.FLOATING_IP_LOADS).where(_OF_HOST)


class SqlLoads:
    """Implements ports.floating_ips.LoadStore."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def load(self, host_id: str) -> Load:
        """Return what a host shall carry now; a new set gets a higher revision, durably."""
        present = await self._database.read(lambda connection: _present(connection, host_id))
        if present is not None:
            return present
        return await self._database.write(
            metrics.FLOATING, lambda connection: _renewed(connection, host_id)
        )

    async def told(self, load: Load, carried: Carried) -> None:
        """Take what a host said of a load; with a problem it is not settled."""

        def transaction(connection: sa.Connection) -> None:
            here = _FLOATING.host_id == load.host_id
            listed = _FLOATING.address.in_(carried.addresses)
            update = sa.update(schema.FLOATING_IPS)
            connection.execute(update.where(here, ~listed).values(host_id=""))
            connection.execute(update.where(listed, ~_AT_HOME).values(host_id=load.host_id))
            applied = 0 if carried.problem else load.revision
            said = _UPDATE.values(applied_revision=applied, problem=carried.problem)
            connection.execute(said, {"host": load.host_id})

        await self._database.write(metrics.FLOATING, transaction)

    async def silent(self, host_id: str, problem: str) -> None:
        """Take that a host does not do what it is told, and why."""

        def transaction(connection: sa.Connection) -> None:
            new = _UPDATE.where(_LOADS.problem != problem).values(problem=problem)
            connection.execute(new, {"host": host_id})

        await self._database.write(metrics.FLOATING, transaction)

    async def unsettled(self) -> Collection[str]:
        """Return the hosts that shall carry something else than they have said."""
        return await self._database.read(_unsettled)

    async def known(self, host_id: str) -> bool:
        """Tell whether a host carries, carried or shall carry anything."""

        def transaction(connection: sa.Connection) -> bool:
            told = connection.execute(_LOAD, {"host": host_id}).one_or_none()
            return told is not None or bool(_wanted(connection, host_id))

        return await self._database.read(transaction)

    async def leads_to(self, instance_ids: Collection[str]) -> bool:
        """Tell whether a floating IP leads to any of these instances."""
        keys = [{"id": instance_id} for instance_id in instance_ids]
        return await self._database.read(
            lambda connection: any(_LEADING_TO.rows(connection, key) for key in keys)
        )


def _wanted(connection: sa.Connection, host_id: str) -> tuple[Binding, ...]:
    found = connection.execute(rows.LEADING.where(schema.INSTANCES.c.host_id == host_id))
    return _bindings(found)


def _bindings(found: Iterable[sa.Row[Any]]) -> tuple[Binding, ...]:
    ordered = sorted(found, key=lambda row: str(row.sort_key))
    return tuple(
        Binding(row.address, row.prefix_length, row.instance_id, row.fixed_address)
        for row in ordered
    )


def _present(connection: sa.Connection, host_id: str) -> Load | None:
    """Return the load that is written, if it is what the host shall carry now."""
    row = connection.execute(_LOAD, {"host": host_id}).one_or_none()
    wanted = _wanted(connection, host_id)
    if row is None or row.bindings != plain.pack(wanted):
        return None
    return Load(host_id, row.revision, wanted, row.applied_revision)


def _renewed(connection: sa.Connection, host_id: str) -> Load:
    """Write what the host shall carry now, with the next revision, unless somebody else has."""
    present = _present(connection, host_id)
    if present is not None:
        return present
    revision = revisions.take(connection, counter=schema.FLOATING)
    wanted = _wanted(connection, host_id)
    values = {"revision": revision, "bindings": plain.pack(wanted)}
    row = connection.execute(_LOAD, {"host": host_id}).one_or_none()
    if row is None:
        fresh = {**values, "host_id": host_id, "applied_revision": 0, "problem": ""}
        connection.execute(_INSERT, fresh)
        return Load(host_id, revision, wanted, 0)
    connection.execute(_UPDATE.values(values), {"host": host_id})
    return Load(host_id, revision, wanted, row.applied_revision)


def _unsettled(connection: sa.Connection) -> Collection[str]:
    wanted: dict[str, list[sa.Row[Any]]] = {}
    for row in connection.execute(rows.LEADING):
        wanted.setdefault(row.wanted_host_id, []).append(row)
    wanted.pop("", None)
    unsettled = set()
    written = {row.host_id: row for row in connection.execute(sa.select(schema.FLOATING_IP_LOADS))}
    for host_id in wanted.keys() | written.keys():
        told = written.get(host_id)
        now = plain.pack(_bindings(wanted.get(host_id, ())))
        if told is None or told.revision != told.applied_revision or told.bindings != now:
            unsettled.add(host_id)
    return unsettled
