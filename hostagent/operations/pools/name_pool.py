"""NamePool: gives this coordinator's pool a name."""

from hostagent.operations import look
from hostagent.operations.agent import Agent
from hostagent.operations.pools import plugin
from hostagent.xapi import pools


async def run(agent: Agent, coordinator_id: str, name: str) -> str:
    """Return the pool's uuid; raises AgentError or XapiError."""
    plugin.refuse_member(agent, look.meant_host(agent, coordinator_id))
    pool = look.pool(agent.mirror)
    if pool.name != name:
        await pools.rename(agent.client, pool.ref, name)
    return pool.uuid
