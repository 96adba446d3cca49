"""CheckCanJoinOnHost: what stands against this host's joining a pool, seen from here."""

from hostagent.model.finding import Finding
from hostagent.model.pools import JoinerFacts
from hostagent.model.records import HostRecord, VmRecord
from hostagent.operations import agent_info, look
from hostagent.operations.agent import Agent
from hostagent.operations.checks import joining
from hostagent.xapi import pools


async def run(agent: Agent, host_id: str) -> tuple[JoinerFacts, list[Finding]]:
    """Return this host's facts and what can be judged of them here.

    Raises AgentError or XapiError.
    """
    host = look.meant_host(agent, host_id)
    mirror = agent.mirror
    facts = JoinerFacts(
        host=await agent_info.host_facts(agent),
        running_vms=tuple(
            sorted(vm.name for vm in mirror.vms.values() if _runs_here(agent, vm, host))
        ),
        shared_srs=tuple(sorted(sr.name for sr in mirror.srs.values() if sr.shared)),
        forbidden_networks=await pools.forbidden_networks(agent.client),
        pool_size=len(mirror.hosts),
        product_brand=host.software_version.get("product_brand", ""),
    )
    return facts, joining.at_host(facts)


def _runs_here(agent: Agent, vm: VmRecord, host: HostRecord) -> bool:
    if vm.control_domain or vm.uuid == agent.settings.own_vm:
        return False
    return vm.resident_on == host.ref and vm.power_state != "Halted"
