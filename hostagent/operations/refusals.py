"""XAPI's refusals in our words; the raw array always goes along."""

from collections.abc import Mapping, Sequence

from hostagent.model.finding import Finding, Reason, Severity
from hostagent.xapi import internal_errors

_REASONS: Mapping[str, Reason] = {
    "VM_REQUIRES_SR": Reason.STORAGE_NOT_SHARED,
    "SR_NOT_ATTACHED": Reason.STORAGE_NOT_SHARED,
    "HOST_NOT_ENOUGH_FREE_MEMORY": Reason.INSUFFICIENT_MEMORY,
    "VMS_FAILED_TO_COOPERATE": Reason.INSUFFICIENT_MEMORY,
    "BALLOONING_TIMEOUT_BEFORE_MIGRATION": Reason.INSUFFICIENT_MEMORY,
    "HOST_NOT_ENOUGH_PCPUS": Reason.INSUFFICIENT_CPUS,
    "VM_REQUIRES_NETWORK": Reason.NETWORK_NOT_AVAILABLE,
    "HOST_CANNOT_ATTACH_NETWORK": Reason.NETWORK_NOT_AVAILABLE,
    "NETWORK_SRIOV_INSUFFICIENT_CAPACITY": Reason.NETWORK_NOT_AVAILABLE,
    "PIF_HAS_NO_NETWORK_CONFIGURATION": Reason.MIGRATION_NETWORK_UNUSABLE,
    "INTERFACE_HAS_NO_IP": Reason.MIGRATION_NETWORK_UNUSABLE,
    "PIF_NOT_PRESENT": Reason.MIGRATION_NETWORK_UNUSABLE,
    "REQUIRED_PIF_IS_UNPLUGGED": Reason.MIGRATION_NETWORK_UNUSABLE,
    "TLS_CONNECTION_FAILED": Reason.MIGRATION_NETWORK_UNUSABLE,
    "VM_INCOMPATIBLE_WITH_THIS_HOST": Reason.CPU_INCOMPATIBLE,
    "VM_HOST_INCOMPATIBLE_VIRTUAL_HARDWARE_PLATFORM_VERSION": Reason.HARDWARE_VERSION_UNSUPPORTED,
    "HOST_DISABLED": Reason.DEST_DISABLED,
    "HOST_NOT_LIVE": Reason.DEST_NOT_ALIVE,
    "HOST_OFFLINE": Reason.DEST_NOT_ALIVE,
    "CANNOT_CONTACT_HOST": Reason.DEST_NOT_ALIVE,
    "VM_MIGRATE_CONTACT_REMOTE_SERVICE_FAILED": Reason.DEST_NOT_ALIVE,
    "LICENCE_RESTRICTION": Reason.LICENCE_RESTRICTION,
    "OTHER_OPERATION_IN_PROGRESS": Reason.OPERATION_IN_PROGRESS,
    "OPERATION_BLOCKED": Reason.OPERATION_BLOCKED,
    "VM_BAD_POWER_STATE": Reason.INSTANCE_NOT_RUNNING,
    "VM_IS_TEMPLATE": Reason.INSTANCE_PROTECTED,
    "VM_IS_SNAPSHOT": Reason.INSTANCE_PROTECTED,
    "OPERATION_NOT_ALLOWED": Reason.XAPI_REFUSED,
    "VM_IS_IMMOBILE": Reason.INSTANCE_IMMOBILE,
    "VM_IS_USING_NESTED_VIRT": Reason.INSTANCE_IMMOBILE,
    "VM_LACKS_FEATURE": Reason.GUEST_NOT_SUSPENDABLE,
    "VM_NON_SUSPENDABLE": Reason.GUEST_NOT_SUSPENDABLE,
    "VM_FAILED_SUSPEND_ACKNOWLEDGMENT": Reason.GUEST_NOT_SUSPENDABLE,
    "VM_SUSPEND_TIMEOUT": Reason.GUEST_NOT_SUSPENDABLE,
    "VM_HAS_PCI_ATTACHED": Reason.DEVICE_NOT_MIGRATABLE,
    "VM_HAS_VGPU": Reason.DEVICE_NOT_MIGRATABLE,
    "VM_HAS_VUSBS": Reason.DEVICE_NOT_MIGRATABLE,
    "VM_HAS_SRIOV_VIF": Reason.DEVICE_NOT_MIGRATABLE,
    "VM_REQUIRES_GPU": Reason.DEVICE_NOT_MIGRATABLE,
    "VM_REQUIRES_IOMMU": Reason.DEVICE_NOT_MIGRATABLE,
    "VM_REQUIRES_VUSB": Reason.DEVICE_NOT_MIGRATABLE,
    "VDI_CBT_ENABLED": Reason.DISK_NOT_MIGRATABLE,
    "VDI_IS_ENCRYPTED": Reason.DISK_NOT_MIGRATABLE,
    "VDI_INCOMPATIBLE_TYPE": Reason.DISK_NOT_MIGRATABLE,
    "VDI_ON_BOOT_MODE_INCOMPATIBLE_WITH_OPERATION": Reason.DISK_NOT_MIGRATABLE,
    "SUSPEND_IMAGE_NOT_ACCESSIBLE": Reason.DISK_NOT_MIGRATABLE,
    "SR_DOES_NOT_SUPPORT_MIGRATION": Reason.DISK_NOT_MIGRATABLE,
    "SR_BACKEND_FAILURE_79": Reason.DISK_NOT_MIGRATABLE,
    "SR_BACKEND_FAILURE_109": Reason.DISK_NOT_MIGRATABLE,
    "SR_BACKEND_FAILURE_44": Reason.INSUFFICIENT_DISK_SPACE,
    "SR_SOURCE_SPACE_INSUFFICIENT": Reason.INSUFFICIENT_DISK_SPACE,
    "MIRROR_FAILED": Reason.STORAGE_FAILED,
    "VDI_COPY_FAILED": Reason.STORAGE_FAILED,
    "VDI_IO_ERROR": Reason.STORAGE_FAILED,
    "VDI_LOCATION_MISSING": Reason.STORAGE_FAILED,
    "LOCATION_NOT_UNIQUE": Reason.STORAGE_FAILED,
    "UNIMPLEMENTED_IN_SM_BACKEND": Reason.STORAGE_FAILED,
    "VDI_NOT_IN_MAP": Reason.DEVICES_CHANGED,
    "VIF_NOT_IN_MAP": Reason.DEVICES_CHANGED,
    "VM_TO_IMPORT_IS_NOT_NEWER_VERSION": Reason.INSTANCE_EXISTS_AT_DEST,
    "DUPLICATE_MAC_SEED": Reason.MAC_IN_USE,
    "MAC_STILL_EXISTS": Reason.MAC_IN_USE,
    "HA_OPERATION_WOULD_BREAK_FAILOVER_PLAN": Reason.HIGH_AVAILABILITY,
    "TOO_MANY_STORAGE_MIGRATES": Reason.TOO_MANY_MIGRATIONS,
    "NOT_SUPPORTED_DURING_UPGRADE": Reason.DEST_OLDER,
    "VM_HOST_INCOMPATIBLE_VERSION": Reason.DEST_OLDER,
    "VM_HOST_INCOMPATIBLE_VERSION_MIGRATE": Reason.DEST_OLDER,
    "VM_MIGRATE_FAILED": Reason.MIGRATION_FAILED,
    "TASK_CANCELLED": Reason.MIGRATION_CANCELLED,
    "SESSION_AUTHENTICATION_FAILED": Reason.XAPI_UNAVAILABLE,
    "SESSION_INVALID": Reason.XAPI_UNAVAILABLE,
    "HOST_IS_SLAVE": Reason.XAPI_UNAVAILABLE,
    "HOST_STILL_BOOTING": Reason.XAPI_UNAVAILABLE,
}
# What is behind an INTERNAL_ERROR (XAPI R14 and part c).
_CAUSES: Mapping[str, Reason] = {
    "Cannot_free_this_much_memory": Reason.INSUFFICIENT_MEMORY,
    "Vms_failed_to_cooperate": Reason.INSUFFICIENT_MEMORY,
    "Ballooning_timeout_before_migration": Reason.INSUFFICIENT_MEMORY,
    "Failed_to_acknowledge_suspend_request": Reason.GUEST_NOT_SUSPENDABLE,
    "Failed_to_suspend": Reason.GUEST_NOT_SUSPENDABLE,
    "Sr_not_attached": Reason.STORAGE_FAILED,
    "Migration_mirror_fd_failure": Reason.STORAGE_FAILED,
    "Migration_mirror_snapshot_failure": Reason.STORAGE_FAILED,
    "Migration_mirror_copy_failure": Reason.STORAGE_FAILED,
    "Migration_preparation_failure": Reason.STORAGE_FAILED,
    "Backend_error": Reason.STORAGE_FAILED,
    "Backend_error_with_backtrace": Reason.STORAGE_FAILED,
    "Activated_on_another_host": Reason.STORAGE_FAILED,
    "Synchronisation_point": Reason.MIGRATION_FAILED,
    "Emu_manager_failure": Reason.MIGRATION_FAILED,
    "Sys_error": Reason.MIGRATION_FAILED,
    "End_of_file": Reason.MIGRATION_FAILED,
    "Unix_error": Reason.MIGRATION_FAILED,
}
_DRIVER = "SR_BACKEND_FAILURE_"
_MIRROR = "mirror"

_REMEDY = "see to what XAPI says, then ask again"


def reason_of(error: Sequence[str], otherwise: Reason = Reason.XAPI_REFUSED) -> Reason:
    """Return our reason for an error array."""
    if not error:
        return otherwise
    if _is_in_the_way(error):
        return Reason.INSTANCE_EXISTS_AT_DEST
    known = _REASONS.get(error[0])
    if known is not None:
        return known
    if error[0].startswith(_DRIVER):
        return Reason.STORAGE_FAILED
    return _reason_behind(error, otherwise)


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


def _is_in_the_way(error: Sequence[str]) -> bool:
    """The import at the destination wants a VM of the same uuid halted; it writes the state with a
    capital letter, while checks of the VM itself do not (XAPI A8, A11).
    """
    return error[0] == "VM_BAD_POWER_STATE" and len(error) > 2 and error[2] == "Halted"


def _reason_behind(error: Sequence[str], otherwise: Reason) -> Reason:
    """A disk's mirror that does not exist broke; a VM that does not exist broke the move."""
    cause = internal_errors.cause(error)
    if cause is None:
        return otherwise
    if cause.name == "Does_not_exist":
        lost_mirror = _MIRROR in cause.arguments[:1]
        return Reason.STORAGE_FAILED if lost_mirror else Reason.MIGRATION_FAILED
    inner = reason_of((cause.name,), otherwise) if cause.name.isupper() else otherwise
    return _CAUSES.get(cause.name, inner)
