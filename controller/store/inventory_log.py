"""Which hosts and instances changed, for other replicas to read; what they are is in their rows.

An entry with a host and an instance tells that this host no longer has that instance.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import sqlalchemy as sa

from controller.model.inventory import Instance
from controller.store import inventory_rows, revisions, schema
from controller.store.inventory_rows import Change, HostRecord

_LOG = schema.INVENTORY_LOG.c
_APPEND = sa.insert(schema.INVENTORY_LOG)
_BEHIND = (
    sa.select(_LOG.sequence, _LOG.owner, _LOG.host_id, _LOG.instance_id)
    .where(_LOG.sequence > sa.bindparam("after", type_=sa.BigInteger))
    .order_by(_LOG.sequence)
    .limit(sa.bindparam("most", type_=sa.Integer))
)
_CUT = sa.delete(schema.INVENTORY_LOG).where(
    _LOG.sequence <= sa.bindparam("upto", type_=sa.BigInteger)
)


@dataclass(frozen=True, slots=True)
class News:
    """What others changed behind a place in the log, as it is now; `upto` is where it ends.

    `left` are hosts and instances that are no longer there.
    """

    upto: int
    hosts: dict[str, HostRecord]
    instances: dict[str, Instance]
    gone: frozenset[str]
    left: tuple[tuple[str, str], ...] = ()


def append(connection: sa.Connection, owner: str, change: Change) -> None:
    """Write what a replica changes in this transaction."""
    hosts = [(change.host.facts.host_id, "")] if change.host else []
    placed = (*change.new, *change.changed, *change.gone)
    left = [(each.host_id, each.facts.instance_id) for each in change.left]
    entries = [*hosts, *(("", each.facts.instance_id) for each in placed), *left]
    last = revisions.take(connection, len(entries), schema.INVENTORY)
    rows = [
        {"sequence": sequence, "owner": owner, "host_id": host_id, "instance_id": instance_id}
        for sequence, (host_id, instance_id) in enumerate(entries, last - len(entries) + 1)
    ]
    connection.execute(_APPEND, rows)


def newest(connection: sa.Connection) -> int:
    """Return where the log ends."""
    return revisions.current(connection, schema.INVENTORY)


def news(connection: sa.Connection, owner: str, after: int, limit: int) -> News | None:
    """Return at most `limit` entries' worth of news; None when the log no longer reaches back."""
    rows = connection.execute(_BEHIND, {"after": after, "most": limit}).all()
    if not rows:
        return News(after, {}, {}, frozenset()) if newest(connection) == after else None
    if rows[0].sequence != after + 1:
        return None
    others = [row for row in rows if row.owner != owner]
    hosts = {row.host_id for row in others if not row.instance_id}
    instances = {row.instance_id for row in others if row.instance_id}
    left = tuple((r.host_id, r.instance_id) for r in others if r.host_id and r.instance_id)
    found = inventory_rows.read_instances(connection, instances) if instances else {}
    return News(
        rows[-1].sequence,
        inventory_rows.read_hosts(connection, hosts) if hosts else {},
        found,
        frozenset(instances - found.keys()),
        left,
    )


def compact(connection: sa.Connection, keep: int) -> None:
    """Remove all but the newest `keep` entries."""
    connection.execute(_CUT, {"upto": newest(connection) - keep})


def everything(connection: sa.Connection, known: Iterable[str]) -> News:
    """Return all that is stored, and which of the `known` instances are not."""
    instances = inventory_rows.read_instances(connection)
    return News(
        newest(connection),
        inventory_rows.read_hosts(connection),
        instances,
        frozenset(set(known) - instances.keys()),
    )
