"""ObserveMigration: where is the guest, what runs on it, what is left of the migration?"""

from hostagent.model.move import Fence
from hostagent.model.observation import Observation, TaskSeen
from hostagent.model.records import HostRecord, TaskRecord, VmRecord
from hostagent.operations import look, marks, situation
from hostagent.operations.agent import Agent
from hostagent.xapi import tasks
from hostagent.xapi.errors import XapiGone


async def run(agent: Agent, fence: Fence, instance_id: str) -> Observation:
    """Return what XAPI shows now; a stale epoch is answered too. Raises XapiError."""
    agent.fences.note(fence)
    host = look.own_host(agent)
    vm = await look.vm_or_none(agent, instance_id)
    if vm is None:
        return _absent(agent, host)
    mirror = agent.mirror
    tagged = marks.bears(vm.other_config, fence)
    return Observation(
        present=True,
        host_id=host.uuid,
        pool_id=look.pool(mirror).uuid,
        host_live=look.live(mirror, host),
        power_state=vm.power_state,
        resident_host_id=look.host_id_of(mirror, vm.resident_on),
        scheduled_host_id=look.host_id_of(mirror, vm.scheduled_on),
        current_operations=tuple(sorted(vm.current_operations.values())),
        tagged=tagged,
        task=await _task(agent, fence, vm, tagged=tagged),
        residue=(f"vm/{vm.uuid}",) if tagged else (),
    )


def _absent(agent: Agent, host: HostRecord) -> Observation:
    return Observation(
        present=False,
        host_id=host.uuid,
        pool_id=look.pool(agent.mirror).uuid,
        host_live=look.live(agent.mirror, host),
    )


async def _task(agent: Agent, fence: Fence, vm: VmRecord, *, tagged: bool) -> TaskSeen | None:
    """Return the task that moves the VM, or else the migration's last one, if XAPI has it still."""
    ref = situation.moving_task(vm) if tagged else ""
    ref = ref or agent.moves.task_of(fence.migration_id)
    if not ref:
        return await _marked(agent, fence) if tagged else None
    try:
        return _seen(await tasks.record(agent.client, ref))
    except XapiGone:
        return None


async def _marked(agent: Agent, fence: Fence) -> TaskSeen | None:
    for task in await tasks.all_records(agent.client):
        if marks.bears(task.other_config, fence):
            return _seen(task)
    return None


def _seen(task: TaskRecord) -> TaskSeen:
    return TaskSeen(task.uuid, task.status, task.progress, task.cancellable, task.error_info)
