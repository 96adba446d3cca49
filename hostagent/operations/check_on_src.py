"""CheckCanLiveMigrateOnSrc: could this instance leave for that destination?"""

from hostagent.model.checks import Kind, SourceAnswer, SourceQuestion
from hostagent.model.facts import HostFacts, InstanceFacts
from hostagent.model.finding import Finding, errors
from hostagent.model.records import GuestMetricsRecord, HostRecord, VmRecord
from hostagent.operations import inventory, look, refusals
from hostagent.operations.agent import Agent
from hostagent.operations.checks import guest, hosts, storage, versions
from hostagent.xapi import vms
from hostagent.xapi.errors import XapiGone, XapiRefused

METHOD_UNKNOWN = "MESSAGE_METHOD_UNKNOWN"


async def run(agent: Agent, question: SourceQuestion) -> SourceAnswer:
    """Return everything found; raises WrongHost, InstanceNotFound or XapiError."""
    host = look.meant_host(agent, question.source_host_id)
    vm = await look.vm(agent, question.instance_id)
    instance = inventory.instance_facts(agent.mirror, vm)
    facts = inventory.host_facts(agent.mirror, host, free_bytes=0)
    findings = [
        *_of_guest(agent, vm, host),
        *_of_hosts(facts, question.dest.host, instance),
        *storage.no_block_migration(instance, question.block_migration),
        *await _suspendable(agent, vm),
    ]
    if guest.POOL_MIGRATE not in vm.allowed_operations and not errors(findings):
        findings += await _xapi_says(agent, vm)
    return SourceAnswer(Kind.SHARED_STORAGE, tuple(findings))


def _of_guest(agent: Agent, vm: VmRecord, host: HostRecord) -> list[Finding]:
    resident = agent.mirror.hosts.get(vm.resident_on)
    settings = agent.settings
    return [
        *guest.here(vm, host, resident.name if resident else "a host unknown to XAPI"),
        guest.running(vm),
        guest.idle(vm),
        guest.unblocked(vm),
        *guest.unprotected(vm, settings.own_vm, settings.protected_tag),
        *guest.movable(vm),
    ]


def _of_hosts(source: HostFacts, dest: HostFacts, instance: InstanceFacts) -> list[Finding]:
    return [
        hosts.another_host(source, dest),
        hosts.same_pool(instance, source.pool_id, dest),
        versions.not_older(dest, source),
        *storage.shared_with(dest, instance),
        *storage.exported_at(source, instance),
    ]


async def _suspendable(agent: Agent, vm: VmRecord) -> list[Finding]:
    """Ask for the guest's own words only where XAPI does not allow the move already."""
    if guest.POOL_MIGRATE in vm.allowed_operations:
        told = GuestMetricsRecord(pv_drivers=True, other={})
        return [guest.suspendable(vm, told)]
    if not vm.running:
        return []
    return [guest.suspendable(vm, await _guest_metrics(agent, vm))]


async def _guest_metrics(agent: Agent, vm: VmRecord) -> GuestMetricsRecord | None:
    if not vm.guest_metrics:
        return None
    try:
        return await vms.guest_metrics(agent.client, vm.guest_metrics)
    except XapiGone:
        return None


async def _xapi_says(agent: Agent, vm: VmRecord) -> list[Finding]:
    try:
        await vms.assert_operation_valid(agent.client, vm.ref, guest.POOL_MIGRATE)
    except XapiRefused as refusal:
        if refusal.code == METHOD_UNKNOWN:
            return []
        return [refusals.finding(f"instance/{vm.name}", refusal.error)]
    return []
