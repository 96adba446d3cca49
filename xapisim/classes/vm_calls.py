"""VM.*: the questions about placement and operations, and the records' birth and death."""

from xapisim.classes import memory, operations, placement
from xapisim.classes.call import Call, Handler
from xapisim.errors import XapiError
from xapisim.values import NULL, VOID, Value


def assert_can_boot_here(call: Call, vm: str, host: str) -> Value:
    call.database.row("host", host)
    placement.check_version(call.pool, vm, host)
    placement.check(call.pool, vm, host, with_cpu=True)
    return VOID


def get_possible_hosts(call: Call, vm: str) -> Value:
    """While the VM moves, its destination alone; else every live host that could take it."""
    scheduled = call.database.read("VM", vm, "scheduled_to_be_resident_on")
    if scheduled != NULL:
        return [scheduled]
    return [host for host in call.database.refs("host") if _could_run(call, vm, host)]


def _could_run(call: Call, vm: str, host: str) -> bool:
    try:
        placement.check(call.pool, vm, host, with_cpu=False)
    except XapiError:
        return False
    return True


def assert_operation_valid(call: Call, vm: str, operation: str) -> Value:
    operations.check(call.pool, vm, operation)
    return VOID


def update_allowed_operations(call: Call, vm: str) -> Value:
    call.database.row("VM", vm)
    operations.refresh(call.pool, vm)
    return VOID


def compute_memory_overhead(call: Call, vm: str) -> Value:
    return memory.overhead_bytes(call.database.row("VM", vm).fields)


def create(call: Call, record: dict[str, Value]) -> Value:
    fields = {**record, "power_state": "Halted", "domid": -1, "resident_on": NULL}
    if fields.get("domain_type", "unspecified") == "unspecified":
        fields["domain_type"] = "hvm" if fields.get("HVM_boot_policy") else "pv"
    if fields["domain_type"] != "pv":
        policy = call.database.read("pool", call.pool.ref, "policy_no_vendor_device")
        vendor_device = fields.setdefault("has_vendor_device", not policy)
        fields.setdefault("hardware_platform_version", 2 if vendor_device else 0)
        fields.setdefault("generation_id", "0:0")
    seed = {"mac_seed": call.pool.ids.fresh_uuid()}
    fields["other_config"] = seed | fields.get("other_config", {})
    vm = call.pool.add("VM", fields)
    call.database.update("VM", vm, metrics=call.pool.add("VM_metrics", {}))
    overhead = memory.overhead_bytes(call.database.row("VM", vm).fields)
    call.database.update("VM", vm, memory_overhead=overhead)
    operations.refresh(call.pool, vm)
    return vm


def set_is_a_template(call: Call, vm: str, wanted: bool) -> Value:
    """Only a VM that runs nowhere becomes a template."""
    if wanted:
        operations.check(call.pool, vm, "make_into_template")
    call.database.update("VM", vm, is_a_template=wanted)
    operations.refresh(call.pool, vm)
    return VOID


def destroy(call: Call, vm: str) -> Value:
    """Takes the VM's devices with it; its disks stay."""
    operations.check(call.pool, vm, "destroy")
    fields = dict(call.database.record("VM", vm))
    for class_name in ("VBD", "VIF", "console"):
        for ref in fields[f"{class_name}s"]:
            call.database.delete(class_name, ref)
    call.database.delete("VM", vm)
    for class_name, field in (("VM_metrics", "metrics"), ("VM_guest_metrics", "guest_metrics")):
        if call.database.has(class_name, fields[field]):
            call.database.delete(class_name, fields[field])
    return VOID


METHODS: dict[str, Handler] = {
    "VM.assert_can_boot_here": assert_can_boot_here,
    "VM.get_possible_hosts": get_possible_hosts,
    "VM.assert_operation_valid": assert_operation_valid,
    "VM.update_allowed_operations": update_allowed_operations,
    "VM.compute_memory_overhead": compute_memory_overhead,
    "VM.create": create,
    "VM.set_is_a_template": set_is_a_template,
    "VM.destroy": destroy,
}
