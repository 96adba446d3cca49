"""VerifyExports: does every storage repository of the instance still answer, right before the move?

A lost export is to be found before the move, not in its middle.
"""

from hostagent.model.finding import Finding
from hostagent.model.move import Fence
from hostagent.operations import attachments, look
from hostagent.operations.agent import Agent
from hostagent.operations.checks import storage


async def run(agent: Agent, fence: Fence, instance_id: str) -> tuple[Finding, ...]:
    """Return a finding for each storage repository; raises AgentError or XapiError."""
    agent.fences.admit(fence)
    host = look.own_host(agent)
    vm = await look.known_vm(agent, instance_id)
    agent.fences.admit_at(fence, vm.other_config)
    found = await attachments.of(agent, vm, host)
    return tuple(storage.exported(host.name, one.sr.name, one.attached) for one in found)
