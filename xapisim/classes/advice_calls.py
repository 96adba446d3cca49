"""What a planner asks about a VM or a host before anything is done: may it move, would it fit."""

from xapisim.classes import memory, operations, placement
from xapisim.classes.call import Call, Handler
from xapisim.classes.ha import plan
from xapisim.errors import XapiError
from xapisim.values import VOID, Value


def assert_agile(call: Call, vm: str) -> Value:
    """Whether HA could start the VM on every host: shared storage, networks that all hosts have."""
    db = call.database
    db.row("VM", vm)
    for sr in placement.required_srs(call.pool, vm):
        if not db.read("SR", sr, "shared"):
            raise XapiError("HA_CONSTRAINT_VIOLATION_SR_NOT_SHARED", sr)
    hosts = set(db.refs("host"))
    for vif in db.read("VM", vm, "VIFs"):
        network = db.read("VIF", vif, "network")
        pifs = db.read("network", network, "PIFs")
        if {db.read("PIF", pif, "host") for pif in pifs} != hosts:
            raise XapiError("HA_CONSTRAINT_VIOLATION_NETWORK_NOT_SHARED", network)
    return VOID


def maximise_memory(call: Call, vm: str, total: int, _approximate: bool) -> Value:
    """The largest static maximum whose overhead still fits into `total` beside it."""
    fields = call.database.row("VM", vm).fields
    step = memory.MIB
    low, high = 0, total // step
    while low < high:
        middle = (low + high + 1) // 2
        fitting = {**fields, "memory_static_max": middle * step}
        if middle * step + memory.overhead_bytes(fitting) <= total:
            low = middle
        else:
            high = middle - 1
    return low * step


def get_data_sources(call: Call, vm: str) -> Value:
    """Nothing measures the simulated guests."""
    call.database.row("VM", vm)
    return []


def has_extension(call: Call, host: str, _name: str) -> Value:
    call.database.row("host", host)
    return False


def get_vms_which_prevent_evacuation(call: Call, host: str) -> Value:
    """Every guest that can't leave, with the error that says why."""
    db = call.database
    targets = [
        row.ref for row in db.rows("host") if row.ref != host and _takes_guests(call, row.ref)
    ]
    reasons = {}
    for vm in db.row("host", host).fields["resident_VMs"]:
        if not db.read("VM", vm, "is_control_domain"):
            reason = _reason_to_stay(call, vm, targets)
            if reason:
                reasons[vm] = reason
    return reasons


def _takes_guests(call: Call, host: str) -> bool:
    return bool(call.database.read("host", host, "enabled")) and placement.is_live(call.pool, host)


def _reason_to_stay(call: Call, vm: str, targets: list[str]) -> list[str]:
    """A VM has to be able to run on every target, as XAPI has it."""
    if not targets:
        return ["NO_HOSTS_AVAILABLE", vm]
    priority = call.database.read("VM", vm, "ha_restart_priority")
    if plan.is_enabled(call.pool) and priority != plan.PROTECTED:
        return ["HOST_EVACUATE_VM_NOT_HA_PROTECTED", vm]
    try:
        operations.check(call.pool, vm, "pool_migrate")
        for target in targets:
            placement.check(call.pool, vm, target, with_cpu=True)
    except XapiError as error:
        if error.code == "HOST_NOT_ENOUGH_FREE_MEMORY":
            return [error.code, vm]
        return error.description
    return []


METHODS: dict[str, Handler] = {
    "VM.assert_agile": assert_agile,
    "VM.maximise_memory": maximise_memory,
    "VM.get_data_sources": get_data_sources,
    "host.has_extension": has_extension,
    "host.get_vms_which_prevent_evacuation": get_vms_which_prevent_evacuation,
}
