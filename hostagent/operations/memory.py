"""XAPI's arithmetic of memory (XAPI A12), for what can't be asked."""

import math

from hostagent.model.records import VmRecord

MIB = 1024 * 1024


def needed(vm: VmRecord) -> int:
    """Return the bytes that a host must have free to take the VM: its least, and the overhead."""
    return -(-vm.memory_dynamic_min // MIB) * MIB + (vm.memory_overhead or overhead(vm))


def overhead(vm: VmRecord) -> int:
    """Return the bytes that a hypervisor of 26.x needs beside the guest's own memory."""
    shadow = math.ceil((256 * vm.vcpus_max + 2 * (vm.memory_static_max // MIB)) / 256)
    scaled = max(1, math.trunc(vm.shadow_multiplier * shadow))
    fixed = 1 if vm.paravirtual else 2
    return (fixed + scaled + math.ceil(38 * vm.vcpus_max / 256)) * MIB


def reserved(vm: VmRecord) -> int:
    """Return the bytes that XAPI counts for a VM on a host where it is, or is expected."""
    return vm.memory_dynamic_min + vm.memory_overhead
