"""Settles drift: takes what XAPI shows as wanted, or brings about what is wanted."""

from dataclasses import dataclass, replace

from controller.aggregates.planner import PoolPlanner
from controller.aggregates.steward import Steward
from controller.model.aggregates import Aggregate, Settlement
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
        if leader is None:
            return aggregate
        there = pool_checks.members(hosts, aggregate.pool_id)
        if how is Settlement.ADOPT:
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
        missing = await self._missing(aggregate)
        kept = tuple(one for one in aggregate.host_ids if one != missing)
        known = await self.store.adopt(replace(aggregate, host_ids=kept))
        host = await self.registry.host(missing) if missing else None
        if host is not None:
            plan = await self.planner.joining(known, host, force=False)
            self.steward.start(await self.ledger.admit(plan, Request(), self.steward.owner))
        return await self.store.find(aggregate.aggregate_id)

    async def _missing(self, aggregate: Aggregate) -> str:
        for host_id in aggregate.host_ids:
            host = await self.registry.host(host_id)
            if host is not None and host.facts.pool_id != aggregate.pool_id:
                return host_id
        return ""
