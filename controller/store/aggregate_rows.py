"""Aggregates and operations in rows; every function runs within a transaction."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from controller.model.aggregates import Aggregate, Operation
from controller.ports.aggregates import (
    AggregateBusy,
    AggregateNotFound,
    AggregateRequestReused,
    OperationNotFound,
    Request,
)
from controller.store import plain
from controller.store.aggregate_tables import AGGREGATES, HOSTS, IS_DRIVEN, OPERATIONS
from controller.store.records import from_micros, to_micros


def named(connection: sa.Connection, aggregate: str) -> Aggregate:
    """Return an aggregate by uuid or name; raises AggregateNotFound."""
    columns = AGGREGATES.c
    which = sa.or_(columns.aggregate_id == aggregate, columns.name == aggregate)
    by_uuid_first = sa.case((columns.aggregate_id == aggregate, 0), else_=1)
    wanted = sa.select(AGGREGATES).where(which).order_by(by_uuid_first).limit(1)
    row = connection.execute(wanted).one_or_none()
    if row is None:
        raise AggregateNotFound(f"aggregate/{aggregate}", f"there is no aggregate {aggregate}")
    return from_row(connection, row)


def from_row(connection: sa.Connection, row: sa.Row[Any]) -> Aggregate:
    """Return the aggregate of a row, with its hosts and operations."""
    return from_rows(connection, [row])[0]


def from_rows(connection: sa.Connection, found: Sequence[sa.Row[Any]]) -> list[Aggregate]:
    """Return the aggregates of rows: two statements, however many there are."""
    ids = [row.aggregate_id for row in found]
    hosts, driven = _hosts(connection, ids), _driven(connection, ids)
    return [_aggregate(row, hosts[row.aggregate_id], driven[row.aggregate_id]) for row in found]


def _aggregate(row: sa.Row[Any], hosts: list[str], driven: list[Operation]) -> Aggregate:
    return Aggregate(
        aggregate_id=row.aggregate_id,
        name=row.name,
        create_time=from_micros(row.create_time),
        update_time=from_micros(row.update_time),
        availability_zone=row.availability_zone,
        pool_id=row.pool_id,
        coordinator_id=row.coordinator_id,
        host_ids=tuple(sorted(hosts)),
        operation=next((each for each in driven if not each.phase.ended), None),
        owing=tuple(each for each in driven if each.phase.ended),
    )


def _hosts(connection: sa.Connection, ids: list[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = defaultdict(list)
    for row in connection.execute(sa.select(HOSTS).where(HOSTS.c.aggregate_id.in_(ids))):
        found[row.aggregate_id].append(row.host_id)
    return found


def _driven(connection: sa.Connection, ids: list[str]) -> dict[str, list[Operation]]:
    found: dict[str, list[Operation]] = defaultdict(list)
    which = sa.and_(IS_DRIVEN, OPERATIONS.c.aggregate_id.in_(ids))
    for row in connection.execute(sa.select(OPERATIONS).where(which)):
        found[row.aggregate_id].append(plain.unpack(Operation, row.record))
    return found


def operation(connection: sa.Connection, operation_id: str) -> Operation:
    """Return an operation; raises OperationNotFound."""
    which = OPERATIONS.c.operation_id == operation_id
    row = connection.execute(sa.select(OPERATIONS.c.record).where(which)).one_or_none()
    if row is None:
        text = f"there is no operation {operation_id} on an aggregate"
        raise OperationNotFound(f"operation/{operation_id}", text)
    return plain.unpack(Operation, row.record)


def replayed(connection: sa.Connection, table: sa.Table, request: Request) -> sa.Row[Any] | None:
    """Return the row that was written for a request; raises AggregateRequestReused."""
    if not request.request_id:
        return None
    which = table.c.request_id == request.request_id
    row = connection.execute(sa.select(table).where(which)).one_or_none()
    if row is not None and row.request_digest != request.digest:
        text = f"request_id {request.request_id} was used before, with another body"
        raise AggregateRequestReused("request_id", text)
    return row


def refuse_busy(aggregate: Aggregate) -> None:
    """Raise AggregateBusy while an operation is open."""
    if aggregate.operation is not None:
        plan = aggregate.operation.plan
        text = (
            f"{aggregate.name} is busy with {plan.kind} of {plan.host_name}, "
            f"which is {aggregate.operation.phase}"
        )
        raise AggregateBusy(f"operation/{aggregate.operation.operation_id}", text)


def home_of(connection: sa.Connection, host_id: str) -> Aggregate | None:
    """Return the aggregate that wants a host, None if none does."""
    which = HOSTS.c.host_id == host_id
    row = connection.execute(sa.select(HOSTS.c.aggregate_id).where(which)).one_or_none()
    return None if row is None else named(connection, row.aggregate_id)


def owner_of_pool(connection: sa.Connection, pool_id: str) -> str:
    """Return the name of the aggregate that has a pool, an empty one if none has."""
    found = sa.select(AGGREGATES.c.name).where(AGGREGATES.c.pool_id == pool_id)
    return connection.execute(found.limit(1)).scalar() or ""


def touch(connection: sa.Connection, aggregate_id: str, now: int, **values: object) -> None:
    """Write columns of an aggregate, and that it changed."""
    which = AGGREGATES.c.aggregate_id == aggregate_id
    connection.execute(sa.update(AGGREGATES).where(which).values(update_time=now, **values))


def want(connection: sa.Connection, aggregate_id: str, host_id: str) -> None:
    """Have a host wanted in an aggregate."""
    connection.execute(sa.insert(HOSTS), {"host_id": host_id, "aggregate_id": aggregate_id})


def forget(connection: sa.Connection, host_id: str) -> None:
    """Have a host wanted nowhere."""
    connection.execute(sa.delete(HOSTS).where(HOSTS.c.host_id == host_id))


def values(operation: Operation) -> dict[str, Any]:
    """Return the columns that follow from an operation."""
    return {
        "is_open": not operation.phase.ended,
        "agent_owed": operation.agent_owed,
        "record": plain.pack(operation),
    }


def let_go(connection: sa.Connection, operation: Operation, now: datetime) -> Operation:
    """Have nobody see to the agent that an operation owes, and return it."""
    let_go = replace(operation, agent_owed=False).noted(now, "nobody sees to the agent VM any more")
    which = OPERATIONS.c.operation_id == operation.operation_id
    connection.execute(sa.update(OPERATIONS).where(which).values(values(let_go)))
    return let_go


def micros(operation: Operation) -> int:
    """Return when the operation last changed."""
    return to_micros(operation.update_time)
