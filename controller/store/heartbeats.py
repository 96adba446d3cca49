"""Which agents each replica heard, told to the others once a beat and not once a heartbeat."""

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from controller.store import schema

_HEARTBEATS = schema.HEARTBEATS.c
_INSERT = postgresql.insert(schema.HEARTBEATS)
_WRITE = _INSERT.on_conflict_do_update(
    index_elements=[_HEARTBEATS.host_id],
    set_={"heard_at": _INSERT.excluded.heard_at, "owner": _INSERT.excluded.owner},
)
_OTHERS = sa.select(_HEARTBEATS.host_id, _HEARTBEATS.heard_at).where(
    _HEARTBEATS.owner != sa.bindparam("me"),
    _HEARTBEATS.heard_at > sa.bindparam("since", type_=sa.BigInteger),
)


@dataclass(frozen=True, slots=True)
class Heard:
    """How long ago an agent was heard."""

    host_id: str
    age_s: float


def write(connection: sa.Connection, me: str, now: int, heard: Sequence[Heard]) -> None:
    """Write what was heard here; in one order, so that two replicas never wait for each other."""
    rows = [
        {"host_id": each.host_id, "heard_at": now - round(each.age_s * 1e6), "owner": me}
        for each in sorted(heard, key=lambda each: each.host_id)
    ]
    if rows:
        connection.execute(_WRITE, rows)


def others(connection: sa.Connection, me: str, now: int, since: int) -> list[Heard]:
    """Return what other replicas heard after a moment."""
    rows = connection.execute(_OTHERS, {"me": me, "since": since})
    return [Heard(row.host_id, max(now - row.heard_at, 0) / 1e6) for row in rows]
