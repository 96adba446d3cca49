"""Will XAPI let this guest go: is it here, running, idle, free, suspendable, and movable?"""

from hostagent.model.finding import Finding, Reason, passed, refused
from hostagent.model.records import GuestMetricsRecord, HostRecord, VmRecord

POOL_MIGRATE = "pool_migrate"
MIGRATE_SEND = "migrate_send"
CANT_SUSPEND = "data-cant-suspend-reason"


def here(vm: VmRecord, host: HostRecord, found_at: str) -> list[Finding]:
    """A VM that runs elsewhere has moved; one that runs nowhere is judged by `running`."""
    subject = f"instance/{vm.name}"
    if vm.resident_on == host.ref:
        return [
            passed(
                Reason.INSTANCE_MOVED, subject, f"{vm.name} is on {host.name}", host_id=host.uuid
            )
        ]
    if not vm.resident_on:
        return []
    return [
        refused(
            Reason.INSTANCE_MOVED,
            subject,
            f"{vm.name} is on {found_at}, not on {host.name}",
            "ask again: the inventory is about to follow",
            host_id=found_at,
        )
    ]


def running(vm: VmRecord) -> Finding:
    """Only what runs can move live; a paused guest can't either (XAPI A9)."""
    subject = f"instance/{vm.name}"
    if vm.running:
        return passed(
            Reason.INSTANCE_NOT_RUNNING,
            subject,
            f"{vm.name} is running",
            power_state=vm.power_state,
        )
    return refused(
        Reason.INSTANCE_NOT_RUNNING,
        subject,
        f"{vm.name} is {vm.power_state.lower()}; only a running instance moves live",
        "start or resume the instance, or start it at the destination",
        power_state=vm.power_state,
    )


def idle(vm: VmRecord) -> Finding:
    """XAPI would queue a move behind another operation for up to two hours (XAPI A9)."""
    subject = f"instance/{vm.name}"
    busy = ", ".join(sorted(set(vm.current_operations.values())))
    if not busy:
        return passed(Reason.OPERATION_IN_PROGRESS, subject, f"XAPI does nothing to {vm.name}")
    return refused(
        Reason.OPERATION_IN_PROGRESS,
        subject,
        f"XAPI is busy with {busy} on {vm.name}",
        "wait until it has ended",
        current_operations=busy,
    )


def unblocked(vm: VmRecord, operation: str = POOL_MIGRATE) -> Finding:
    """An operator may forbid an operation on a VM, with a reason."""
    subject = f"instance/{vm.name}"
    if operation not in vm.blocked_operations:
        return passed(Reason.OPERATION_BLOCKED, subject, f"{operation} is not blocked on {vm.name}")
    why = vm.blocked_operations[operation]
    return refused(
        Reason.OPERATION_BLOCKED,
        subject,
        f"{operation} is blocked on {vm.name}: {why or 'no reason given'}",
        f"remove {operation} from the VM's blocked_operations",
        blocked_because=why,
    )


def protection(vm: VmRecord, own_vm: str, tag: str) -> str:
    """Return why the VM is never moved; empty: it may be (R16 of XAPI)."""
    if vm.uuid == own_vm:
        return "this agent runs in it"
    if tag in vm.tags or tag in vm.other_config:
        return f"it bears {tag}"
    return "" if vm.ordinary else "it is a template, a snapshot or a control domain"


def unprotected(vm: VmRecord, own_vm: str, tag: str) -> list[Finding]:
    """The agent's own VM and the infrastructure's stay where they are, as do control domains."""
    subject = f"instance/{vm.name}"
    why = protection(vm, own_vm, tag)
    if not why:
        text = f"{vm.name} is not protected"
        return [passed(Reason.INSTANCE_PROTECTED, subject, text)]
    remedy = f"remove {tag} if it may move" if tag in why else "move another instance"
    return [refused(Reason.INSTANCE_PROTECTED, subject, f"{vm.name} is protected: {why}", remedy)]


def mobile(vm: VmRecord, *, immobile: bool, nested: bool) -> Finding:
    """XAPI marks guests that can't move, among them those with virtual machines inside (A9.6)."""
    subject = f"instance/{vm.name}"
    figures = {"nomigrate": immobile, "nested_virt": nested}
    if not immobile and not nested:
        text = f"XAPI does not mark {vm.name} as immobile"
        return passed(Reason.INSTANCE_IMMOBILE, subject, text, **figures)
    why = "it uses nested virtualisation" if nested else "it is marked so"
    text = f"XAPI says that {vm.name} can't move: {why}"
    remedy = "switch nested virtualisation off (platform:nested-virt) and restart the instance"
    return refused(Reason.INSTANCE_IMMOBILE, subject, text, remedy, **figures)


def suspendable(vm: VmRecord, metrics: GuestMetricsRecord | None) -> Finding:
    """The guest is suspended for the last moment of the move, which needs its help (XAPI A9.8)."""
    subject = f"instance/{vm.name}"
    why = metrics.other.get(CANT_SUSPEND, "") if metrics else ""
    if why:
        return refused(
            Reason.GUEST_NOT_SUSPENDABLE,
            subject,
            f"the guest of {vm.name} says that it can't be suspended: {why}",
            "see to the reason inside the guest",
            cant_suspend_reason=why,
        )
    willing = metrics is not None and (metrics.pv_drivers or "feature-suspend" in metrics.other)
    if vm.hvm and not willing:
        return refused(
            Reason.GUEST_NOT_SUSPENDABLE,
            subject,
            f"the guest of {vm.name} shows no PV drivers",
            "install the guest tools, or wait until they have started",
            pv_drivers=False,
        )
    return passed(Reason.GUEST_NOT_SUSPENDABLE, subject, f"the guest of {vm.name} can be suspended")
