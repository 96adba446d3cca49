"""Errors that moves met on real hosts, each with its class and our reason."""

from hostagent.model.finding import Reason
from hostagent.xapi.errors import ErrorClass

REFUSAL, TRANSIENT = ErrorClass.REFUSAL, ErrorClass.TRANSIENT
UNKNOWN, FATAL = ErrorClass.UNKNOWN_OUTCOME, ErrorClass.FATAL
VM, HOST, SR = "OpaqueRef:vm", "OpaqueRef:host", "OpaqueRef:sr"
XENOPSD = "Xenops_interface.Xenopsd_error"
COPY_DIED = (
    "Storage_error ([S(Internal_error);S(Storage_error ([S(Migration_mirror_copy_failure);"
    "S(Server_error(VDI_COPY_FAILED, [ 1; 2 ]))]))])"
)
NOT_ATTACHED = (
    'Xenops_interface.Internal_error("Xenops_migrate.Remote_failed(\\"error from remote:'
    ' Storage_interface.Sr_not_attached(4ad0)\\")")'
)
MIRROR_GONE = "Storage_error ([S(Does_not_exist);[S(mirror);S(sr-uuid/vdi-uuid)]])"
FD_FAILURE = (
    "Storage_error ([S(Internal_error);S(Storage_error ([S(Migration_mirror_fd_failure);"
    "S(VDI Not Attached)]))])"
)

# The catalogue of the nastiest cases, by its numbers; a case may come in several forms.
CATALOGUE = [
    (
        1,
        [
            "INTERNAL_ERROR",
            "xenopsd internal error: VM.migrate: Failed during Synchronisation point 4. msg: x",
        ],
        UNKNOWN,
        Reason.MIGRATION_FAILED,
    ),
    (
        2,
        [
            "INTERNAL_ERROR",
            'xenopsd internal error: Domain.Emu_manager_failure("Received error'
            ' from emu-manager: xenguest Invalid argument")',
        ],
        UNKNOWN,
        Reason.MIGRATION_FAILED,
    ),
    (3, ["VM_SUSPEND_TIMEOUT", VM, "1200."], REFUSAL, Reason.GUEST_NOT_SUSPENDABLE),
    (3, ["VM_FAILED_SUSPEND_ACKNOWLEDGMENT", VM], REFUSAL, Reason.GUEST_NOT_SUSPENDABLE),
    (
        4,
        [
            "INTERNAL_ERROR",
            f"{XENOPSD}([S(Cannot_free_this_much_memory);[I(8663330816);I(4300062720)]])",
        ],
        REFUSAL,
        Reason.INSUFFICIENT_MEMORY,
    ),
    (
        5,
        ["INTERNAL_ERROR", f"{XENOPSD}([S(Vms_failed_to_cooperate);[S(u1);S(u2)]])"],
        REFUSAL,
        Reason.INSUFFICIENT_MEMORY,
    ),
    (5, ["VMS_FAILED_TO_COOPERATE", VM], REFUSAL, Reason.INSUFFICIENT_MEMORY),
    (
        6,
        ["HOST_NOT_ENOUGH_FREE_MEMORY", "17320378368", "2319851520"],
        REFUSAL,
        Reason.INSUFFICIENT_MEMORY,
    ),
    (7, ["INTERNAL_ERROR", MIRROR_GONE], UNKNOWN, Reason.STORAGE_FAILED),
    (9, ["VM_BAD_POWER_STATE", VM, "running", "halted"], REFUSAL, Reason.INSTANCE_NOT_RUNNING),
    (10, ["TOO_MANY_STORAGE_MIGRATES", "3"], TRANSIENT, Reason.TOO_MANY_MIGRATIONS),
    (11, ["VDI_NOT_IN_MAP", "OpaqueRef:vdi"], REFUSAL, Reason.DEVICES_CHANGED),
    (12, ["VM_REQUIRES_SR", VM, SR], REFUSAL, Reason.STORAGE_NOT_SHARED),
    (12, ["INTERNAL_ERROR", NOT_ATTACHED], UNKNOWN, Reason.STORAGE_FAILED),
    (13, ["VM_LACKS_FEATURE", VM], REFUSAL, Reason.GUEST_NOT_SUSPENDABLE),
    (13, ["VM_NON_SUSPENDABLE", VM, "a backup"], REFUSAL, Reason.GUEST_NOT_SUSPENDABLE),
    (14, ["MIRROR_FAILED", "OpaqueRef:vdi"], REFUSAL, Reason.STORAGE_FAILED),
    (
        15,
        ["SR_BACKEND_FAILURE_40", "", "The SR scan failed  [opterr=x]", ""],
        REFUSAL,
        Reason.STORAGE_FAILED,
    ),
    (
        15,
        ["SR_BACKEND_FAILURE_109", "", "The snapshot chain is too long", ""],
        REFUSAL,
        Reason.DISK_NOT_MIGRATABLE,
    ),
    (
        15,
        ["SR_BACKEND_FAILURE_44", "", "There is insufficient space", ""],
        REFUSAL,
        Reason.INSUFFICIENT_DISK_SPACE,
    ),
    (
        16,
        ["SR_BACKEND_FAILURE_46", "", "The VDI is not available", ""],
        REFUSAL,
        Reason.STORAGE_FAILED,
    ),
    (17, ["VDI_COPY_FAILED", "log"], REFUSAL, Reason.STORAGE_FAILED),
    (17, ["INTERNAL_ERROR", COPY_DIED], REFUSAL, Reason.STORAGE_FAILED),
    (
        17,
        [
            "INTERNAL_ERROR",
            f'{XENOPSD}([S(Internal_error);S(Sys_error("Connection reset by peer"))])',
        ],
        UNKNOWN,
        Reason.MIGRATION_FAILED,
    ),
    (
        20,
        ["INTERNAL_ERROR", f"{XENOPSD}([S(Does_not_exist);[S(VM);S(uuid/config)]])"],
        UNKNOWN,
        Reason.MIGRATION_FAILED,
    ),
    (
        20,
        ["INTERNAL_ERROR", "Object with type VM and id uuid/vbd.xvdd does not exist in xenopsd"],
        UNKNOWN,
        Reason.MIGRATION_FAILED,
    ),
    (
        21,
        ["VM_TO_IMPORT_IS_NOT_NEWER_VERSION", VM, "0", "0"],
        REFUSAL,
        Reason.INSTANCE_EXISTS_AT_DEST,
    ),
    (21, ["VM_BAD_POWER_STATE", VM, "Halted", "Running"], REFUSAL, Reason.INSTANCE_EXISTS_AT_DEST),
    (21, ["DUPLICATE_MAC_SEED", "seed"], REFUSAL, Reason.MAC_IN_USE),
    (
        22,
        ["OTHER_OPERATION_IN_PROGRESS", "host", HOST, "vm_migrate", "OpaqueRef:t"],
        REFUSAL,
        Reason.OPERATION_IN_PROGRESS,
    ),
    (
        22,
        ["OTHER_OPERATION_IN_PROGRESS", "VM.migrate_send", VM],
        REFUSAL,
        Reason.OPERATION_IN_PROGRESS,
    ),
    (23, ["HANDLE_INVALID", "task", "OpaqueRef:t"], UNKNOWN, Reason.MIGRATION_FAILED),
    (24, ["SESSION_INVALID", "OpaqueRef:s"], UNKNOWN, Reason.XAPI_UNAVAILABLE),
    (24, ["HOST_IS_SLAVE", "10.0.0.2"], TRANSIENT, Reason.XAPI_UNAVAILABLE),
    (25, ["NOT_SUPPORTED_DURING_UPGRADE"], REFUSAL, Reason.DEST_OLDER),
    (25, ["VM_HOST_INCOMPATIBLE_VERSION_MIGRATE", VM, HOST], REFUSAL, Reason.DEST_OLDER),
    (
        25,
        ["VM_INCOMPATIBLE_WITH_THIS_HOST", VM, HOST, "features"],
        REFUSAL,
        Reason.CPU_INCOMPATIBLE,
    ),
    (0, ["HANDLE_INVALID", "host", "OpaqueRef:NULL"], UNKNOWN, Reason.MIGRATION_FAILED),
    (0, ["OPERATION_BLOCKED", VM, "closing"], REFUSAL, Reason.OPERATION_BLOCKED),
    (0, ["CANNOT_CONTACT_HOST", HOST], UNKNOWN, Reason.DEST_NOT_ALIVE),
    (0, ["VM_MIGRATE_CONTACT_REMOTE_SERVICE_FAILED"], UNKNOWN, Reason.DEST_NOT_ALIVE),
    (0, ["TLS_CONNECTION_FAILED", "10.0.0.2", "443"], UNKNOWN, Reason.MIGRATION_NETWORK_UNUSABLE),
    (0, ["LICENCE_RESTRICTION", "Storage_motion"], REFUSAL, Reason.LICENCE_RESTRICTION),
    (0, ["VM_IS_IMMOBILE", VM], REFUSAL, Reason.INSTANCE_IMMOBILE),
    (
        0,
        ["SESSION_AUTHENTICATION_FAILED", "root", "Authentication failure"],
        FATAL,
        Reason.XAPI_UNAVAILABLE,
    ),
    (0, ["RBAC_PERMISSION_DENIED", "vm.migrate", "no"], FATAL, Reason.MIGRATION_FAILED),
    (0, ["MESSAGE_METHOD_UNKNOWN", "VM.migrate_send"], FATAL, Reason.MIGRATION_FAILED),
    (0, ["INTERNAL_ERROR", FD_FAILURE], REFUSAL, Reason.STORAGE_FAILED),
    (
        0,
        ["INTERNAL_ERROR", "xenopsd internal error: End_of_file"],
        UNKNOWN,
        Reason.MIGRATION_FAILED,
    ),
    (0, ["HA_OPERATION_WOULD_BREAK_FAILOVER_PLAN"], REFUSAL, Reason.HIGH_AVAILABILITY),
    (0, ["HOST_STILL_BOOTING"], TRANSIENT, Reason.XAPI_UNAVAILABLE),
    (0, ["A_CODE_OF_TOMORROW", "x"], REFUSAL, Reason.MIGRATION_FAILED),
    (0, ["INTERNAL_ERROR", "a text of tomorrow"], REFUSAL, Reason.MIGRATION_FAILED),
]
