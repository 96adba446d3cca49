"""XAPI's refusals in our words; the raw array always goes along."""

from collections.abc import Mapping, Sequence

from hostagent.model.finding import Finding, Reason, Severity

_REASONS: Mapping[str, Reason] = {
    "VM_REQUIRES_SR": Reason.STORAGE_NOT_SHARED,
    "SR_NOT_ATTACHED": Reason.STORAGE_NOT_SHARED,
    "HOST_NOT_ENOUGH_FREE_MEMORY": Reason.INSUFFICIENT_MEMORY,
    "VMS_FAILED_TO_COOPERATE": Reason.INSUFFICIENT_MEMORY,
    "VM_REQUIRES_NETWORK": Reason.NETWORK_NOT_AVAILABLE,
    "HOST_CANNOT_ATTACH_NETWORK": Reason.NETWORK_NOT_AVAILABLE,
    "VM_INCOMPATIBLE_WITH_THIS_HOST": Reason.CPU_INCOMPATIBLE,
    "HOST_DISABLED": Reason.DEST_DISABLED,
    "HOST_NOT_LIVE": Reason.DEST_NOT_ALIVE,
    "HOST_OFFLINE": Reason.DEST_NOT_ALIVE,
    "LICENCE_RESTRICTION": Reason.LICENCE_RESTRICTION,
    "OTHER_OPERATION_IN_PROGRESS": Reason.OPERATION_IN_PROGRESS,
    "OPERATION_BLOCKED": Reason.OPERATION_BLOCKED,
    "VM_BAD_POWER_STATE": Reason.INSTANCE_NOT_RUNNING,
    "VM_LACKS_FEATURE": Reason.GUEST_NOT_SUSPENDABLE,
    "VM_NON_SUSPENDABLE": Reason.GUEST_NOT_SUSPENDABLE,
    "VM_HAS_PCI_ATTACHED": Reason.DEVICE_NOT_MIGRATABLE,
    "VM_HAS_VGPU": Reason.DEVICE_NOT_MIGRATABLE,
    "VM_HAS_VUSBS": Reason.DEVICE_NOT_MIGRATABLE,
    "NOT_SUPPORTED_DURING_UPGRADE": Reason.DEST_OLDER,
    "VM_HOST_INCOMPATIBLE_VERSION": Reason.DEST_OLDER,
}

_REMEDY = "see to what XAPI says, then ask again"


def reason_of(error: Sequence[str], otherwise: Reason = Reason.XAPI_REFUSED) -> Reason:
    """Return our reason for an error array."""
    return _REASONS.get(error[0], otherwise) if error else otherwise


def finding(subject: str, error: Sequence[str], otherwise: Reason = Reason.XAPI_REFUSED) -> Finding:
    """Return an error array as a finding."""
    return Finding(
        reason_of(error, otherwise),
        Severity.ERROR,
        subject,
        f"XAPI says {' '.join(error)}" if error else "XAPI does not say why",
        _REMEDY,
        tuple(error),
    )
