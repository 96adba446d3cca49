"""PostAtSource: after the move, detaches what only the moved guest used and removes leftovers.

Leftovers are disks that XAPI should have removed and that bear the migration's mark. Storage that
several guests share stays attached; a volume follows its guest. The marks on the VM go with
PostAtDestination, which the controller repeats until it is done.
"""

from hostagent.model.cleanup import Action, Item
from hostagent.model.move import Fence
from hostagent.model.records import HostRecord, VmRecord
from hostagent.operations import attachments, departed, endings, look, marks
from hostagent.operations.agent import Agent
from hostagent.operations.leases import disks, residue
from hostagent.operations.volumes import detaching, kinds, leaving
from hostagent.xapi import tasks


async def run(
    agent: Agent, fence: Fence, instance_id: str, source_host_id: str
) -> tuple[Item, ...]:
    """Return each thing looked at; raises AgentError or XapiError."""
    try:
        return await _tidied(agent, fence, instance_id, source_host_id)
    finally:
        agent.retold.ask(instance_id)


async def _tidied(
    agent: Agent, fence: Fence, instance_id: str, source_host_id: str
) -> tuple[Item, ...]:
    agent.fences.admit(fence)
    host = look.meant_host(agent, source_host_id)
    ref = agent.mirror.vm_refs.get(instance_id)
    vm = agent.mirror.vms.get(ref) if ref else None
    if vm is None or vm.resident_on == host.ref or _has_to_release(agent, vm):
        vm = await look.vm_or_none(agent, instance_id)  # the mirror may be behind
    if vm is None:
        return await _left(agent, fence)
    agent.fences.admit_at(fence, vm.other_config)
    if vm.resident_on == host.ref:
        return (Item(f"instance/{vm.name}", Action.KEPT, "it runs here"),)
    if endings.epoch_of(vm.other_config, fence.migration_id) is not None:
        # What is here by now may be here for the guest's way back.
        return (Item(f"instance/{vm.name}", Action.KEPT, "this migration of it is over"),)
    return await _moved(agent, fence, vm, host)


def _has_to_release(agent: Agent, vm: VmRecord) -> bool:
    used = attachments.repositories(agent, vm)
    return marks.LEFT in vm.other_config or any(kinds.is_volume(sr) for sr in used)


async def _moved(agent: Agent, fence: Fence, vm: VmRecord, host: HostRecord) -> tuple[Item, ...]:
    items = list(await detaching.detach(agent, vm, host))
    if marks.LEFT in vm.other_config:
        items += await _leftovers(agent, fence, residue.disks_of(agent.mirror, vm))
    return tuple(items)


async def _left(agent: Agent, fence: Fence) -> tuple[Item, ...]:
    """The VM went to another pool; the task that took it there has told all that it will."""
    task = await departed.task_of(agent, fence)
    if task is not None:
        agent.fences.admit_at(fence, task.other_config)
    items = [*await _leftovers(agent, fence, frozenset()), *await leaving.release(agent, fence)]
    if task is not None and task.ended:
        agent.moves.errand(tasks.destroy(agent.client, task.ref))
    return tuple(items)


async def _leftovers(agent: Agent, fence: Fence, used: frozenset[str]) -> list[Item]:
    found = residue.marked(agent.mirror, fence)
    refs = [one.ref for one in found if one.kind == "vdi" and one.uuid not in used]
    return await disks.destroy(agent, fence, refs)
