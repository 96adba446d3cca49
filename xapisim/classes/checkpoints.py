"""VM.checkpoint: a snapshot with the guest's memory, taken while the guest is suspended for it."""

from xapisim.classes import frozen, operations, snapshots, storage_rules, suspension, vdi_calls
from xapisim.classes.announcements import announce
from xapisim.classes.call import Call, Handler
from xapisim.hypervisor import DomainState
from xapisim.values import Value

_STATES = {"Running": DomainState.RUNNING, "Paused": DomainState.PAUSED}


async def checkpoint(call: Call, vm: str, name: str) -> Value:
    """The guest goes on where it was, as a new domain; nobody is told of the suspend between."""
    call.database.row("VM", vm)
    async with call.engine.gates.operation(vm, "checkpoint", call.task):
        snapshots.hand_over(call, vm)
        state = call.database.read("VM", vm, "power_state")
        if state in _STATES:
            await _save(call, vm)
        new = snapshots.take(call, vm, name, [], state)
        _keep_memory(call, vm, new)
        if state in _STATES:
            _go_on(call, vm, state)
        announce(call.pool, vm, "VM_CHECKPOINTED", f"checkpointed, snapshot name: {name}")
        return new


async def _save(call: Call, vm: str) -> None:
    """The record still says where the guest was (recorded on xapi 26.17)."""
    image = await suspension.save(call, vm)
    for domain in call.pool.hypervisor.of_vm(call.database.read("VM", vm, "uuid")):
        domain.state = DomainState.SUSPENDED
    call.database.update(
        "VM",
        vm,
        power_state="Suspended",
        suspend_VDI=image,
        last_booted_record=frozen.domain_state(call.pool, vm),
    )
    operations.refresh(call.pool, vm)


def _keep_memory(call: Call, vm: str, new: str) -> None:
    """The snapshot is one of a suspended VM, whose devices count as attached."""
    image = call.database.read("VM", vm, "suspend_VDI")
    kept = vdi_calls.take_snapshot(call.pool, image)
    call.database.update("VDI", kept, sm_config={})
    call.database.update("VM", new, power_state="Suspended", suspend_VDI=kept)
    for class_name, key in (("VBD", "userdevice"), ("VIF", "device")):
        attached = {
            call.database.read(class_name, ref, key)
            for ref in call.database.read("VM", vm, f"{class_name}s")
            if call.database.read(class_name, ref, "currently_attached")
        }
        for ref in call.database.read("VM", new, f"{class_name}s"):
            if call.database.read(class_name, ref, key) in attached:
                call.database.update(class_name, ref, currently_attached=True)
    operations.refresh(call.pool, new)


def _go_on(call: Call, vm: str, state: str) -> None:
    fields = call.database.row("VM", vm).fields
    for domain in call.pool.hypervisor.of_vm(fields["uuid"]):
        call.pool.hypervisor.destroy(domain)
    host = call.database.read("host", fields["resident_on"], "uuid")
    domain = call.pool.hypervisor.create(fields["uuid"], host, _STATES[state])
    suspension.drop_image(call, vm)
    call.database.update("VM", vm, power_state=state, domid=domain.domid)
    storage_rules.refresh_devices(call.pool, vm)


OPERATIONS: dict[str, Handler] = {"VM.checkpoint": checkpoint}
