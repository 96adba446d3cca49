"""How many migrations run, counted where one more is about to."""

import sqlalchemy as sa

from controller.model.migration import MigrationPlan
from controller.model.slots import RUNNING, Limits, Load
from controller.ports.ledger import NoSlot
from controller.store import schema
from controller.store.prepared import Prepared

_MIGRATIONS = schema.MIGRATIONS.c


def _how_many(of: sa.ColumnElement[bool]) -> sa.ColumnElement[int]:
    return sa.func.coalesce(sa.func.sum(sa.case((of, 1), else_=0)), 0)


_RUNS = _MIGRATIONS.state.in_([sa.literal_column(f"'{state.value}'") for state in sorted(RUNNING)])
_LOAD = Prepared(
    sa.select(
        sa.func.count().label("in_all"),
        _how_many(_MIGRATIONS.source_host_id == sa.bindparam("source")).label("at_source"),
        _how_many(_MIGRATIONS.dest_host_id == sa.bindparam("dest")).label("at_dest"),
    ).where(schema.IS_OPEN, _MIGRATIONS.kind == sa.bindparam("kind"), _RUNS)
)


def check(connection: sa.Connection, plan: MigrationPlan, limits: Limits) -> None:
    """Raise NoSlot when as many run as may; only for a transaction that has taken a revision.

    All who write migrations wait for each other at the counter of revisions, so nobody slips in.
    """
    asked = {
        "kind": plan.kind.value,
        "source": plan.source_host_id,
        "dest": plan.dest_host_id,
    }
    (row,) = _LOAD.rows(connection, asked)
    load = Load(row.at_source, row.at_dest, row.in_all)
    if not load.leaves_room(limits.of(plan.kind)):
        raise NoSlot
