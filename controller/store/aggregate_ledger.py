"""Operations on pools in SQL, as their driver writes them."""

import uuid
from collections.abc import Callable, Collection, Sequence
from typing import Any

import sqlalchemy as sa

from controller.model.aggregates import Operation, OperationKind, OperationPlan, Phase
from controller.ports.aggregates import (
    Driven,
    MembershipRefused,
    OperationLost,
    Request,
    TooLateToCancel,
)
from controller.ports.clock import Clock
from controller.store import aggregate_rows as rows
from controller.store import claims, metrics, plain, pool_changes
from controller.store.aggregate_tables import IS_DRIVEN, OPERATIONS
from controller.store.database import Database
from controller.store.pool_changes import PoolChanges
from controller.store.records import to_micros
from controller.store.schema import REPLICAS

_C = OPERATIONS.c


class SqlOperations:
    """Implements ports.aggregates.OperationLedger."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        changes: PoolChanges,
        told: Callable[[], None],
    ) -> None:
        self._database = database
        self._clock = clock
        self._changes = changes
        self._told = told

    async def replayed(self, request: Request) -> Operation | None:
        """Return what was admitted for a request; raises AggregateRequestReused."""

        def transaction(connection: sa.Connection) -> Operation | None:
            row = rows.replayed(connection, OPERATIONS, request)
            return None if row is None else plain.unpack(Operation, row.record)

        return await self._database.read(transaction)

    async def consider(self, plan: OperationPlan) -> None:
        """Refuse what `admit` would refuse, and write nothing."""

        def transaction(connection: sa.Connection) -> None:
            rows.refuse_busy(rows.named(connection, plan.aggregate_id))
            _check_membership(connection, plan)
            pool_changes.refuse_migrating(connection, plan)

        await self._database.read(transaction)

    async def admit(self, plan: OperationPlan, request: Request, owner: str) -> Driven:
        """Write an operation, and with ADD_HOST that the host is wanted."""
        now = self._clock.now()
        made = Operation(str(uuid.uuid4()), plan, now, now, request_id=request.request_id)
        operation = made.entered(Phase.ACCEPTED, now)

        def transaction(connection: sa.Connection) -> Driven:
            row = rows.replayed(connection, OPERATIONS, request)
            if row is not None:
                return Driven(plain.unpack(Operation, row.record), row.owner, row.epoch)
            known = rows.named(connection, plan.aggregate_id)
            rows.refuse_busy(known)
            _check_membership(connection, plan)
            pool_changes.refuse_migrating(connection, plan)
            if plan.kind is OperationKind.ADD_HOST and not plan.again:
                rows.want(connection, plan.aggregate_id, plan.host_id)
            rows.touch(connection, plan.aggregate_id, to_micros(now))
            values = {
                "operation_id": operation.operation_id,
                "aggregate_id": plan.aggregate_id,
                "owner": owner,
                "epoch": 1,
                "request_id": request.request_id,
                "request_digest": request.digest,
                **rows.values(operation),
            }
            connection.execute(sa.insert(OPERATIONS), values)
            return Driven(operation, owner, 1)

        def then(driven: Driven) -> None:
            self._heard(driven.operation)

        return await self._database.write(metrics.AGGREGATES, transaction, then)

    async def migrations_at(self, host_id: str) -> Sequence[str]:
        """Return the open migrations to or from a host."""
        return await self._database.read(
            lambda connection: pool_changes.migrations_at(connection, host_id)
        )

    async def claim_open(self, owner: str, driven: Collection[str]) -> Sequence[Driven]:
        """Take what nobody living drives, or is this replica's own: open, or owing an agent."""
        here = to_micros(self._clock.now())
        shared = self._database.shared

        def transaction(connection: sa.Connection) -> list[Driven]:
            open_rows = connection.execute(sa.select(OPERATIONS).where(IS_DRIVEN)).all()
            living = _living(connection, here) if shared else set()
            return [
                _claim(connection, row, owner)
                for row in open_rows
                if row.operation_id not in driven
                and (row.owner == owner or row.owner not in living)
            ]

        found = await self._database.read(_all_driven)
        self._changes.looked(found)
        if not found:
            return []
        return await self._database.write(metrics.AGGREGATES, transaction)

    async def advance(self, driven: Driven, operation: Operation) -> None:
        """Write an operation as it is now; raises OperationLost."""

        def transaction(connection: sa.Connection) -> None:
            was_open, which = _held(connection, driven), _mine(driven)
            written = sa.update(OPERATIONS).where(which).values(rows.values(operation))
            if connection.execute(written).rowcount == 0:
                raise OperationLost
            if was_open and operation.phase.ended:
                _close(connection, operation)

        def then(_: None) -> None:
            self._heard(operation)

        await self._database.write(metrics.AGGREGATES, transaction, then)

    async def hold(self, driven: Driven) -> None:
        """Return if the operation is still this driver's; raises OperationLost."""
        await self._database.read(lambda connection: _held(connection, driven))

    async def cancel(self, operation_id: str) -> Operation:
        """Stop it before its point of no return, or what is done for its host's agent afterwards.

        Raises OperationNotFound, TooLateToCancel.
        """
        now = self._clock.now()

        def transaction(connection: sa.Connection) -> Operation:
            known = rows.operation(connection, operation_id)
            if known.phase is Phase.CANCELLED:
                return known
            if known.agent_owed:
                return rows.let_go(connection, known, now)
            if known.past_return:
                raise TooLateToCancel(f"operation/{operation_id}", known.past_return)
            ended = known.cancelled(now)
            which = _C.operation_id == operation_id
            connection.execute(sa.update(OPERATIONS).where(which).values(rows.values(ended)))
            _close(connection, ended)
            return ended

        return await self._database.write(metrics.AGGREGATES, transaction, self._heard)

    def _heard(self, operation: Operation) -> None:
        self._changes.heard(operation)
        self._told()


def _check_membership(connection: sa.Connection, plan: OperationPlan) -> None:
    home = rows.home_of(connection, plan.host_id)
    adding = plan.kind is OperationKind.ADD_HOST
    again = plan.again and home is not None and home.aggregate_id == plan.aggregate_id
    if adding and home is not None and not again:
        text = f"{plan.host_name} is in aggregate {home.name}"
        raise MembershipRefused(f"host/{plan.host_name}", text)
    owner = rows.owner_of_pool(connection, plan.pool_id) if adding and plan.first else ""
    if owner:
        text = f"the pool of {plan.host_name} belongs to aggregate {owner}"
        raise MembershipRefused(f"host/{plan.host_name}", text)
    if not adding and (home is None or home.aggregate_id != plan.aggregate_id):
        text = f"{plan.host_name} is not in aggregate {plan.aggregate_name}"
        raise MembershipRefused(f"host/{plan.host_name}", text)


def _close(connection: sa.Connection, operation: Operation) -> None:
    """Have wanted what is so at the end, and note the pool that a first host brought."""
    plan, changes = operation.plan, {}
    adding = plan.kind is OperationKind.ADD_HOST
    removed = not adding and operation.phase is Phase.SUCCEEDED
    if removed or (adding and not operation.in_pool and not plan.again):
        rows.forget(connection, plan.host_id)
    if adding and plan.first and operation.in_pool:
        changes = {"pool_id": plan.pool_id, "coordinator_id": plan.host_id}
    rows.touch(connection, plan.aggregate_id, rows.micros(operation), **changes)
    if removed and not rows.named(connection, plan.aggregate_id).host_ids:
        nothing = {"pool_id": "", "coordinator_id": ""}
        rows.touch(connection, plan.aggregate_id, rows.micros(operation), **nothing)


def _all_driven(connection: sa.Connection) -> list[Operation]:
    found = connection.execute(sa.select(_C.record).where(IS_DRIVEN)).scalars()
    return [plain.unpack(Operation, record) for record in found]


def _mine(driven: Driven) -> sa.ColumnElement[bool]:
    return sa.and_(
        _C.operation_id == driven.operation.operation_id,
        _C.owner == driven.owner,
        _C.epoch == driven.epoch,
        IS_DRIVEN,
    )


def _held(connection: sa.Connection, driven: Driven) -> bool:
    """Return whether it is open; raises OperationLost unless this driver has it."""
    row = connection.execute(sa.select(_C.is_open).where(_mine(driven))).one_or_none()
    if row is None:
        raise OperationLost
    return bool(row.is_open)


def _living(connection: sa.Connection, here: int) -> set[str]:
    now = claims.now_micros(connection, here)
    columns = REPLICAS.c
    found = connection.execute(sa.select(columns.owner).where(columns.claim_until >= now))
    return set(found.scalars())


def _claim(connection: sa.Connection, row: sa.Row[Any], owner: str) -> Driven:
    epoch = row.epoch + 1
    which = _C.operation_id == row.operation_id
    connection.execute(sa.update(OPERATIONS).where(which).values(owner=owner, epoch=epoch))
    return Driven(plain.unpack(Operation, row.record), owner, epoch)
