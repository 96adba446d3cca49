"""DesignateCoordinator: has another member coordinate this coordinator's pool."""

from hostagent.model.errors import MoveRefused
from hostagent.model.finding import Reason, refused
from hostagent.operations import look
from hostagent.operations.agent import Agent
from hostagent.operations.pools import plugin
from hostagent.xapi import pools


async def run(agent: Agent, coordinator_id: str, host_id: str) -> None:
    """Return when XAPI has agreed; raises AgentError or XapiError."""
    here = look.meant_host(agent, coordinator_id)
    plugin.refuse_member(agent, here)
    wanted = look.host_by_id(agent.mirror, host_id)
    if wanted is None:
        text = f"the pool of {here.name} has no host {host_id}"
        remedy = "join it first, or adopt the coordinator that the pool has"
        raise MoveRefused(refused(Reason.POOL_OPERATION_FAILED, f"host/{host_id}", text, remedy))
    await pools.designate(agent.client, wanted.ref)
