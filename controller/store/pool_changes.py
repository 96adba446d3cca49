"""A host changes its pool, or is part of a migration, never both: who comes second is refused.

Either is admitted by the only writer there is at the time, so that what it finds here stays true
until it has committed.
"""

from collections.abc import Iterable, Sequence

import sqlalchemy as sa

from controller.model.aggregates import Operation, OperationPlan
from controller.model.migration import MigrationPlan
from controller.ports.admission import HostChanging
from controller.ports.aggregates import HostMigrates
from controller.store import plain, schema
from controller.store.aggregate_tables import HOSTS, OPERATIONS
from controller.store.prepared import Prepared

_MIGRATIONS = schema.MIGRATIONS.c

# A host that joins or leaves is wanted all the while.
_OPEN = Prepared(
    sa.select(OPERATIONS.c.record)
    .join(HOSTS, HOSTS.c.aggregate_id == OPERATIONS.c.aggregate_id)
    .where(
        OPERATIONS.c.is_open,
        sa.or_(HOSTS.c.host_id == sa.bindparam("source"), HOSTS.c.host_id == sa.bindparam("dest")),
    )
)


def refuse_changing(connection: sa.Connection, plan: MigrationPlan) -> None:
    """Raise HostChanging if the source or the destination changes its pool."""
    ends = {"source": plan.source_host_id, "dest": plan.dest_host_id}
    for row in _OPEN.rows(connection, ends):
        known = plain.unpack(Operation, row.record)
        if known.change and known.plan.host_id in ends.values():
            raise HostChanging(known.operation_id, known.change)


def refuse_migrating(connection: sa.Connection, plan: OperationPlan) -> None:
    """Raise HostMigrates if the host is to change its pool and a migration touches it."""
    found = migrations_at(connection, plan.host_id) if plan.moves_host else []
    if found:
        text = f"migrations to or from {plan.host_name} are open: {', '.join(found[:10])}"
        raise HostMigrates(f"host/{plan.host_name}", text)


def migrations_at(connection: sa.Connection, host_id: str) -> Sequence[str]:
    """Return the open migrations to or from a host."""
    here = sa.or_(_MIGRATIONS.source_host_id == host_id, _MIGRATIONS.dest_host_id == host_id)
    wanted = sa.select(_MIGRATIONS.migration_id).where(schema.IS_OPEN, here)
    return connection.execute(wanted.order_by(_MIGRATIONS.create_time)).scalars().all()


class PoolChanges:
    """Implements ports.holds.PoolChanges: what was committed here, and elsewhere until a look."""

    def __init__(self) -> None:
        self._changing: dict[str, Operation] = {}

    def of(self, host_id: str) -> str:
        """Return how a host changes its pool, in words; empty: it does not."""
        known = self._changing.get(host_id)
        return known.change if known else ""

    def heard(self, operation: Operation) -> None:
        """Take where an operation stands now."""
        host_id = operation.plan.host_id
        known = self._changing.get(host_id)
        if not operation.phase.ended:
            self._changing[host_id] = operation
        elif known is not None and known.operation_id == operation.operation_id:
            del self._changing[host_id]

    def looked(self, found: Iterable[Operation]) -> None:
        """Take all operations that are open."""
        self._changing = {each.plan.host_id: each for each in found if not each.phase.ended}
