"""CheckCanLiveMigrateOnDest: could this instance come here?

Inside the pool the VM is judged by its record, and XAPI is asked last (VM.assert_can_boot_here).
Of a VM of another pool only what the controller carried is known, and XAPI's own verdict needs a
receive ticket: that is a session more at XAPI, which would outlive a check whose answer is lost. So
across pools XAPI is asked by the move itself, whose first act is the same check.
"""

from dataclasses import replace

from hostagent.model.checks import DestAnswer, DestCheckData, DestQuestion
from hostagent.model.facts import HostFacts, InstanceFacts
from hostagent.model.finding import Finding
from hostagent.model.network_matching import NetworkMatching
from hostagent.model.records import HostRecord, VmRecord
from hostagent.operations import arrival, inventory, look, memory, verdict
from hostagent.operations.agent import Agent
from hostagent.operations.checks import (
    availability,
    conflicts,
    cpu,
    hosts,
    kinds,
    network_match,
    networks,
    releases,
    storage,
)
from hostagent.operations.checks.kinds import Route
from hostagent.xapi import hosts as xapi_hosts

UNRESTRICTED = "vcpu-unrestricted"


async def run(agent: Agent, question: DestQuestion) -> DestAnswer:
    """Return everything found; raises WrongHost or XapiError."""
    host = look.meant_host(agent, question.dest_host_id)
    vm = _in_this_pool(agent, question)
    instance = question.instance
    if vm is not None:
        instance = inventory.instance_facts(agent.mirror, vm, agent.settings)
    facts = inventory.host_facts(agent.mirror, host, 0, agent.settings)
    route = kinds.decide(instance, question.source_pool_id, facts, question.block_migration)
    asked_of = vm.ref if vm and not route.block and not _volumes_to_come(facts, instance) else ""
    room = await xapi_hosts.room_for(agent.client, host.ref, asked_of)
    facts = replace(facts, memory_free_bytes=room.free_bytes + _held(vm, host))
    findings = [*_of_host(facts, host, instance, vm), route.finding, *_of_pools(facts, route)]
    if not route.block:
        findings += _of_shared(agent, question, facts, instance, vm)
        asked = verdict.merge(instance.subject, findings, room.refusal) if asked_of else findings
        return DestAnswer(DestCheckData(facts, route.kind), tuple(asked))
    place = arrival.prepare(agent, host, facts, route, over_commit=question.disk_over_commit)
    findings += [*_of_networks(agent, host, facts, instance, vm), *place.findings]
    if vm is None:
        findings += conflicts.none_here(agent.mirror, instance)
        findings += storage.following(facts, instance)
    disks = tuple(disk.vdi_id for disk in instance.disks if not disk.cd)
    return DestAnswer(replace(place.data, disk_ids=disks), tuple(findings))


def _in_this_pool(agent: Agent, question: DestQuestion) -> VmRecord | None:
    if question.source_pool_id != look.pool(agent.mirror).uuid:
        return None
    ref = agent.mirror.vm_refs.get(question.instance.instance_id)
    return agent.mirror.vms.get(ref) if ref else None


def _volumes_to_come(facts: HostFacts, instance: InstanceFacts) -> bool:
    """XAPI would refuse for what PreLiveMigration is yet to attach."""
    there = {sr.sr_id for sr in facts.storage_repositories if sr.attached}
    return any(disk.volume and disk.sr_id not in there for disk in instance.disks)


def _held(vm: VmRecord | None, host: HostRecord) -> int:
    """XAPI does not count against a VM what it holds for that VM here (XAPI A12)."""
    return memory.reserved(vm) if vm and vm.scheduled_on == host.ref else 0


def _of_host(
    facts: HostFacts, host: HostRecord, instance: InstanceFacts, vm: VmRecord | None
) -> list[Finding]:
    unrestricted = vm is not None and vm.platform.get(UNRESTRICTED) == "true"
    return [
        hosts.alive(facts),
        hosts.enabled(facts),
        hosts.idle(facts, host),
        hosts.memory(facts, instance),
        *cpu.enough(instance, facts, unrestricted=unrestricted),
        *cpu.compatible(instance, facts),
        *releases.hardware(facts, instance),
    ]


def _of_pools(facts: HostFacts, route: Route) -> list[Finding]:
    found = [
        releases.licensed(facts, route.kind),
        availability.undisturbed(facts, block=route.block),
    ]
    return [*found, releases.can_block(facts)] if route.block else found


def _of_shared(
    agent: Agent,
    question: DestQuestion,
    facts: HostFacts,
    instance: InstanceFacts,
    vm: VmRecord | None,
) -> list[Finding]:
    host = look.own_host(agent)
    return [
        hosts.same_pool(instance, question.source_pool_id, facts),
        *storage.shared_with(facts, instance),
        *_of_networks(agent, host, facts, instance, vm),
    ]


def _of_networks(
    agent: Agent, host: HostRecord, facts: HostFacts, instance: InstanceFacts, vm: VmRecord | None
) -> list[Finding]:
    if vm is None:
        by = NetworkMatching(agent.settings.network_matching)
        return network_match.of_all(facts, instance, by)
    inside = networks.internal(agent.mirror, vm, host)
    return [*inside, *networks.available(facts, instance, inside)]
