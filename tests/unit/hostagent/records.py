"""Records as XAPI would tell them, with only what a test cares about."""

from dataclasses import replace
from typing import Any

from hostagent.model.records import HostRecord, TaskRecord, VmRecord

HERE = "OpaqueRef:here"
THERE = "OpaqueRef:there"
THIRD = "OpaqueRef:third"
TASK = "OpaqueRef:task"

_VM = VmRecord(
    ref="OpaqueRef:vm",
    uuid="0a7ddf0c-5fb0-4a43-8a38-6a1e2ef5bbd9",
    name="web-1",
    power_state="Running",
    resident_on=HERE,
    scheduled_on="",
    affinity="",
    ordinary=True,
    memory_dynamic_min=1 << 30,
    memory_overhead=9 << 20,
    vcpus_max=2,
    hvm=True,
    vbds=(),
    vifs=(),
    vgpus=(),
    vusbs=(),
    pcis=(),
    guest_metrics="",
    tags=(),
    allowed_operations=frozenset({"pool_migrate"}),
    current_operations={},
    blocked_operations={},
    last_boot_cpu={},
    other_config={},
)
_TASK = TaskRecord(
    ref=TASK,
    uuid="3c9d28a5-27a8-4a63-a5f9-27c0f2d2d6f2",
    name="Async.VM.pool_migrate",
    status="pending",
    progress=0.0,
    cancellable=False,
    error_info=(),
    other_config={},
)
_HOST = HostRecord(
    ref=HERE,
    uuid="11111111-1111-4111-8111-111111111111",
    name="xs1",
    address="10.0.0.1",
    enabled=True,
    metrics="",
    software_version={},
    cpu_info={},
)


def a_vm(**changes: Any) -> VmRecord:
    """Return a VM that runs on `HERE`, idle."""
    return replace(_VM, **changes)


def a_task(**changes: Any) -> TaskRecord:
    """Return a task that has just begun."""
    return replace(_TASK, **changes)


def a_host(**changes: Any) -> HostRecord:
    """Return the host `HERE`."""
    return replace(_HOST, **changes)
