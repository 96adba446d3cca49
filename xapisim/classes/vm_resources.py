"""VM.set_*: memory and processors, which XAPI lets change only within their limits."""

from xapisim.classes.call import Call, Handler
from xapisim.errors import XapiError
from xapisim.values import VOID, Value

_ORDER = ("memory_static_min", "memory_dynamic_min", "memory_dynamic_max", "memory_static_max")
_VCPU_RULE = "VCPU values must satisfy: 0 < VCPUs_at_startup ≤ VCPUs_max"


def _set_memory(call: Call, vm: str, **limits: int) -> Value:
    """Writes limits that keep their order: static within which dynamic."""
    fields = call.database.row("VM", vm).fields
    values: list[int] = [limits[name] if name in limits else fields[name] for name in _ORDER]
    if values != sorted(values):
        raise XapiError("MEMORY_CONSTRAINT_VIOLATION_ORDER")
    call.database.write("VM", vm, dict(limits))
    return VOID


def set_memory_limits(
    call: Call, vm: str, static_min: int, static_max: int, dynamic_min: int, dynamic_max: int
) -> Value:
    return _set_memory(
        call,
        vm,
        memory_static_min=static_min,
        memory_static_max=static_max,
        memory_dynamic_min=dynamic_min,
        memory_dynamic_max=dynamic_max,
    )


def set_memory_dynamic_range(call: Call, vm: str, low: int, high: int) -> Value:
    return _set_memory(call, vm, memory_dynamic_min=low, memory_dynamic_max=high)


def set_memory_static_range(call: Call, vm: str, low: int, high: int) -> Value:
    return _set_memory(call, vm, memory_static_min=low, memory_static_max=high)


def set_memory_static_max(call: Call, vm: str, value: int) -> Value:
    return _set_memory(call, vm, memory_static_max=value)


def set_memory(call: Call, vm: str, value: int) -> Value:
    """All of it fixed: what the guest gets is what it may get."""
    return _set_memory(
        call, vm, memory_dynamic_min=value, memory_dynamic_max=value, memory_static_max=value
    )


def set_vcpus_max(call: Call, vm: str, value: int) -> Value:
    at_startup = call.database.read("VM", vm, "VCPUs_at_startup")
    return _set_vcpus(call, vm, value, fits=0 < at_startup <= value, field="VCPUs_max")


def set_vcpus_at_startup(call: Call, vm: str, value: int) -> Value:
    most = call.database.read("VM", vm, "VCPUs_max")
    return _set_vcpus(call, vm, value, fits=0 < value <= most, field="VCPUs_at_startup")


def _set_vcpus(call: Call, vm: str, value: int, *, fits: bool, field: str) -> Value:
    if not fits:
        raise XapiError("INVALID_VALUE", _VCPU_RULE, str(value))
    call.database.write("VM", vm, {field: value})
    return VOID


METHODS: dict[str, Handler] = {
    "VM.set_memory": set_memory,
    "VM.set_memory_limits": set_memory_limits,
    "VM.set_memory_dynamic_range": set_memory_dynamic_range,
    "VM.set_memory_static_range": set_memory_static_range,
    "VM.set_memory_static_max": set_memory_static_max,
    "VM.set_VCPUs_max": set_vcpus_max,
    "VM.set_VCPUs_at_startup": set_vcpus_at_startup,
}
