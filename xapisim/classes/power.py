"""VM power operations: start, shutdown, reboot, pause; each as the VM's current operation, in its
turn.
"""

from xapisim.classes import (
    device_calls,
    guest_tools,
    operations,
    placement,
    reach,
    storage_rules,
    suspension,
)
from xapisim.classes.announcements import announce, place
from xapisim.classes.call import Call, Handler
from xapisim.classes.ha import plan
from xapisim.errors import XapiError
from xapisim.hypervisor import DomainState
from xapisim.values import NULL, VOID, Value

START_S = 1.0
SHUTDOWN_S = 1.0
REBOOT_S = 2.0
DEVICE_MODEL = "qemu-upstream-compat"
GENERIC_BIOS = {
    "bios-vendor": "Xen",
    "bios-version": "",
    "system-manufacturer": "Xen",
    "system-product-name": "HVM domU",
    "system-version": "",
    "system-serial-number": "",
    "baseboard-manufacturer": "",
    "baseboard-product-name": "",
    "baseboard-version": "",
    "baseboard-serial-number": "",
    "baseboard-asset-tag": "",
    "baseboard-location-in-chassis": "",
    "enclosure-asset-tag": "",
    "hp-rombios": "",
    "oem-1": "Xen",
    "oem-2": "MS_VM_CERT/SHA1/bdbeb6e0a816d43fa6d3fe8aaef04c2bad9d3e3d",
}


async def start(call: Call, vm: str, start_paused: bool, _force: bool) -> Value:
    """Takes the first host that can run it."""
    async with call.engine.gates.operation(vm, "start", call.task):
        host = placement.first_host(call.pool, lambda host: _check(call, vm, host))
        await reach.reach(call.pool, host)
        await _boot(call, vm, host, paused=start_paused)
    return VOID


async def start_on(call: Call, vm: str, host: str, start_paused: bool, _force: bool) -> Value:
    call.database.row("VM", vm)
    call.database.row("host", host)
    async with call.engine.gates.operation(vm, "start_on", call.task):
        _check(call, vm, host)
        await reach.reach(call.pool, host)
        await _boot(call, vm, host, paused=start_paused)
    return VOID


def _check(call: Call, vm: str, host: str) -> None:
    placement.check(call.pool, vm, host, with_cpu=False)
    if call.session:
        plan.check_guest(call.pool, vm, host)


async def _boot(call: Call, vm: str, host: str, *, paused: bool) -> None:
    call.database.update("VM", vm, scheduled_to_be_resident_on=host)
    _complete(call, vm)
    await call.pool.clock.sleep(START_S)
    if host in call.pool.dead:
        call.database.update("VM", vm, scheduled_to_be_resident_on=NULL)
        raise XapiError("CANNOT_CONTACT_HOST", host)
    host_fields = call.database.row("host", host).fields
    state = DomainState.PAUSED if paused else DomainState.RUNNING
    uuid = call.database.read("VM", vm, "uuid")
    domain = call.pool.hypervisor.create(uuid, host_fields["uuid"], state)
    call.database.update(
        "VM",
        vm,
        resident_on=host,
        scheduled_to_be_resident_on=NULL,
        domid=domain.domid,
        power_state="Paused" if paused else "Running",
        memory_target=call.database.read("VM", vm, "memory_dynamic_max"),
    )
    placement.note_cpu(call.pool, vm, host)
    operations.set_attached(call.pool, vm, attached=True)
    _report_tools(call, vm)
    storage_rules.refresh_devices(call.pool, vm)
    announce(call.pool, vm, "VM_STARTED", f"started {place(call.pool, host)}")


def _complete(call: Call, vm: str) -> None:
    """What XAPI fills in when a VM starts for the first time (recorded on xapi 26.17)."""
    fields = call.database.row("VM", vm).fields
    if fields["domain_type"] != "pv" and "device-model" not in fields["platform"]:
        platform = {"device-model": DEVICE_MODEL, **fields["platform"]}
        call.database.update("VM", vm, platform=platform)
    if fields["domain_type"] != "pv" and not fields["bios_strings"]:
        call.database.update("VM", vm, bios_strings=GENERIC_BIOS)
    for vbd in fields["VBDs"]:
        if not call.database.read("VBD", vbd, "device"):
            number = call.database.read("VBD", vbd, "userdevice")
            call.database.update("VBD", vbd, device=device_calls.device_name(number))


def _report_tools(call: Call, vm: str) -> None:
    """The guest's agent says that its drivers are there; without that a VM can't be moved."""
    fields = call.database.row("VM", vm).fields
    has_report = call.database.has("VM_guest_metrics", fields["guest_metrics"])
    if has_report or vm in call.pool.without_tools:
        return
    report = {
        "PV_drivers_detected": True,
        "PV_drivers_up_to_date": True,
        "other": {"feature-suspend": "1"},
        "live": True,
        "last_updated": call.pool.clock.stamp(),
    }
    call.database.update("VM", vm, guest_metrics=call.pool.add("VM_guest_metrics", report))


async def clean_shutdown(call: Call, vm: str) -> Value:
    async with call.engine.gates.operation(vm, "clean_shutdown", call.task):
        await reach.home(call.pool, vm)
        await call.engine.sends.memory_moved(vm)
        await call.pool.clock.sleep(SHUTDOWN_S)
        _stop(call, vm)
        announce(call.pool, vm, "VM_SHUTDOWN", "shutdown")
    return VOID


async def hard_shutdown(call: Call, vm: str) -> Value:
    """Cancels a live migration that is under way, waits for it, and then stops the guest."""
    operations.check_power_state(call.pool, vm, "hard_shutdown")
    await call.engine.migrations.cancel_and_wait(vm, call.engine.tasks)
    async with call.engine.gates.operation(vm, "hard_shutdown", call.task):
        await reach.home(call.pool, vm)
        await call.engine.sends.memory_moved(vm)
        _stop(call, vm)
        announce(call.pool, vm, "VM_SHUTDOWN", "shutdown forcibly")
    return VOID


async def shutdown(call: Call, vm: str) -> Value:
    """Asks the guest, and stops one that can't be asked (recorded on xapi 26.17)."""
    operations.check_power_state(call.pool, vm, "shutdown")
    fields = call.database.row("VM", vm).fields
    asks = fields["power_state"] == "Running" and guest_tools.has_drivers(call.pool, fields)
    return await (clean_shutdown if asks else hard_shutdown)(call, vm)


def _stop(call: Call, vm: str) -> None:
    fields = call.database.row("VM", vm).fields
    if call.database.has("host", fields["resident_on"]):
        host = call.database.read("host", fields["resident_on"], "uuid")
        domain = call.pool.hypervisor.find(fields["uuid"], host)
        if domain is not None:
            call.pool.hypervisor.destroy(domain)
    suspension.drop_image(call, vm)
    operations.halt(call.pool, vm)
    call.database.update("VM", vm, memory_target=0)


async def clean_reboot(call: Call, vm: str) -> Value:
    async with call.engine.gates.operation(vm, "clean_reboot", call.task):
        await reach.home(call.pool, vm)
        await call.engine.sends.memory_moved(vm)
        await _reboot(call, vm)
        announce(call.pool, vm, "VM_REBOOTED", "rebooted cleanly")
    return VOID


async def hard_reboot(call: Call, vm: str) -> Value:
    operations.check_power_state(call.pool, vm, "hard_reboot")
    await call.engine.migrations.cancel_and_wait(vm, call.engine.tasks)
    async with call.engine.gates.operation(vm, "hard_reboot", call.task):
        await reach.home(call.pool, vm)
        await call.engine.sends.memory_moved(vm)
        await _reboot(call, vm)
        announce(call.pool, vm, "VM_REBOOTED", "rebooted forcibly")
    return VOID


async def _reboot(call: Call, vm: str) -> None:
    await call.pool.clock.sleep(REBOOT_S)
    fields = call.database.row("VM", vm).fields
    host = call.database.read("host", fields["resident_on"], "uuid")
    old = call.pool.hypervisor.find(fields["uuid"], host)
    if old is not None:
        call.pool.hypervisor.destroy(old)
    domain = call.pool.hypervisor.create(fields["uuid"], host, DomainState.RUNNING)
    call.database.update("VM", vm, domid=domain.domid, power_state="Running")


async def pause(call: Call, vm: str) -> Value:
    async with call.engine.gates.operation(vm, "pause", call.task):
        await reach.home(call.pool, vm)
        _set_state(call, vm, DomainState.PAUSED, "Paused")
        announce(call.pool, vm, "VM_PAUSED", "paused")
    return VOID


async def unpause(call: Call, vm: str) -> Value:
    async with call.engine.gates.operation(vm, "unpause", call.task):
        await reach.home(call.pool, vm)
        _set_state(call, vm, DomainState.RUNNING, "Running")
        announce(call.pool, vm, "VM_UNPAUSED", "unpaused")
    return VOID


def _set_state(call: Call, vm: str, state: DomainState, power_state: str) -> None:
    fields = call.database.row("VM", vm).fields
    host = call.database.read("host", fields["resident_on"], "uuid")
    domain = call.pool.hypervisor.find(fields["uuid"], host)
    if domain is not None:
        domain.state = state
    call.database.update("VM", vm, power_state=power_state)
    storage_rules.refresh_devices(call.pool, vm)


OPERATIONS: dict[str, Handler] = {
    "VM.start": start,
    "VM.start_on": start_on,
    "VM.clean_shutdown": clean_shutdown,
    "VM.hard_shutdown": hard_shutdown,
    "VM.shutdown": shutdown,
    "VM.clean_reboot": clean_reboot,
    "VM.hard_reboot": hard_reboot,
    "VM.pause": pause,
    "VM.unpause": unpause,
}
