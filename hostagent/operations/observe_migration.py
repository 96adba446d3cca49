"""ObserveMigration: where is the guest, what runs on it, what is left of the migration?"""

from hostagent.model.move import Fence
from hostagent.model.observation import Observation, TaskSeen
from hostagent.model.records import HostRecord, TaskRecord, VmRecord
from hostagent.operations import departed, look, marks, situation
from hostagent.operations.agent import Agent
from hostagent.operations.leases import book, residue
from hostagent.xapi import redact, tasks
from hostagent.xapi.errors import XapiGone


async def run(agent: Agent, fence: Fence, instance_id: str, host_id: str) -> Observation:
    """Return what XAPI shows now; a stale epoch is answered too. Raises WrongHost or XapiError."""
    host = look.meant_host(agent, host_id)
    agent.fences.note(fence)
    vm = await look.vm_or_none(agent, instance_id)
    if vm is None:
        return await _absent(agent, host, fence)
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
        residue=_residue(agent, fence, host, vm, tagged=tagged),
    )


async def _absent(agent: Agent, host: HostRecord, fence: Fence) -> Observation:
    task = await departed.task_of(agent, fence)
    return Observation(
        present=False,
        host_id=host.uuid,
        pool_id=look.pool(agent.mirror).uuid,
        host_live=look.live(agent.mirror, host),
        task=_seen(task) if task is not None else None,
        residue=_residue(agent, fence, host, None, tagged=False),
    )


def _residue(
    agent: Agent, fence: Fence, host: HostRecord, vm: VmRecord | None, *, tagged: bool
) -> tuple[str, ...]:
    """Return every object of the migration, as the mirror has it, and the VM as it is now."""
    mirror = agent.mirror
    entry = book.entry_of(host.other_config, fence.migration_id)
    own = residue.disks_of(mirror, vm) if vm is not None else frozenset[str]()
    sources = own | frozenset(entry.disks if entry else ())
    marked = [one.subject for one in residue.marked(mirror, fence) if one.kind != "vm"]
    copies = [f"vdi/{disk.uuid}" for disk in residue.mirrored(mirror, sources)]
    of_vm = [f"vm/{vm.uuid}"] if vm is not None and tagged else []
    return tuple(dict.fromkeys((*of_vm, *marked, *copies)))


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
    error = redact.array(task.error_info)
    return TaskSeen(task.uuid, task.status, task.progress, task.cancellable, error)
