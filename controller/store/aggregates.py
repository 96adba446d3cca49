"""Aggregates in SQL: what is wanted."""

import uuid
from collections.abc import Callable, Sequence
from typing import TypeVar

import sqlalchemy as sa

from controller.model import words
from controller.model.aggregates import Aggregate, Operation
from controller.ports.aggregates import (
    AggregateChanged,
    AggregateNotEmpty,
    MembershipRefused,
    NameTaken,
    Request,
)
from controller.ports.clock import Clock
from controller.store import aggregate_rows as rows
from controller.store import metrics
from controller.store.aggregate_tables import AGGREGATES, HOSTS
from controller.store.database import Database
from controller.store.records import to_micros

ResultT = TypeVar("ResultT")


class SqlAggregates:
    """Implements ports.aggregates.AggregateStore."""

    def __init__(self, database: Database, clock: Clock, told: Callable[[], None]) -> None:
        self._database = database
        self._clock = clock
        self._told = told

    async def create(self, name: str, zone: str, request: Request) -> Aggregate:
        """Make an aggregate; raises NameTaken, AggregateRequestReused."""
        now, aggregate_id = to_micros(self._clock.now()), str(uuid.uuid4())

        def transaction(connection: sa.Connection) -> Aggregate:
            known = rows.replayed(connection, AGGREGATES, request)
            if known is not None:
                return rows.from_row(connection, known)
            _refuse_taken(connection, name, "")
            row = {
                "aggregate_id": aggregate_id,
                "name": name,
                "availability_zone": zone,
                "pool_id": "",
                "coordinator_id": "",
                "request_id": request.request_id,
                "request_digest": request.digest,
                "create_time": now,
                "update_time": now,
            }
            connection.execute(sa.insert(AGGREGATES), row)
            return rows.named(connection, aggregate_id)

        return await self._write(transaction)

    async def find(self, aggregate: str) -> Aggregate:
        """Return an aggregate by uuid or name; raises AggregateNotFound."""
        return await self._database.read(lambda connection: rows.named(connection, aggregate))

    async def page(self, size: int, after: tuple[str, str] | None) -> Sequence[Aggregate]:
        """Return at most `size` by name, from behind `after`."""
        wanted = sa.select(AGGREGATES).order_by(AGGREGATES.c.name).limit(size)
        if after:
            wanted = wanted.where(AGGREGATES.c.name > after[0])
        return await self._database.read(
            lambda connection: rows.from_rows(connection, connection.execute(wanted).all())
        )

    async def delete(self, aggregate: str) -> None:
        """Forget an aggregate; raises AggregateNotFound, AggregateNotEmpty, AggregateBusy."""

        def transaction(connection: sa.Connection) -> None:
            known = rows.named(connection, aggregate)
            rows.refuse_busy(known)
            if known.host_ids:
                text = f"{known.name} has {words.counted(len(known.host_ids), 'host')}"
                raise AggregateNotEmpty(f"aggregate/{known.name}", text)
            which = AGGREGATES.c.aggregate_id == known.aggregate_id
            connection.execute(sa.delete(AGGREGATES).where(which))
            for operation in known.owing:
                rows.let_go(connection, operation, self._clock.now())

        await self._write(transaction)

    async def adopt(self, wanted: Aggregate) -> Aggregate:
        """Take over pool, coordinator, name and hosts of an aggregate as it was read."""
        now = to_micros(self._clock.now())

        def transaction(connection: sa.Connection) -> Aggregate:
            known = rows.named(connection, wanted.aggregate_id)
            rows.refuse_busy(known)
            _refuse_changed(known, wanted)
            _refuse_taken(connection, wanted.name, known.aggregate_id)
            _refuse_members(connection, wanted)
            which = HOSTS.c.aggregate_id == known.aggregate_id
            connection.execute(sa.delete(HOSTS).where(which))
            for host_id in wanted.host_ids:
                rows.want(connection, known.aggregate_id, host_id)
            rows.touch(
                connection,
                known.aggregate_id,
                now,
                name=wanted.name,
                pool_id=wanted.pool_id,
                coordinator_id=wanted.coordinator_id,
            )
            return rows.named(connection, known.aggregate_id)

        return await self._write(transaction)

    async def home_of(self, host_id: str) -> Aggregate | None:
        """Return the aggregate that wants a host, None if none does."""
        return await self._database.read(lambda connection: rows.home_of(connection, host_id))

    async def operation(self, operation_id: str) -> Operation:
        """Return an operation; raises OperationNotFound."""
        return await self._database.read(
            lambda connection: rows.operation(connection, operation_id)
        )

    async def _write(self, body: Callable[[sa.Connection], ResultT]) -> ResultT:
        return await self._database.write(metrics.AGGREGATES, body, lambda _: self._told())


def _refuse_changed(known: Aggregate, wanted: Aggregate) -> None:
    if known.update_time != wanted.update_time:
        text = f"{known.name} has changed since it was read; ask again"
        raise AggregateChanged(f"aggregate/{known.name}", text)


def _refuse_taken(connection: sa.Connection, name: str, aggregate_id: str) -> None:
    columns = AGGREGATES.c
    which = sa.and_(columns.name == name, columns.aggregate_id != aggregate_id)
    if connection.execute(sa.select(columns.aggregate_id).where(which)).one_or_none():
        raise NameTaken(f"aggregate/{name}", f"another aggregate is called {name}")


def _refuse_members(connection: sa.Connection, wanted: Aggregate) -> None:
    for host_id in wanted.host_ids:
        home = rows.home_of(connection, host_id)
        if home is not None and home.aggregate_id != wanted.aggregate_id:
            text = f"host {host_id} is wanted in aggregate {home.name}"
            raise MembershipRefused(f"host/{host_id}", text)
