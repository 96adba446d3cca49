"""CheckCanJoinOnCoordinator: could this host join the pool here?"""

from hostagent.model.finding import Finding
from hostagent.model.pools import JoinerFacts
from hostagent.operations import agent_info, look
from hostagent.operations.agent import Agent
from hostagent.operations.checks import joining
from hostagent.operations.pools import plugin


async def run(
    agent: Agent, coordinator_id: str, joiner: JoinerFacts, *, force: bool
) -> list[Finding]:
    """Return everything found, the credentials of dom0 last; raises AgentError or XapiError."""
    host = look.meant_host(agent, coordinator_id)
    brand = host.software_version.get("product_brand", "")
    facts = await agent_info.host_facts(agent)
    findings = joining.at_coordinator(facts, brand, len(agent.mirror.hosts), joiner, force=force)
    told = joiner.host
    return [
        *findings,
        await plugin.credentials(agent, told.host_id, told.name, told.address),
    ]
