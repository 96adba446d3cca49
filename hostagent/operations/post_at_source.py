"""PostAtSource: after the move, detaches what only the moved guest used.

On shared storage that is nothing: a repository that several hosts share stays attached. The marks
on the VM go with PostAtDestination, which the controller repeats until it is done.
"""

from hostagent.model.cleanup import Action, Item
from hostagent.model.move import Fence
from hostagent.operations import inventory
from hostagent.operations.agent import Agent


async def run(agent: Agent, fence: Fence, instance_id: str) -> tuple[Item, ...]:
    """Return each thing looked at; an instance that is gone from here left nothing."""
    agent.fences.admit(fence)
    ref = agent.mirror.vm_refs.get(instance_id)
    vm = agent.mirror.vms.get(ref) if ref else None
    if vm is None:
        return ()
    agent.fences.admit_at(fence, vm.other_config)
    repositories = {
        disk.sr_id: disk.sr_name for disk in inventory.instance_facts(agent.mirror, vm).disks
    }
    why = "shared by the pool, not attached for this migration"
    return tuple(Item(f"sr/{name}", Action.KEPT, why) for name in repositories.values())
