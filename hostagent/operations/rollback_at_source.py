"""RollbackAtSource: the guest stays here, so the migration's marks go, and what it left behind.

CDs that XAPI took out for the move are put back. A disk with the mark that belongs to no VM is a
snapshot which XAPI took to copy from and did not remove. The VM's own marks go last: by them a
repeat knows what there is to do.
"""

from dataclasses import replace

from hostagent.model.cleanup import Item
from hostagent.model.errors import OperationInProgress
from hostagent.model.move import Fence
from hostagent.model.records import VmRecord
from hostagent.operations import attachments, endings, look, marks, mirrored, situation
from hostagent.operations.agent import Agent
from hostagent.operations.block import discs, luggage, sending
from hostagent.operations.leases import disks, residue
from hostagent.operations.volumes import leaving


async def run(
    agent: Agent, fence: Fence, instance_id: str, source_host_id: str
) -> tuple[Item, ...]:
    """Return what was cleared; raises AgentError or XapiError.

    Refused while XAPI moves the VM for this migration: without the mark nobody would know whose
    move it is. A move that has not come so far is told not to begin.
    """
    return await agent.turns.take(
        fence.migration_id, lambda: _cleared(agent, fence, instance_id, source_host_id)
    )


async def _cleared(
    agent: Agent, fence: Fence, instance_id: str, source_host_id: str
) -> tuple[Item, ...]:
    agent.fences.admit(fence)
    host = look.meant_host(agent, source_host_id)
    _refuse_begun(agent, fence, instance_id)
    vm = await look.vm_or_none(agent, instance_id)
    if vm is None:
        return ()
    agent.fences.admit_at(fence, vm.other_config)
    ours = marks.bears(vm.other_config, fence)
    if situation.moving_task(vm) and ours:
        raise OperationInProgress(f"instance/{vm.name}", sorted(vm.current_operations.values()))
    items, stuck = list[Item](), list[Item]()
    if ours and marks.LEFT in vm.other_config:
        vm = await _ended(agent, fence, vm)
        items, stuck = await _of_disks(agent, fence, vm)
    if ours and vm.running:
        items += await discs.at_source(agent, vm, host)
    if stuck:
        return (*items, *stuck)
    return (*items, *await marks.clear(agent.client, vm, fence))


def _refuse_begun(agent: Agent, fence: Fence, instance_id: str) -> None:
    """Of a move that this agent is about to begin XAPI shows nothing yet."""
    move = agent.moves.of(instance_id)
    if move is None or move.order.fence.migration_id != fence.migration_id:
        return
    if not move.task_ref and move.report.outcome is None:
        move.abort.set()
        raise OperationInProgress(f"instance/{instance_id}", ["a move that is about to begin"])


async def _ended(agent: Agent, fence: Fence, vm: VmRecord) -> VmRecord:
    """Write that the migration is over; return the VM with it when the mirror is as far."""
    change = endings.change(vm.other_config, fence, endings.OF_VM)
    await endings.write(agent.client, "VM", vm.ref, change)
    await mirrored.until_vm(agent, vm.ref, fence)
    return replace(vm, other_config=change.applied(vm.other_config))


async def _of_disks(agent: Agent, fence: Fence, vm: VmRecord) -> tuple[list[Item], list[Item]]:
    """Return what became of disks left behind, and the marks that XAPI refused to remove."""
    await leaving.stay(agent, fence, attachments.repositories(agent, vm))
    own = (await luggage.of(agent, vm)).disks
    stuck = await sending.unmark(
        agent, tuple(disk for disk in own if marks.bears(disk.other_config, fence))
    )
    kept = {disk.ref for disk in own}
    found = residue.marked(agent.mirror, fence)
    loose = [one.ref for one in found if one.kind == "vdi" and one.ref not in kept]
    return await disks.destroy(agent, fence, loose), stuck
