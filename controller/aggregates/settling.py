"""Settles drift: takes what XAPI shows as wanted, or brings about what is wanted."""

from dataclasses import dataclass, replace

from controller.aggregates.planner import OperationRefused, PoolPlanner
from controller.aggregates.steward import Steward
from controller.model.aggregates import Aggregate, Settlement
from controller.model.findings import errors
from controller.model.inventory import Host
from controller.planning import pool_checks
from controller.ports.aggregates import AggregateStore, OperationLedger, PoolAgents, Request
from controller.ports.registry import Registry


@dataclass(frozen=True, slots=True)
class Settler:
    """Each call finds out anew what differs."""

    store: AggregateStore
    ledger: OperationLedger
    registry: Registry
    agents: PoolAgents
    planner: PoolPlanner
    steward: Steward

    async def settle(self, aggregate: Aggregate, how: Settlement) -> Aggregate:
        """Return the aggregate afterwards.

        Raises AggregateRefused, OperationRefused or AgentError.
        """
        if not aggregate.pool_id:
            return aggregate
        hosts = await self.registry.hosts()
        leader = pool_checks.coordinator(hosts, aggregate.pool_id)
        if leader is None or not leader.alive:
            raise OperationRefused((pool_checks.coordinator_alive(aggregate, leader),))
        if how is Settlement.ADOPT:
            there = pool_checks.members(hosts, aggregate)
            adopted = replace(
                aggregate,
                name=leader.facts.pool_name or aggregate.name,
                coordinator_id=leader.host_id,
                host_ids=tuple(sorted(host.host_id for host in there)),
            )
            return await self.store.adopt(adopted)
        return await self._mend(aggregate, leader)

    async def _mend(self, aggregate: Aggregate, leader: Host) -> Aggregate:
        """Name the pool again; then have it coordinated as before, or join the first missing host.

        A repeat does what is left.
        """
        await self.agents.name_pool(leader.host_id, aggregate.name)
        wanted = await self._deposed(aggregate, leader)
        if wanted is not None:
            await self.store.adopt(aggregate)  # which refuses one that is busy
            await self._refuse_disturbing(aggregate, leader)
            await self.agents.designate(leader.host_id, wanted.host_id)
            return await self.store.find(aggregate.aggregate_id)
        known = await self.store.adopt(replace(aggregate, coordinator_id=leader.host_id))
        host = await self._missing(known)
        if host is not None:
            plan = await self.planner.joining(known, host, force=False)
            self.steward.start(await self.ledger.admit(plan, Request(), self.steward.owner))
        return await self.store.find(aggregate.aggregate_id)

    async def _deposed(self, aggregate: Aggregate, leader: Host) -> Host | None:
        """Return the host that should coordinate the pool, does not, and could."""
        wanted = await self.registry.host(aggregate.coordinator_id)
        if wanted is None or not wanted.alive or wanted.host_id == leader.host_id:
            return None
        return wanted if wanted.facts.pool_id == aggregate.pool_id else None

    async def _refuse_disturbing(self, aggregate: Aggregate, leader: Host) -> None:
        """Raise OperationRefused while guests move: toolstacks restart, and with them go tasks."""
        there = pool_checks.members(await self.registry.hosts(), aggregate)
        found = [
            pool_checks.no_migrations(host, await self.ledger.migrations_at(host.host_id))
            for host in there
        ]
        found.append(pool_checks.no_ha(leader))
        if errors(found):
            raise OperationRefused(tuple(found))

    async def _missing(self, aggregate: Aggregate) -> Host | None:
        for host_id in aggregate.host_ids:
            host = await self.registry.host(host_id)
            if host is not None and host.facts.pool_id != aggregate.pool_id:
                return host
        return None
