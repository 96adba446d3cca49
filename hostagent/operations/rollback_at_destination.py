"""RollbackAtDestination: releases what is leased to the migration here, and nothing else.

On shared storage PreLiveMigration leases nothing. A VM is never touched: where one runs here it is
reported as kept.
"""

from hostagent.model.cleanup import Action, Item
from hostagent.model.move import Fence
from hostagent.operations import look
from hostagent.operations.agent import Agent


async def run(agent: Agent, fence: Fence, instance_id: str) -> tuple[Item, ...]:
    """Return each thing looked at; raises StaleEpoch or XapiError."""
    agent.fences.admit(fence)
    host = look.own_host(agent)
    vm = await look.vm_or_none(agent, instance_id)
    if vm is None:
        return ()
    agent.fences.admit_at(fence, vm.other_config)
    if vm.resident_on != host.ref:
        return ()
    return (Item(f"instance/{vm.name}", Action.KEPT, "it runs here"),)
