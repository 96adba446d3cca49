"""Where the pool that XAPI shows differs from the aggregate that is wanted."""

from collections.abc import Sequence

from controller.model.aggregates import AGENT_DOWN, Aggregate, Operation
from controller.model.findings import Finding, Reason, Severity
from controller.model.inventory import Host
from controller.planning.pool_checks import coordinator, members

_REMEDY = "adopt it, or mend it (SettleDrift)"


def of(aggregate: Aggregate, hosts: Sequence[Host]) -> tuple[Finding, ...]:
    """Return all that differs, what the pool lacks, and hosts left without their agent."""
    left = tuple(_without_agent(operation) for operation in aggregate.owing)
    if not aggregate.pool_id:
        return left
    there = members(hosts, aggregate)
    busy = aggregate.operation.plan.host_id if aggregate.operation else ""
    found = [
        *(_joined(aggregate, host) for host in there if _is_stranger(aggregate, host, busy)),
        *(_left(aggregate, host) for host in hosts if _is_missing(aggregate, host, busy)),
    ]
    leader = coordinator(hosts, aggregate.pool_id)
    if leader is not None:
        found += _of_coordinator(aggregate, leader)
    return (*left, *found)


def _is_stranger(aggregate: Aggregate, host: Host, busy: str) -> bool:
    return host.host_id not in aggregate.host_ids and host.host_id != busy


def _is_missing(aggregate: Aggregate, host: Host, busy: str) -> bool:
    wanted = host.host_id in aggregate.host_ids and host.host_id != busy
    return wanted and host.facts.pool_id != aggregate.pool_id


def _joined(aggregate: Aggregate, host: Host) -> Finding:
    text = f"{host.name} is in the pool of {aggregate.name} and not wanted there"
    return _drift(f"host/{host.name}", text)


def _left(aggregate: Aggregate, host: Host) -> Finding:
    text = f"{host.name} is wanted in {aggregate.name} and is in pool {host.facts.pool_name}"
    return _drift(f"host/{host.name}", text)


def _of_coordinator(aggregate: Aggregate, leader: Host) -> list[Finding]:
    found, subject = [], f"aggregate/{aggregate.name}"
    if aggregate.coordinator_id and leader.host_id != aggregate.coordinator_id:
        found.append(_drift(subject, f"{leader.name} coordinates the pool now"))
    if leader.facts.pool_name != aggregate.name:
        text = f"the pool of {aggregate.name} is called {leader.facts.pool_name!r}"
        found.append(_drift(subject, text))
    shared = {sr.sr_id for sr in leader.facts.storage_repositories if sr.shared}
    if leader.facts.default_sr_id not in shared:
        found.append(_no_default_sr(subject, aggregate))
    return found


def _no_default_sr(subject: str, aggregate: Aggregate) -> Finding:
    return Finding(
        Reason.NO_SHARED_DEFAULT_SR,
        Severity.WARNING,
        subject,
        f"the pool of {aggregate.name} has no shared default SR",
        "make a shared SR the pool's default (xe pool-param-set default-SR=…)",
    )


def _without_agent(operation: Operation) -> Finding:
    plan, state = operation.plan, operation.agent_state
    told = f"is {state}" if state in AGENT_DOWN else "may be shut down"
    return Finding(
        Reason.AGENT_NOT_RESTARTED,
        Severity.ERROR,
        f"host/{plan.host_name}",
        f"agent VM {plan.agent_instance_id} of {plan.host_name} {told} since operation "
        f"{operation.operation_id} failed",
        "dom0 is asked to start it until it runs; start it by hand if that does not help "
        "(xe vm-start), or cancel the operation if it is not to run",
    )


def _drift(subject: str, text: str) -> Finding:
    return Finding(Reason.POOL_DRIFT, Severity.WARNING, subject, text, _REMEDY)
