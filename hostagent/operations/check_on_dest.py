"""CheckCanLiveMigrateOnDest: could this instance come here?"""

from hostagent.model.checks import DestAnswer, DestCheckData, DestQuestion, Kind
from hostagent.model.facts import HostFacts, InstanceFacts
from hostagent.model.finding import Finding
from hostagent.model.records import VmRecord
from hostagent.operations import inventory, look, verdict
from hostagent.operations.agent import Agent
from hostagent.operations.checks import cpu, hosts, networks, storage
from hostagent.xapi import hosts as xapi_hosts


async def run(agent: Agent, question: DestQuestion) -> DestAnswer:
    """Return everything found; raises WrongHost or XapiError."""
    host = look.meant_host(agent, question.dest_host_id)
    vm = _in_this_pool(agent, question)
    room = await xapi_hosts.room_for(agent.client, host.ref, vm.ref if vm else "")
    facts = inventory.host_facts(agent.mirror, host, room.free_bytes)
    instance = inventory.instance_facts(agent.mirror, vm) if vm else question.instance
    findings = _findings(facts, instance, question)
    if vm is not None:
        findings += cpu.compatible(vm, host)
        findings = list(verdict.merge(instance.subject, findings, room.refusal))
    return DestAnswer(DestCheckData(facts, Kind.SHARED_STORAGE), tuple(findings))


def _in_this_pool(agent: Agent, question: DestQuestion) -> VmRecord | None:
    if question.source_pool_id != look.pool(agent.mirror).uuid:
        return None
    ref = agent.mirror.vm_refs.get(question.instance.instance_id)
    return agent.mirror.vms.get(ref) if ref else None


def _findings(facts: HostFacts, instance: InstanceFacts, question: DestQuestion) -> list[Finding]:
    return [
        hosts.alive(facts),
        hosts.enabled(facts),
        hosts.memory(facts, instance),
        hosts.same_pool(instance, question.source_pool_id, facts),
        *storage.no_block_migration(instance, question.block_migration),
        *storage.shared_with(facts, instance),
        *networks.available(facts, instance),
    ]
