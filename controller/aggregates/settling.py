"""Settles drift: takes what XAPI shows as wanted, or brings about what is wanted."""

from dataclasses import dataclass, replace

from controller.aggregates.planner import OperationRefused, PoolPlanner
from controller.aggregates.steward import Steward
from controller.model.aggregates import Aggregate, Settlement
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
        return await self._mend(replace(aggregate, coordinator_id=leader.host_id))

    async def _mend(self, aggregate: Aggregate) -> Aggregate:
        """Name the pool again, and join the first host that is missing; a repeat joins the next."""
        await self.agents.name_pool(aggregate.coordinator_id, aggregate.name)
        known = await self.store.adopt(aggregate)
        host = await self._missing(known)
        if host is not None:
            plan = await self.planner.joining(known, host, force=False)
            self.steward.start(await self.ledger.admit(plan, Request(), self.steward.owner))
        return await self.store.find(aggregate.aggregate_id)

    async def _missing(self, aggregate: Aggregate) -> Host | None:
        for host_id in aggregate.host_ids:
            host = await self.registry.host(host_id)
            if host is not None and host.facts.pool_id != aggregate.pool_id:
                return host
        return None
