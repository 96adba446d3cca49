"""Which rows a list reads: for every filter, those of its page and no others.

A filter becomes branches, one for each host side and state that it names. Each branch is a range of
one index that is sorted as the list is, so it stops after a page; their union is sorted again.
"""

import itertools
from typing import Any

import sqlalchemy as sa

from controller.model.migration import MigrationState
from controller.ports.history import MigrationFilter, Position
from controller.store import records, schema

_MIGRATIONS = schema.MIGRATIONS.c
_NEWEST_FIRST = (_MIGRATIONS.create_time.desc(), _MIGRATIONS.migration_id.desc())


def page(which: MigrationFilter, size: int, after: Position | None) -> sa.Select[Any]:
    """Return the query for at most `size` migrations, newest first, from behind `after`."""
    ids = [_ids(branch, size, after) for branch in _branches(which)]
    if len(ids) == 1:
        wanted = ids[0].subquery()
    else:
        wanted = sa.union_all(*(sa.select(part.subquery()) for part in ids)).subquery()
    rows = sa.select(schema.MIGRATIONS).where(_MIGRATIONS.migration_id.in_(sa.select(wanted.c[0])))
    return rows.order_by(*_NEWEST_FIRST).limit(size)


def matching(which: MigrationFilter) -> sa.Select[Any]:
    """Return the query for all that match."""
    return sa.select(schema.MIGRATIONS).where(*_conditions(which))


def _conditions(which: MigrationFilter) -> list[sa.ColumnElement[bool]]:
    conditions: list[sa.ColumnElement[bool]] = []
    if which.migration_id:
        conditions.append(_MIGRATIONS.migration_id == which.migration_id)
    if which.instance_id:
        conditions.append(_MIGRATIONS.instance_id == which.instance_id)
    if which.states:
        conditions.append(_MIGRATIONS.state.in_([state.value for state in which.states]))
    if which.host_id:
        conditions.append(sa.or_(*_sides(which.host_id)))
    return conditions


def _sides(host_id: str) -> tuple[sa.ColumnElement[bool], sa.ColumnElement[bool]]:
    return _MIGRATIONS.source_host_id == host_id, _MIGRATIONS.dest_host_id == host_id


def _branches(which: MigrationFilter) -> list[list[sa.ColumnElement[bool]]]:
    """Return the conditions of each branch; no row is in two of them, as no host is both sides.

    One instance has few migrations, so its branch may look at all of them.
    """
    if which.migration_id or which.instance_id:
        return [_conditions(which)]
    if not which.host_id and not which.states:
        return [[]]
    in_state = [_MIGRATIONS.state == state.value for state in which.states or MigrationState]
    if not which.host_id:
        return [[condition] for condition in in_state]
    return [list(both) for both in itertools.product(_sides(which.host_id), in_state)]


def _ids(
    branch: list[sa.ColumnElement[bool]], size: int, after: Position | None
) -> sa.Select[tuple[str]]:
    wanted = sa.select(_MIGRATIONS.migration_id).where(*branch)
    if after is not None:
        place = sa.tuple_(_MIGRATIONS.create_time, _MIGRATIONS.migration_id)
        end = (records.to_micros(after.create_time), after.migration_id)
        wanted = wanted.where(place < sa.tuple_(*(sa.literal(part) for part in end)))
    return wanted.order_by(*_NEWEST_FIRST).limit(size)
