"""RollbackAtSource: the guest stays here, so the migration's marks go."""

from hostagent.model.cleanup import Item
from hostagent.model.errors import OperationInProgress
from hostagent.model.move import Fence
from hostagent.operations import look, marks, situation
from hostagent.operations.agent import Agent


async def run(agent: Agent, fence: Fence, instance_id: str) -> tuple[Item, ...]:
    """Return what was cleared; raises AgentError or XapiError.

    Refused while XAPI moves the VM for this migration: without the mark nobody would know whose
    move it is.
    """
    agent.fences.admit(fence)
    vm = await look.vm_or_none(agent, instance_id)
    if vm is None:
        return ()
    agent.fences.admit_at(fence, vm.other_config)
    if situation.moving_task(vm) and marks.bears(vm.other_config, fence):
        raise OperationInProgress(f"instance/{vm.name}", [situation.POOL_MIGRATE])
    return await marks.clear(agent.client, vm, fence)
