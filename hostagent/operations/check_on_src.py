"""CheckCanLiveMigrateOnSrc: could this instance leave for that destination?

XAPI is asked last: VM.assert_operation_valid where it does not allow the operation already, and for
a block migration inside the pool VM.assert_can_migrate.
"""

from hostagent.model.checks import MoveEstimate, SourceAnswer, SourceQuestion
from hostagent.model.facts import HostFacts, InstanceFacts
from hostagent.model.finding import Finding, Reason, errors, refused
from hostagent.model.records import GuestMetricsRecord, HostRecord, VmRecord
from hostagent.operations import departure, estimate, inventory, look, refusals, verdict
from hostagent.operations.agent import Agent
from hostagent.operations.checks import (
    availability,
    cpu,
    devices,
    disks,
    guest,
    hosts,
    kinds,
    migration_network,
    releases,
    storage,
    versions,
)
from hostagent.operations.checks.kinds import Route
from hostagent.xapi import mobility, vms
from hostagent.xapi.errors import XapiRefused

METHOD_UNKNOWN = "MESSAGE_METHOD_UNKNOWN"


async def run(agent: Agent, question: SourceQuestion) -> SourceAnswer:
    """Return everything found; raises WrongHost, InstanceNotFound or XapiError."""
    host = look.meant_host(agent, question.source_host_id)
    vm = await look.vm(agent, question.instance_id)
    instance = inventory.instance_facts(agent.mirror, vm, agent.settings)
    facts = inventory.host_facts(agent.mirror, host, 0, agent.settings)
    dest = question.dest.host
    route = kinds.decide(instance, facts.pool_id, dest, question.block_migration)
    findings = [
        *await _of_guest(agent, vm, host, route),
        *_of_hosts(facts, dest, instance, route),
        route.finding,
        *_agreed(question, instance, route),
        *storage.exported_at(facts, instance),
    ]
    if route.block:
        findings += _of_block(agent, host, facts, dest, instance, route)
        across = facts.pool_id != dest.pool_id
        findings += disks.stuck(agent.mirror, vm, instance, dest, across=across)
    else:
        findings += storage.shared_with(dest, instance)
    judged = await _xapi_says(agent, vm, question, route, findings)
    return SourceAnswer(route.kind, tuple(judged), _estimate(agent, host, vm, route))


async def _of_guest(agent: Agent, vm: VmRecord, host: HostRecord, route: Route) -> list[Finding]:
    resident = agent.mirror.hosts.get(vm.resident_on)
    settings = agent.settings
    found = [
        *guest.here(vm, host, resident.name if resident else "a host unknown to XAPI"),
        guest.running(vm),
        guest.idle(vm),
        guest.unblocked(vm, _operation(route)),
        *guest.unprotected(vm, settings.own_vm, settings.protected_tag),
        *devices.movable(agent.mirror, vm),
    ]
    if not vm.running:
        return found
    allowed = _operation(route) in vm.allowed_operations
    marks = await mobility.of(agent.client, vm.metrics)
    found.append(guest.mobile(vm, immobile=marks.immobile, nested=marks.nested))
    found.append(guest.suspendable(vm, _told_by_guest(agent, vm, allowed=allowed)))
    return found


def _operation(route: Route) -> str:
    return guest.MIGRATE_SEND if route.block else guest.POOL_MIGRATE


def _told_by_guest(agent: Agent, vm: VmRecord, *, allowed: bool) -> GuestMetricsRecord | None:
    """Where XAPI allows the move, its word on the guest's drivers counts."""
    told = agent.mirror.guest_metrics.get(vm.guest_metrics)
    if allowed:
        return GuestMetricsRecord(pv_drivers=True, other=told.other if told else {})
    return told


def _of_hosts(
    source: HostFacts, dest: HostFacts, instance: InstanceFacts, route: Route
) -> list[Finding]:
    found = [hosts.another_host(source, dest), versions.not_older(dest, source)]
    if not route.block:
        found.append(hosts.same_pool(instance, source.pool_id, dest))
    found.append(releases.licensed(source, route.kind))
    return found


def _agreed(question: SourceQuestion, instance: InstanceFacts, route: Route) -> list[Finding]:
    """The destination prepared for one kind; a disk that came meanwhile may make it another."""
    there = question.dest.kind
    if there in (route.kind, there.UNSPECIFIED):
        return []
    text = (
        f"the destination judged {instance.name} by {there.name}, here it would be"
        f" {route.kind.name}: its disks have changed"
    )
    figures = {"dest_kind": there.name, "source_kind": route.kind.name}
    return [refused(Reason.DEVICES_CHANGED, instance.subject, text, "ask again", **figures)]


def _of_block(
    agent: Agent,
    host: HostRecord,
    source: HostFacts,
    dest: HostFacts,
    instance: InstanceFacts,
    route: Route,
) -> list[Finding]:
    across = source.pool_id != dest.pool_id
    crossing = migration_network.find(agent.mirror, host, agent.settings.migration_network)
    found = [
        releases.can_block(source),
        *releases.promised(source, instance),
        *disks.copyable(agent.mirror, route.copied),
        *disks.ejected(instance, dest, across=across),
        crossing.finding,
    ]
    return [*found, *_across(source, dest, instance)] if across else found


def _across(source: HostFacts, dest: HostFacts, instance: InstanceFacts) -> list[Finding]:
    """The destination judged the instance by what the controller knew of it; here it is fresh."""
    return [
        *cpu.compatible(instance, dest),
        *cpu.enough(instance, dest),
        *releases.hardware(dest, instance),
        availability.undisturbed(source, block=True),
    ]


def _estimate(agent: Agent, host: HostRecord, vm: VmRecord, route: Route) -> MoveEstimate | None:
    load = estimate.Load(
        memory=vm.memory_dynamic_min,
        stored=sum(disk.physical_bytes or disk.virtual_size_bytes for disk in route.copied),
        virtual=sum(disk.virtual_size_bytes for disk in route.copied),
        disks=len(route.copied),
    )
    return estimate.of(load, departure.link_mbps(agent.mirror, host))


async def _xapi_says(
    agent: Agent,
    vm: VmRecord,
    question: SourceQuestion,
    route: Route,
    findings: list[Finding],
) -> tuple[Finding, ...]:
    subject = f"instance/{vm.name}"
    if _operation(route) not in vm.allowed_operations and not errors(findings):
        findings = [*findings, *await _state_says(agent, vm, _operation(route))]
    if not route.block:
        return tuple(findings)
    disks_to = departure.map_inside(agent.mirror, vm, question.dest)
    there = look.host_by_id(agent.mirror, question.dest.host.host_id)
    if disks_to is None or there is None:
        return tuple(findings)
    try:
        address = departure.coordinator(agent.mirror)
        await mobility.assert_can_migrate(agent.client, vm.ref, there.ref, address, disks_to)
    except XapiRefused as refusal:
        if refusal.code == METHOD_UNKNOWN:
            return tuple(findings)
        return verdict.merge(subject, findings, refusal.error, verdict.MIGRATES)
    return verdict.merge(subject, findings, (), verdict.MIGRATES)


async def _state_says(agent: Agent, vm: VmRecord, operation: str) -> list[Finding]:
    try:
        await vms.assert_operation_valid(agent.client, vm.ref, operation)
    except XapiRefused as refusal:
        if refusal.code == METHOD_UNKNOWN:
            return []
        return [refusals.finding(f"instance/{vm.name}", refusal.error)]
    return []
