"""Every change of a migration as it was: what watches resume from and replicas follow.

A row is written in the transaction of the change, so the log has no gap; it is cut off at its old
end, and whoever asks for what was cut off is told so.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa

from controller.model.migration import Migration
from controller.ports.failures import RevisionCompacted
from controller.ports.history import MigrationFilter
from controller.store import plain, revisions, schema
from controller.store.prepared import Prepared

_CHANGES = schema.CHANGES.c
_APPEND = Prepared(sa.insert(schema.CHANGES))
_CUT = sa.delete(schema.CHANGES).where(_CHANGES.revision <= sa.bindparam("upto"))
_TAIL = sa.select(_CHANGES.revision, _CHANGES.rehomed, _CHANGES.summary).order_by(_CHANGES.revision)


@dataclass(frozen=True, slots=True)
class Change:
    """A migration as it was after a change, without findings, journal and reports."""

    migration: Migration
    rehomed: bool


def append(
    connection: sa.Connection, migrations: Sequence[Migration], rehomed: bool = False
) -> None:
    """Write changes that this transaction makes."""
    _APPEND.run_all(connection, [_row(migration, rehomed) for migration in migrations])


def after(connection: sa.Connection, revision: int, limit: int) -> list[Change]:
    """Return at most `limit` changes behind a revision, in order; raises RevisionCompacted."""
    return _read(connection, _TAIL, revision, limit)


def matching(
    connection: sa.Connection, which: MigrationFilter, revision: int, upto: int, limit: int
) -> list[Change]:
    """Return at most `limit` changes of some migrations in (revision, upto], in order.

    Raises RevisionCompacted.
    """
    wanted = _TAIL.where(_CHANGES.revision <= upto)
    if which.migration_id:
        wanted = wanted.where(_CHANGES.migration_id == which.migration_id)
    if which.instance_id:
        wanted = wanted.where(_CHANGES.instance_id == which.instance_id)
    if which.states:
        wanted = wanted.where(_CHANGES.state.in_([state.value for state in which.states]))
    if which.host_id:
        here = (_CHANGES.source_host_id == which.host_id, _CHANGES.dest_host_id == which.host_id)
        wanted = wanted.where(sa.or_(*here))
    return _read(connection, wanted, revision, limit)


def compact(connection: sa.Connection, keep: int) -> int:
    """Remove all but the newest `keep` changes; return the newest revision that is gone."""
    upto = max(revisions.current(connection) - keep, 0)
    if upto <= revisions.current(connection, schema.COMPACTED):
        return revisions.current(connection, schema.COMPACTED)
    connection.execute(_CUT, {"upto": upto})
    revisions.write(connection, schema.COMPACTED, upto)
    return upto


def _read(
    connection: sa.Connection, wanted: sa.Select[Any], revision: int, limit: int
) -> list[Change]:
    kept_from = revisions.current(connection, schema.COMPACTED)
    if revision < kept_from:
        raise RevisionCompacted(revision, kept_from)
    rows = connection.execute(wanted.where(_CHANGES.revision > revision).limit(limit))
    return [Change(plain.unpack(Migration, row.summary), row.rehomed) for row in rows]


def _row(migration: Migration, rehomed: bool) -> dict[str, Any]:
    plan = migration.plan
    return {
        "revision": migration.revision,
        "migration_id": migration.migration_id,
        "instance_id": plan.instance_id,
        "source_host_id": plan.source_host_id,
        "dest_host_id": plan.dest_host_id,
        "state": migration.state.value,
        "rehomed": rehomed,
        "summary": plain.pack(_summary(migration)),
    }


def _summary(migration: Migration) -> Migration:
    """Return a migration without what only GetMigration tells."""
    plan = replace(migration.plan, findings=(), dest_check_data=b"")
    return replace(migration, plan=plan, cleanup=(), verification=(), journal=())
