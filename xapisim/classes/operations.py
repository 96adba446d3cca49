"""The VM operations matrix: what may be done to a VM in which state, and the error of what may not.

Lists and their order were recorded on xapi 26.17; the order of the checks is XAPI's: the first
error wins.
"""

from collections.abc import Iterator

from xapisim.classes import guest_tools, storage_rules
from xapisim.classes.pool import Pool
from xapisim.errors import XapiError
from xapisim.values import NULL, Value

_EDITS = "changing_NVRAM changing_shadow_memory changing_static_range changing_dynamic_range"
_BY_STATE = {
    state: tuple(words.split())
    for state, words in {
        "Halted": "create_vtpm destroy metadata_export export make_into_template "
        f"{_EDITS} migrate_send start_on start copy clone snapshot",
        "Running": "sysprep metadata_export changing_VCPUs_live changing_dynamic_range "
        "migrate_send pool_migrate suspend hard_reboot hard_shutdown clean_reboot clean_shutdown "
        "pause checkpoint snapshot",
        "Paused": "metadata_export hard_reboot hard_shutdown unpause checkpoint snapshot",
        "Suspended": "destroy metadata_export export migrate_send resume_on resume hard_shutdown "
        "checkpoint snapshot",
    }.items()
}
_TEMPLATE = tuple(
    f"destroy metadata_export export {_EDITS} migrate_send provision copy clone".split()
)
_SNAPSHOT = ("destroy", "metadata_export", "export", "revert", "copy", "clone")
_CONTROL_DOMAIN = ("metadata_export", "changing_static_range", "changing_dynamic_range")
_NEEDS_DRIVERS = frozenset(
    {
        "changing_VCPUs_live",
        "migrate_send",
        "pool_migrate",
        "suspend",
        "clean_reboot",
        "clean_shutdown",
        "checkpoint",
    }
)
_DURING_MIGRATION = ("hard_reboot", "hard_shutdown")
_DURING_SEND = (
    "metadata_export",
    "hard_reboot",
    "hard_shutdown",
    "clean_reboot",
    "clean_shutdown",
)
_DURING_SNAPSHOT = ("hard_reboot", "hard_shutdown", "checkpoint", "snapshot")
_BESIDE = {
    "pool_migrate": _DURING_MIGRATION,
    "migrate_send": _DURING_SEND,
    "snapshot": _DURING_SNAPSHOT,
    "checkpoint": _DURING_SNAPSHOT,
}
"""What may be done to a VM while it moves or is copied (recorded on xapi 26.17)."""
_STATES = {
    "start": ("Halted",),
    "start_on": ("Halted",),
    "make_into_template": ("Halted",),
    "provision": ("Halted",),
    "pause": ("Running",),
    "pool_migrate": ("Running",),
    "suspend": ("Running",),
    "clean_shutdown": ("Running",),
    "clean_reboot": ("Running",),
    "call_plugin": ("Running",),
    "send_sysrq": ("Running",),
    "send_trigger": ("Running",),
    "set_suspend_VDI": ("Suspended",),
    "checkpoint": ("Running", "Suspended", "Paused"),
    "unpause": ("Paused",),
    "resume": ("Suspended",),
    "resume_on": ("Suspended",),
    "hard_reboot": ("Paused", "Running"),
    "hard_shutdown": ("Paused", "Suspended", "Running"),
    "shutdown": ("Paused", "Suspended", "Running"),
    "migrate_send": ("Halted", "Suspended", "Running"),
    "destroy": ("Halted", "Suspended"),
    "export": ("Halted", "Suspended"),
    "clone": ("Halted",),
}
_CONTROL_DOMAIN_TEXT = "This operation is not allowed on a control domain"


def allowed(pool: Pool, vm: str) -> list[str]:
    """What VM.allowed_operations says now."""
    fields = pool.database.row("VM", vm).fields
    running = set(fields["current_operations"].values())
    possible = _possible(fields)
    if running:
        beside = _BESIDE.get(next(iter(running)), ()) if len(running) == 1 else ()
        possible = tuple(operation for operation in beside if operation in possible)
    elif fields["power_state"] == "Running" and not guest_tools.has_drivers(pool, fields):
        possible = tuple(op for op in possible if op not in _NEEDS_DRIVERS)
    return [operation for operation in possible if operation not in fields["blocked_operations"]]


def _possible(fields: dict[str, Value]) -> tuple[str, ...]:
    if fields["is_control_domain"]:
        return _CONTROL_DOMAIN
    if fields["is_a_snapshot"]:
        stop = ("hard_shutdown",) if fields["power_state"] == "Suspended" else ()
        return _SNAPSHOT + stop
    if fields["is_a_template"]:
        return _TEMPLATE
    return _BY_STATE[fields["power_state"]]


def refresh(pool: Pool, vm: str) -> None:
    """Writes VM.allowed_operations if they changed."""
    operations = allowed(pool, vm)
    if pool.database.read("VM", vm, "allowed_operations") != operations:
        pool.database.update("VM", vm, allowed_operations=operations)


def check(pool: Pool, vm: str, operation: str, *, strict: bool = True) -> None:
    """Raises the first reason against the operation; `strict` off is pool_migrate's force=true."""
    fields = pool.database.row("VM", vm).fields
    if operation in fields["blocked_operations"]:
        raise XapiError("OPERATION_BLOCKED", vm, fields["blocked_operations"][operation])
    check_power_state(pool, vm, operation)
    _check_other_operations(vm, operation, fields)
    _check_kind(vm, operation, fields)
    if strict:
        _check_mobility(pool, vm, operation, fields)


def check_power_state(pool: Pool, vm: str, operation: str) -> None:
    state = pool.database.row("VM", vm).fields["power_state"]
    states = _STATES.get(operation)
    if states is not None and state not in states:
        expected = ", ".join(name.lower() for name in states)
        raise XapiError("VM_BAD_POWER_STATE", vm, expected, state.lower())


def _check_other_operations(vm: str, operation: str, fields: dict[str, Value]) -> None:
    for task, running in fields["current_operations"].items():
        if operation in _BESIDE.get(running, ()):
            continue
        raise XapiError("OTHER_OPERATION_IN_PROGRESS", "VM", vm, running, task)


def _check_kind(vm: str, operation: str, fields: dict[str, Value]) -> None:
    if fields["is_a_snapshot"] and operation not in _SNAPSHOT:
        raise XapiError("VM_IS_SNAPSHOT", vm, operation)
    is_template = fields["is_a_template"] and not fields["is_a_snapshot"]
    if is_template and operation not in _TEMPLATE:
        raise XapiError("VM_IS_TEMPLATE", vm, operation)
    if fields["is_control_domain"] and operation not in _CONTROL_DOMAIN:
        raise XapiError("OPERATION_NOT_ALLOWED", _CONTROL_DOMAIN_TEXT)


def _check_mobility(pool: Pool, vm: str, operation: str, fields: dict[str, Value]) -> None:
    metrics = pool.database.tables["VM_metrics"].rows.get(fields["metrics"])
    moves = operation in ("pool_migrate", "migrate_send", "suspend", "checkpoint")
    if (
        moves
        and metrics is not None
        and (metrics.fields["nomigrate"] or metrics.fields["nested_virt"])
    ):
        raise XapiError("VM_IS_IMMOBILE", vm)
    running = fields["power_state"] == "Running"
    if running and operation in _NEEDS_DRIVERS and not guest_tools.has_drivers(pool, fields):
        raise XapiError("VM_LACKS_FEATURE", vm)


def set_attached(pool: Pool, vm: str, *, attached: bool) -> None:
    mark_attached(pool, vm, attached=attached)
    storage_rules.refresh_devices(pool, vm)


def mark_attached(pool: Pool, vm: str, *, attached: bool) -> None:
    """A VM without a domain has no disk and no interface attached."""
    fields = pool.database.row("VM", vm).fields
    for class_name in ("VBD", "VIF"):
        for ref in fields[f"{class_name}s"]:
            if pool.database.read(class_name, ref, "currently_attached") != attached:
                pool.database.update(class_name, ref, currently_attached=attached)


def halt(pool: Pool, vm: str) -> None:
    """Makes the record that of a VM that runs nowhere."""
    call_halted(pool, vm)
    storage_rules.refresh_devices(pool, vm)


def _attached(pool: Pool, vm: str) -> Iterator[tuple[str, str]]:
    for class_name in ("VBD", "VIF"):
        for ref in pool.database.read("VM", vm, f"{class_name}s"):
            if pool.database.read(class_name, ref, "currently_attached"):
                yield class_name, ref


def call_halted(pool: Pool, vm: str) -> None:
    """What a restarted toolstack makes of a VM that it can't find: what may be done to its devices
    stays as it was (recorded on xapi 26.17).
    """
    for domain in pool.hypervisor.of_vm(pool.database.read("VM", vm, "uuid")):
        domain.devices = tuple(_attached(pool, vm))
    pool.database.update(
        "VM",
        vm,
        power_state="Halted",
        resident_on=NULL,
        scheduled_to_be_resident_on=NULL,
        domid=-1,
    )
    mark_attached(pool, vm, attached=False)
    refresh(pool, vm)
