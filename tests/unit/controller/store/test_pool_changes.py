"""A host changes its pool, or is part of a migration: whoever is admitted second is refused."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace

import pytest
import pytest_asyncio

from controller.model.aggregates import OperationKind, OperationPlan, Phase
from controller.model.migration import Migration, MigrationState
from controller.ports.admission import HostChanging
from controller.ports.aggregates import Driven, HostMigrates, Request
from controller.ports.ledger import Advance
from controller.store.aggregate_ledger import SqlOperations
from controller.store.aggregates import SqlAggregates
from controller.store.pool_changes import PoolChanges
from controller.store.settings import StoreSettings
from tests.support.ledger_conformance import claim_of
from tests.support.store_world import Agent, Store, a_plan, an_agent, open_store


@dataclass(frozen=True, slots=True)
class Yard:
    """A guest on xs1, which may move to xs2 and back; both are wanted in an aggregate."""

    store: Store
    hosts: tuple[Agent, Agent]
    operations: SqlOperations
    changes: PoolChanges
    leaving: OperationPlan

    async def migrate(self) -> Migration:
        """Admit the guest's migration to xs2."""
        one, two = self.hosts
        guest = one.runs()
        await self.store.inventory.register(one.registration(guest))
        return await self.store.admission.admit(a_plan(guest, one, two), "me", "")

    async def leave(self, number: int) -> Driven:
        """Admit the ejection of a host."""
        plan = self.of(number)
        await self.operations.consider(plan)
        return await self.operations.admit(plan, Request(), "me")

    def of(self, number: int) -> OperationPlan:
        """Return the plan of ejecting a host."""
        host = self.hosts[number].host
        return replace(self.leaving, host_id=host.host_id, host_name=host.name)


@pytest_asyncio.fixture
async def yard(where: StoreSettings) -> AsyncIterator[Yard]:
    """Return it with nothing under way."""
    hosts, changes = (an_agent("xs1"), an_agent("xs2")), PoolChanges()
    async with open_store(where) as store:
        for agent in hosts:
            await store.inventory.register(agent.registration())
        aggregates = SqlAggregates(store.database, store.clock, lambda: None)
        rack = await aggregates.create("rack", "", Request())
        wanted = tuple(agent.host_id for agent in hosts)
        await aggregates.adopt(replace(rack, pool_id="5ea1ab1e", host_ids=wanted))
        operations = SqlOperations(store.database, store.clock, changes, lambda: None)
        plan = OperationPlan(OperationKind.REMOVE_HOST, rack.aggregate_id, "rack", "", "")
        yield Yard(store, hosts, operations, changes, plan)


@pytest.mark.parametrize("number", [0, 1], ids=["source", "dest"])
async def test_a_host_that_an_open_migration_touches_is_not_let_go(yard: Yard, number: int) -> None:
    admitted = await yard.migrate()

    assert await yard.operations.migrations_at(yard.hosts[number].host_id) == [
        admitted.migration_id
    ]
    with pytest.raises(HostMigrates, match=admitted.migration_id):
        await yard.leave(number)
    with pytest.raises(HostMigrates):
        await yard.operations.admit(yard.of(number), Request(), "me")

    ended = Advance(state=MigrationState.ROLLED_BACK)
    await yard.store.ledger.advance(claim_of(admitted, "me"), ended)
    assert (await yard.leave(number)).operation.change


@pytest.mark.parametrize("number", [0, 1], ids=["source", "dest"])
async def test_a_host_that_changes_its_pool_takes_part_in_no_migration(
    yard: Yard, number: int
) -> None:
    leaving = await yard.leave(number)

    with pytest.raises(HostChanging, match=r"leaves the pool of rack"):
        await yard.migrate()

    ended = leaving.operation.entered(Phase.FAILED, yard.store.clock.now())
    await yard.operations.advance(leaving, ended)
    assert (await yard.migrate()).state is MigrationState.QUEUED


@pytest.mark.parametrize("needless", [False, True])
async def test_a_change_is_known_as_long_as_it_lasts(yard: Yard, needless: bool) -> None:
    plan = replace(yard.of(1), needless=needless)
    driven = await yard.operations.admit(plan, Request(), "me")
    begun, elsewhere = yard.changes.of(plan.host_id), yard.changes.of(yard.hosts[0].host_id)
    another = PoolChanges()
    replica = SqlOperations(yard.store.database, yard.store.clock, another, lambda: None)
    await replica.claim_open("you", {driven.operation.operation_id})

    ended = driven.operation.entered(Phase.SUCCEEDED, yard.store.clock.now())
    await yard.operations.advance(driven, ended)

    assert (bool(begun), elsewhere) == (not needless, "")
    assert another.of(plan.host_id) == begun
    assert yard.changes.of(plan.host_id) == ""
