"""What a check found; the reasons mirror xenferry.common.v1.Reason, which a test compares."""

import enum
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field


class Reason(enum.StrEnum):
    """The stable name of an outcome; docs/errors.md says what to do about each."""

    BAD_ARGUMENT = "BAD_ARGUMENT"
    REQUEST_ID_REUSED = "REQUEST_ID_REUSED"
    INSTANCE_NOT_FOUND = "INSTANCE_NOT_FOUND"
    HOST_NOT_FOUND = "HOST_NOT_FOUND"
    MIGRATION_NOT_FOUND = "MIGRATION_NOT_FOUND"
    AMBIGUOUS_NAME = "AMBIGUOUS_NAME"
    NOT_IMPLEMENTED = "NOT_IMPLEMENTED"
    PERMISSION_DENIED = "PERMISSION_DENIED"
    SOURCE_NOT_ALIVE = "SOURCE_NOT_ALIVE"
    DEST_NOT_ALIVE = "DEST_NOT_ALIVE"
    DEST_IS_SOURCE = "DEST_IS_SOURCE"
    DEST_DISABLED = "DEST_DISABLED"
    INSUFFICIENT_MEMORY = "INSUFFICIENT_MEMORY"
    HYPERVISOR_MISMATCH = "HYPERVISOR_MISMATCH"
    DEST_OLDER = "DEST_OLDER"
    INSTANCE_BUSY = "INSTANCE_BUSY"
    INSTANCE_NOT_RUNNING = "INSTANCE_NOT_RUNNING"
    POOLS_DIFFER = "POOLS_DIFFER"
    STORAGE_NOT_SHARED = "STORAGE_NOT_SHARED"
    NETWORK_NOT_AVAILABLE = "NETWORK_NOT_AVAILABLE"
    CPU_INCOMPATIBLE = "CPU_INCOMPATIBLE"
    OPERATION_IN_PROGRESS = "OPERATION_IN_PROGRESS"
    OPERATION_BLOCKED = "OPERATION_BLOCKED"
    GUEST_NOT_SUSPENDABLE = "GUEST_NOT_SUSPENDABLE"
    DEVICE_NOT_MIGRATABLE = "DEVICE_NOT_MIGRATABLE"
    XAPI_REFUSED = "XAPI_REFUSED"
    LICENCE_RESTRICTION = "LICENCE_RESTRICTION"
    INSTANCE_PROTECTED = "INSTANCE_PROTECTED"
    EXPORT_LOST = "EXPORT_LOST"
    BLOCK_MIGRATION_UNSUPPORTED = "BLOCK_MIGRATION_UNSUPPORTED"
    BLOCK_MIGRATION_NEEDLESS = "BLOCK_MIGRATION_NEEDLESS"
    INSTANCE_MOVED = "INSTANCE_MOVED"
    STALE_EPOCH = "STALE_EPOCH"
    WRONG_HOST = "WRONG_HOST"
    TOO_MANY_MIGRATIONS = "TOO_MANY_MIGRATIONS"
    TOO_LATE_TO_CANCEL = "TOO_LATE_TO_CANCEL"
    MIGRATION_ENDED = "MIGRATION_ENDED"
    MIGRATION_NOT_STUCK = "MIGRATION_NOT_STUCK"
    AGENT_UNAVAILABLE = "AGENT_UNAVAILABLE"
    XAPI_UNAVAILABLE = "XAPI_UNAVAILABLE"
    OUTCOME_UNKNOWN = "OUTCOME_UNKNOWN"
    MIGRATION_FAILED = "MIGRATION_FAILED"
    INSTANCE_LOST = "INSTANCE_LOST"
    INSTANCE_DOUBLED = "INSTANCE_DOUBLED"
    RESIDUE_LEFT = "RESIDUE_LEFT"
    SHUTTING_DOWN = "SHUTTING_DOWN"
    STORE_UNAVAILABLE = "STORE_UNAVAILABLE"
    DEADLINE_EXCEEDED = "DEADLINE_EXCEEDED"
    MIGRATION_CANCELLED = "MIGRATION_CANCELLED"
    DEVICE_DETACHED = "DEVICE_DETACHED"
    INTERNAL = "INTERNAL"


class Severity(enum.StrEnum):
    """How much a finding weighs."""

    OK = "OK"
    WARNING = "WARNING"
    ERROR = "ERROR"


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found; `measured` has the compared values, their unit in the key."""

    reason: Reason
    severity: Severity
    subject: str
    message: str
    remedy: str = ""
    xapi_error: tuple[str, ...] = ()
    measured: Mapping[str, str] = field(default_factory=dict)


def errors(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Return the findings that forbid the move."""
    return tuple(finding for finding in findings if finding.severity is Severity.ERROR)
