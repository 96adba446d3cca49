"""GetAgentInfo: which host this agent serves and how it does."""

from dataclasses import dataclass

from hostagent.model.facts import HostFacts
from hostagent.operations import inventory, look
from hostagent.operations.agent import Agent
from hostagent.xapi import hosts


@dataclass(frozen=True, slots=True)
class AgentInfo:
    """What an agent tells of itself."""

    version: str
    host: HostFacts
    xapi_url: str
    session_id: str
    floating_ips: tuple[str, ...]


async def run(agent: Agent) -> AgentInfo:
    """Return it, with host and addresses as they are now; raises XapiError, NotApplied."""
    facts, carried = await host_facts(agent), await agent.carrier.carried()
    return AgentInfo(agent.version, facts, agent.client.url, agent.session_id, carried)


async def host_facts(agent: Agent) -> HostFacts:
    """Return the host with its free memory asked of XAPI now; raises XapiError."""
    host = look.own_host(agent)
    free = await hosts.free_memory(agent.client, host.ref)
    return inventory.host_facts(agent.mirror, host, free, agent.settings)
