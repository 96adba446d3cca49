"""Decides whether a host may join or leave an aggregate's pool; everything found is told."""

from dataclasses import dataclass, replace

from controller.model.aggregates import Aggregate, OperationKind, OperationPlan
from controller.model.findings import Finding, errors
from controller.model.inventory import Host
from controller.planning import pool_checks
from controller.ports.agents import AgentError
from controller.ports.aggregates import OperationLedger, PoolAgents
from controller.ports.registry import Registry


class OperationRefused(Exception):
    """The findings forbid it; nothing was written."""

    def __init__(self, findings: tuple[Finding, ...]) -> None:
        super().__init__("; ".join(finding.message for finding in errors(findings)))
        self.findings = findings


@dataclass(frozen=True, slots=True)
class PoolPlanner:
    """Changes nothing."""

    registry: Registry
    agents: PoolAgents
    ledger: OperationLedger

    async def joining(self, aggregate: Aggregate, host: Host, *, force: bool) -> OperationPlan:
        """Return the plan of adding a host; raises OperationRefused."""
        hosts = await self.registry.hosts()
        plan = OperationPlan(
            kind=OperationKind.ADD_HOST,
            aggregate_id=aggregate.aggregate_id,
            aggregate_name=aggregate.name,
            host_id=host.host_id,
            host_name=host.name,
            address=host.facts.address,
            agent_instance_id=host.facts.agent_instance_id,
            pool_id=aggregate.pool_id or host.facts.pool_id,
            first=not aggregate.pool_id,
            force=force,
            again=host.host_id in aggregate.host_ids,
            needless=bool(aggregate.pool_id) and host.facts.pool_id == aggregate.pool_id,
        )
        found = pool_checks.joining(host, aggregate, hosts)
        leader = pool_checks.coordinator(hosts, aggregate.pool_id)
        if not plan.first and not plan.needless and leader is not None and leader.alive:
            found += await self._asked(host, leader, force=force)
        if plan.moves_host:
            found.append(await self._no_migrations(host))
        return _accepted(plan, found)

    async def leaving(
        self, aggregate: Aggregate, host: Host, *, confirm_wipe: bool
    ) -> OperationPlan:
        """Return the plan of removing a host; raises OperationRefused."""
        hosts, instances = await self.registry.hosts(), await self.registry.instances()
        there = pool_checks.members(hosts, aggregate)
        needless = host not in there or there == [host]
        plan = OperationPlan(
            kind=OperationKind.REMOVE_HOST,
            aggregate_id=aggregate.aggregate_id,
            aggregate_name=aggregate.name,
            host_id=host.host_id,
            host_name=host.name,
            address=host.facts.address,
            agent_instance_id=host.facts.agent_instance_id,
            pool_id=aggregate.pool_id,
            needless=needless,
        )
        if needless:
            return plan
        found = pool_checks.leaving(host, aggregate, hosts, instances)
        found.append(await self._no_migrations(host))
        found.append(pool_checks.wipe(host, instances, confirmed=confirm_wipe))
        return _accepted(plan, found)

    async def _no_migrations(self, host: Host) -> Finding:
        return pool_checks.no_migrations(host, await self.ledger.migrations_at(host.host_id))

    async def _asked(self, host: Host, leader: Host, *, force: bool) -> list[Finding]:
        """Return what the agents of both sides find; one that does not answer is a finding."""
        try:
            here = await self.agents.check_join_on_host(host.host_id)
            there = await self.agents.check_join_on_coordinator(leader.host_id, here, force=force)
        except AgentError as error:
            return list(error.findings)
        return [*here.findings, *there]


def _accepted(plan: OperationPlan, found: list[Finding]) -> OperationPlan:
    if errors(found):
        raise OperationRefused(tuple(found))
    return replace(plan, findings=tuple(found))
