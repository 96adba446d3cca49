"""Memory arithmetic: what a VM needs, what a host has left; a moving VM counts at both ends."""

import math

from xapisim.classes.pool import Pool
from xapisim.values import Value

MIB = 1024 * 1024


def overhead_bytes(fields: dict[str, Value]) -> int:
    """What the hypervisor needs beside the guest's own memory (the formula of xapi 26.x)."""
    vcpus: int = fields["VCPUs_max"]
    static_mib: int = fields["memory_static_max"] // MIB
    shadow = math.ceil((256 * vcpus + 2 * static_mib) / 256)
    scaled: int = max(1, math.trunc(fields["HVM_shadow_multiplier"] * shadow))
    fixed = 1 if fields["domain_type"] == "pv" else 2
    per_vcpu = math.ceil(38 * vcpus / 256)
    return (fixed + scaled + per_vcpu) * MIB


def needed_bytes(fields: dict[str, Value]) -> int:
    """What a host must have free to take the VM."""
    rounded: int = math.ceil(fields["memory_dynamic_min"] / MIB) * MIB
    overhead: int = fields["memory_overhead"] or overhead_bytes(fields)
    return rounded + overhead


def free_bytes(pool: Pool, host: str, ignore_scheduled: str = "") -> int:
    """What host.compute_free_memory says; `ignore_scheduled` is a VM whose reservation does not
    count.
    """
    fields = pool.database.row("host", host).fields
    metrics = pool.database.tables["host_metrics"].rows.get(fields["metrics"])
    total: int = 0 if metrics is None else metrics.fields["memory_total"]
    used: int = fields["memory_overhead"]
    for vm in pool.database.rows("VM"):
        resident = vm.fields["resident_on"] == host
        scheduled = vm.fields["scheduled_to_be_resident_on"] == host and vm.ref != ignore_scheduled
        if resident or scheduled:
            used += vm.fields["memory_dynamic_min"] + vm.fields["memory_overhead"]
    return max(0, total - used)
