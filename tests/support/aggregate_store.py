"""Aggregates and operations in one database, with few words for what tests write."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from controller.model.aggregates import Aggregate, OperationKind, OperationPlan, Phase
from controller.ports.aggregates import Driven, Request
from controller.store.aggregate_ledger import SqlOperations
from controller.store.aggregates import SqlAggregates
from controller.store.pool_changes import PoolChanges
from controller.store.settings import StoreSettings
from tests.support.store_world import SteppedClock, open_store

ADD, REMOVE = OperationKind.ADD_HOST, OperationKind.REMOVE_HOST
XS1, XS2 = "00000000-0000-4000-8000-000000000001", "00000000-0000-4000-8000-000000000002"
POOL = "5ea1ab1e-0000-4000-8000-000000000001"


@dataclass(frozen=True, slots=True)
class Kept:
    """Aggregates and operations in one database; `told` counts what was written."""

    aggregates: SqlAggregates
    operations: SqlOperations
    clock: SteppedClock
    told: list[None] = field(default_factory=list)

    async def rack(self) -> Aggregate:
        """Make an aggregate."""
        return await self.aggregates.create("rack", "north", Request())

    async def admit(self, aggregate: Aggregate, host: str, kind: OperationKind = ADD) -> Driven:
        """Admit an operation."""
        return await self.operations.admit(a_plan(aggregate, host, kind), Request(), "me")

    async def end(self, driven: Driven, phase: Phase, **changes: Any) -> None:
        """End an operation."""
        known = replace(driven.operation, **changes).entered(phase, self.clock.now())
        await self.operations.advance(driven, known)

    async def of(self, *hosts: str) -> Aggregate:
        """Make an aggregate of hosts."""
        rack = await self.rack()
        for host in hosts:
            await self.end(await self.admit(rack, host), Phase.SUCCEEDED, in_pool=True)
        return await self.aggregates.find("rack")


def a_plan(aggregate: Aggregate, host: str, kind: OperationKind = ADD) -> OperationPlan:
    """Return a plan for a host of one pool."""
    return OperationPlan(
        kind=kind,
        aggregate_id=aggregate.aggregate_id,
        aggregate_name=aggregate.name,
        host_id=host,
        host_name=f"host {host[-1]}",
        pool_id=POOL,
        first=kind is ADD and host == XS1,
    )


@asynccontextmanager
async def opened(where: StoreSettings) -> AsyncIterator[Kept]:
    """Yield an empty store."""
    async with open_store(where) as store:
        told: list[None] = []
        yield Kept(
            SqlAggregates(store.database, store.clock, lambda: told.append(None)),
            SqlOperations(store.database, store.clock, PoolChanges(), lambda: told.append(None)),
            store.clock,
            told,
        )
