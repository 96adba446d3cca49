"""Hosts and instances in the tables: what is read at the start and written when it changes."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from controller.model.inventory import HostFacts, Instance, InstanceFacts
from controller.store import plain, schema
from controller.store.prepared import Prepared

_HOSTS, _INSTANCES = schema.HOSTS.c, schema.INSTANCES.c


@dataclass(frozen=True, slots=True)
class HostRecord:
    """A row of hosts."""

    facts: HostFacts
    agent_address: str
    maintenance: bool = False
    maintenance_reason: str = ""


@dataclass(frozen=True, slots=True)
class Placed:
    """An instance's facts and the host that it belongs to."""

    facts: InstanceFacts
    host_id: str


@dataclass(frozen=True, slots=True)
class Change:
    """One transaction's worth of inventory; what is `fleeting` stays in memory.

    `left` is for other replicas: a host that reports here no longer has an instance.
    """

    host: HostRecord | None = None
    new: Sequence[Placed] = ()
    changed: Sequence[Placed] = ()
    gone: Sequence[Placed] = ()
    left: Sequence[Placed] = ()
    fleeting: Sequence[Placed] = ()

    @property
    def lasting(self) -> bool:
        """Whether there is anything to write."""
        return bool(self.host or self.new or self.changed or self.gone or self.left)


def lasting(facts: InstanceFacts) -> InstanceFacts:
    """Return the facts that are worth a write: all but the operations of the moment."""
    return replace(facts, current_operations=()) if facts.current_operations else facts


_ID: sa.BindParameter[str] = sa.bindparam("id")
_OF_HOST = (
    "name",
    "agent_address",
    "maintenance",
    "maintenance_reason",
    "memory_free_bytes",
    "facts",
)
_UPDATE_HOST = Prepared(
    sa.update(schema.HOSTS)
    .where(_HOSTS.host_id == _ID)
    .values({name: sa.bindparam(f"new_{name}", type_=_HOSTS[name].type) for name in _OF_HOST})
)
_INSERT_HOST = sa.insert(schema.HOSTS)
_DELETE_INSTANCE = sa.delete(schema.INSTANCES).where(
    _INSTANCES.instance_id == _ID,
    _INSTANCES.host_id == sa.bindparam("home"),
    _INSTANCES.migration_id == "",
)


def _upsert(insert: sqlite.Insert | postgresql.Insert) -> sqlite.Insert | postgresql.Insert:
    """Return the statement that makes an instance known or knows it better.

    Where an instance is while it is being migrated is for the saga to say.
    """
    told = insert.excluded
    home = sa.case((_INSTANCES.migration_id == "", told.host_id), else_=_INSTANCES.host_id)
    return insert.on_conflict_do_update(
        index_elements=[_INSTANCES.instance_id],
        set_={"name": told.name, "facts": told.facts, "host_id": home},
    )


_PUT_INSTANCE = {
    "sqlite": _upsert(sqlite.insert(schema.INSTANCES)),
    "postgresql": _upsert(postgresql.insert(schema.INSTANCES)),
}


def write(connection: sa.Connection, change: Change) -> Change:
    """Write a change and return it."""
    if change.host is not None:
        _write_host(connection, change.host)
    told = [_values(placed) for placed in (*change.new, *change.changed)]
    if told:
        connection.execute(_PUT_INSTANCE[connection.dialect.name], told)
    if change.gone:
        keys = [{"id": each.facts.instance_id, "home": each.host_id} for each in change.gone]
        connection.execute(_DELETE_INSTANCE, keys)
    return change


def read_hosts(
    connection: sa.Connection, host_ids: Collection[str] | None = None
) -> dict[str, HostRecord]:
    """Return every host, or these."""
    wanted = sa.select(schema.HOSTS)
    if host_ids is not None:
        wanted = wanted.where(_HOSTS.host_id.in_(host_ids))
    return {
        row.host_id: HostRecord(
            plain.unpack(HostFacts, row.facts),
            row.agent_address,
            row.maintenance,
            row.maintenance_reason,
        )
        for row in connection.execute(wanted)
    }


def read_instances(
    connection: sa.Connection, instance_ids: Collection[str] | None = None
) -> dict[str, Instance]:
    """Return every instance, or these; the column says where it runs, the facts may be older."""
    wanted = sa.select(schema.INSTANCES)
    if instance_ids is not None:
        wanted = wanted.where(_INSTANCES.instance_id.in_(instance_ids))
    instances = {}
    for row in connection.execute(wanted):
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
        "maintenance_reason": host.maintenance_reason,
        "memory_free_bytes": host.facts.memory_free_bytes,
        "facts": plain.pack(host.facts),
    }
    told = {f"new_{name}": value for name, value in columns.items()}
    if _UPDATE_HOST.run(connection, {"id": host.facts.host_id, **told}) == 0:
        connection.execute(_INSERT_HOST, {"host_id": host.facts.host_id, **columns})


def _values(placed: Placed) -> Mapping[str, object]:
    return {
        "instance_id": placed.facts.instance_id,
        "host_id": placed.host_id,
        "name": placed.facts.name,
        "task_state": "",
        "migration_id": "",
        "facts": plain.pack(lasting(placed.facts)),
    }
