"""Hosts and instances in the tables: what is read at the start and written when it changes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import sqlalchemy as sa

from controller.model.inventory import HostFacts, Instance, InstanceFacts
from controller.store import plain, schema

_HOSTS, _INSTANCES = schema.HOSTS.c, schema.INSTANCES.c


@dataclass(frozen=True, slots=True)
class HostRecord:
    """A row of hosts."""

    facts: HostFacts
    agent_address: str
    maintenance: bool = False


@dataclass(frozen=True, slots=True)
class Placed:
    """An instance's facts and the host that it belongs to."""

    facts: InstanceFacts
    host_id: str


@dataclass(frozen=True, slots=True)
class Change:
    """One transaction's worth of inventory; what is `fleeting` stays in memory."""

    host: HostRecord | None = None
    new: Sequence[Placed] = ()
    changed: Sequence[Placed] = ()
    gone: Sequence[str] = ()
    fleeting: Sequence[Placed] = ()

    @property
    def lasting(self) -> bool:
        """Whether there is anything to write."""
        return bool(self.host or self.new or self.changed or self.gone)


def lasting(facts: InstanceFacts) -> InstanceFacts:
    """Return the facts that are worth a write: all but the operations of the moment."""
    return replace(facts, current_operations=()) if facts.current_operations else facts


_ID: sa.BindParameter[str] = sa.bindparam("id")
_UPDATE_HOST = sa.update(schema.HOSTS).where(_HOSTS.host_id == _ID)
_INSERT_HOST = sa.insert(schema.HOSTS)
_INSERT_INSTANCE = sa.insert(schema.INSTANCES)
# Where an instance is while it is being migrated is for the saga to say.
_UPDATE_INSTANCE = (
    sa.update(schema.INSTANCES)
    .where(_INSTANCES.instance_id == _ID)
    .values(
        name=sa.bindparam("new_name"),
        facts=sa.bindparam("new_facts", type_=sa.JSON),
        host_id=sa.case(
            (_INSTANCES.migration_id == "", sa.bindparam("new_host", type_=sa.String)),
            else_=_INSTANCES.host_id,
        ),
    )
)
_DELETE_INSTANCE = sa.delete(schema.INSTANCES).where(
    _INSTANCES.instance_id == _ID, _INSTANCES.migration_id == ""
)


def write(connection: sa.Connection, change: Change) -> Change:
    """Write a change and return it."""
    if change.host is not None:
        _write_host(connection, change.host)
    if change.new:
        connection.execute(_INSERT_INSTANCE, [_insert_values(placed) for placed in change.new])
    if change.changed:
        connection.execute(_UPDATE_INSTANCE, [_update_values(placed) for placed in change.changed])
    if change.gone:
        connection.execute(_DELETE_INSTANCE, [{"id": instance_id} for instance_id in change.gone])
    return change


def read_hosts(connection: sa.Connection) -> dict[str, HostRecord]:
    """Return every host."""
    return {
        row.host_id: HostRecord(
            plain.unpack(HostFacts, row.facts), row.agent_address, row.maintenance
        )
        for row in connection.execute(sa.select(schema.HOSTS))
    }


def read_instances(connection: sa.Connection) -> dict[str, Instance]:
    """Return every instance; the column says where it runs, the facts may be older."""
    instances = {}
    for row in connection.execute(sa.select(schema.INSTANCES)):
        facts = plain.unpack(InstanceFacts, row.facts)
        if facts.host_id:
            facts = replace(facts, host_id=row.host_id)
        instances[row.instance_id] = Instance(facts, row.task_state, row.migration_id, row.host_id)
    return instances


def _write_host(connection: sa.Connection, host: HostRecord) -> None:
    columns = {
        "name": host.facts.name,
        "agent_address": host.agent_address,
        "maintenance": host.maintenance,
        "memory_free_bytes": host.facts.memory_free_bytes,
        "facts": plain.pack(host.facts),
    }
    key = {"id": host.facts.host_id}
    if connection.execute(_UPDATE_HOST.values(columns), key).rowcount == 0:
        connection.execute(_INSERT_HOST, {"host_id": host.facts.host_id, **columns})


def _insert_values(placed: Placed) -> Mapping[str, object]:
    return {
        "instance_id": placed.facts.instance_id,
        "host_id": placed.host_id,
        "name": placed.facts.name,
        "task_state": "",
        "migration_id": "",
        "facts": plain.pack(lasting(placed.facts)),
    }


def _update_values(placed: Placed) -> Mapping[str, object]:
    return {
        "id": placed.facts.instance_id,
        "new_name": placed.facts.name,
        "new_facts": plain.pack(lasting(placed.facts)),
        "new_host": placed.host_id,
    }
