"""ApplyFloatingIps: makes this host carry exactly the floating IPs that it is told of."""

import asyncio
from collections.abc import Sequence

import structlog

from hostagent.model.errors import WrongHost
from hostagent.model.floating_ips import Action, Applied, Binding
from hostagent.operations.agent import Agent

log = structlog.get_logger()


async def run(agent: Agent, host_id: str, revision: int, bindings: Sequence[Binding]) -> Applied:
    """Carry exactly these; raises AgentError.

    XAPI is not asked: addresses must come and go while it is away, too. A caller that hangs up
    does not stop it half way.
    """
    if host_id != agent.host_id:
        raise WrongHost(host_id, agent.host_id)
    applied = await asyncio.shield(agent.carrier.apply(revision, bindings))
    for item in applied.items:
        say = log.warning if item.action is Action.FAILED else log.info
        event = f"floating_ip.{item.action.value.lower()}"
        say(event, address=item.address, revision=revision, why=item.why)
    return applied
