"""VM.suspend, resume and resume_on: the guest's memory goes to a disk and comes back from it."""

from xapisim.classes import frozen, operations, placement, storage_rules
from xapisim.classes.announcements import announce, place
from xapisim.classes.call import Call, Handler
from xapisim.errors import XapiError, xenopsd
from xapisim.hypervisor import DomainState
from xapisim.values import NULL, VOID, Value

SAVE_MIB_S = 300.0
"""How fast memory is written to an SR and read back."""
_ROOM = 1.2 * 1.05
_EXTRA_BYTES = 100 * 2**20
"""An image is as big as the memory, a quarter more, and this (recorded on xapi 26.17)."""


async def suspend(call: Call, vm: str) -> Value:
    call.database.row("VM", vm)
    async with call.engine.gates.operation(vm, "suspend", call.task):
        vdi = await save(call, vm)
        _stop(call, vm, vdi)
        announce(call.pool, vm, "VM_SUSPENDED", "suspended")
    return VOID


async def save(call: Call, vm: str) -> str:
    """The image with the guest's memory; nothing is left of one that can't be written."""
    memory = call.database.read("VM", vm, "memory_static_max")
    image = {
        "name_label": "Suspend image",
        "name_description": "Suspend image",
        "SR": _sr(call, vm),
        "virtual_size": int(memory * _ROOM) + _EXTRA_BYTES,
        "type": "suspend",
        "sm_config": {"vmhint": call.database.read("VM", vm, "uuid")},
    }
    vdi = storage_rules.add_vdi(call.pool, image)
    try:
        await _save(call, vm, memory)
    except XapiError:
        storage_rules.drop_vdi(call.pool, vdi)
        raise
    return vdi


def _sr(call: Call, vm: str) -> str:
    """The VM's own suspend SR, the pool's, the host's."""
    db = call.database
    host = db.read("VM", vm, "resident_on")
    for sr in (
        db.read("VM", vm, "suspend_SR"),
        db.read("pool", call.pool.ref, "suspend_image_SR"),
        db.read("host", host, "suspend_image_sr"),
    ):
        if db.has("SR", sr):
            return str(sr)
    raise XapiError("VM_NO_SUSPEND_SR", vm)


async def _save(call: Call, vm: str, size: int) -> None:
    """What fails a migration's memory phase fails this too."""
    await call.pool.clock.sleep(size / 2**20 / SAVE_MIB_S)
    if fault := call.pool.faults.for_host("fail_save", _source_names(call, vm)):
        raise xenopsd(fault.text)
    for phase in ("precopy", "suspend"):
        fault = call.pool.faults.for_migration("fail_migration", phase, call.pool.vm_names(vm))
        if fault is not None:
            raise XapiError(*fault.error) if fault.error else xenopsd("Domain suspend failed")


def _source_names(call: Call, vm: str) -> frozenset[str]:
    host = call.database.row("host", call.database.read("VM", vm, "resident_on")).fields
    return frozenset({host["name_label"], host["uuid"]})


def _stop(call: Call, vm: str, image: str) -> None:
    """The devices count as attached all the time (recorded on xapi 26.17)."""
    for domain in call.pool.hypervisor.of_vm(call.database.read("VM", vm, "uuid")):
        call.pool.hypervisor.destroy(domain)
    call.database.update(
        "VM",
        vm,
        power_state="Suspended",
        suspend_VDI=image,
        last_booted_record=frozen.domain_state(call.pool, vm),
        resident_on=NULL,
        scheduled_to_be_resident_on=NULL,
        domid=-1,
    )
    storage_rules.refresh_devices(call.pool, vm)
    operations.refresh(call.pool, vm)


async def resume(call: Call, vm: str, start_paused: bool, force: bool) -> Value:
    """Takes the first host that can run it."""
    call.database.row("VM", vm)
    async with call.engine.gates.operation(vm, "resume", call.task):
        host = placement.first_host(call.pool, lambda host: _check(call, vm, host, forced=force))
        await _resume(call, vm, host, paused=start_paused)
    return VOID


async def resume_on(call: Call, vm: str, host: str, start_paused: bool, force: bool) -> Value:
    call.database.row("VM", vm)
    call.database.row("host", host)
    async with call.engine.gates.operation(vm, "resume_on", call.task):
        _check(call, vm, host, forced=force)
        await _resume(call, vm, host, paused=start_paused)
    return VOID


def _check(call: Call, vm: str, host: str, *, forced: bool) -> None:
    """The host has to see the suspend image too; force is for another processor (recorded)."""
    placement.check(call.pool, vm, host, with_cpu=not forced)
    image = call.database.tables["VDI"].rows.get(call.database.read("VM", vm, "suspend_VDI"))
    if image is not None:
        sr = image.fields["SR"]
        if not storage_rules.is_attached(call.pool, sr, host):
            raise XapiError("VM_REQUIRES_SR", vm, sr)


async def _resume(call: Call, vm: str, host: str, *, paused: bool) -> None:
    db = call.database
    db.update("VM", vm, scheduled_to_be_resident_on=host)
    await call.pool.clock.sleep(db.read("VM", vm, "memory_static_max") / 2**20 / SAVE_MIB_S)
    state = DomainState.PAUSED if paused else DomainState.RUNNING
    uuid = db.read("host", host, "uuid")
    domain = call.pool.hypervisor.create(db.read("VM", vm, "uuid"), uuid, state)
    drop_image(call, vm)
    db.update(
        "VM",
        vm,
        resident_on=host,
        scheduled_to_be_resident_on=NULL,
        domid=domain.domid,
        power_state="Paused" if paused else "Running",
    )
    if call.pool.faults.is_armed("cpu_follows_host"):
        placement.note_cpu(call.pool, vm, host)
    operations.set_attached(call.pool, vm, attached=True)
    operations.refresh(call.pool, vm)
    announce(call.pool, vm, "VM_RESUMED", f"resumed {place(call.pool, host)}")


def drop_image(call: Call, vm: str) -> None:
    """The image is of no use once the guest runs again or is given up."""
    image = call.database.read("VM", vm, "suspend_VDI")
    if image == NULL:
        return
    call.database.update("VM", vm, suspend_VDI=NULL)
    if call.database.has("VDI", image):
        storage_rules.drop_vdi(call.pool, image)


OPERATIONS: dict[str, Handler] = {
    "VM.suspend": suspend,
    "VM.resume": resume,
    "VM.resume_on": resume_on,
}
