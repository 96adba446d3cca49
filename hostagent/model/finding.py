"""What a check found: the same shape for passes, warnings and refusals."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum, auto


class Reason(Enum):
    """The reasons that an agent gives; each is a name in the contract's enum."""

    BAD_ARGUMENT = auto()
    INSTANCE_NOT_FOUND = auto()
    NOT_IMPLEMENTED = auto()
    DEST_NOT_ALIVE = auto()
    DEST_IS_SOURCE = auto()
    DEST_DISABLED = auto()
    INSUFFICIENT_MEMORY = auto()
    DEST_OLDER = auto()
    INSTANCE_NOT_RUNNING = auto()
    POOLS_DIFFER = auto()
    STORAGE_NOT_SHARED = auto()
    NETWORK_NOT_AVAILABLE = auto()
    CPU_INCOMPATIBLE = auto()
    OPERATION_IN_PROGRESS = auto()
    OPERATION_BLOCKED = auto()
    GUEST_NOT_SUSPENDABLE = auto()
    DEVICE_NOT_MIGRATABLE = auto()
    XAPI_REFUSED = auto()
    LICENCE_RESTRICTION = auto()
    INSTANCE_PROTECTED = auto()
    EXPORT_LOST = auto()
    BLOCK_MIGRATION_UNSUPPORTED = auto()
    INSTANCE_MOVED = auto()
    STALE_EPOCH = auto()
    WRONG_HOST = auto()
    TOO_MANY_MIGRATIONS = auto()
    XAPI_UNAVAILABLE = auto()
    OUTCOME_UNKNOWN = auto()
    MIGRATION_FAILED = auto()
    INSTANCE_LOST = auto()
    MIGRATION_CANCELLED = auto()
    DEVICE_DETACHED = auto()
    BLOCK_MIGRATION_NEEDLESS = auto()
    INSUFFICIENT_CPUS = auto()
    HARDWARE_VERSION_UNSUPPORTED = auto()
    DEST_SR_UNUSABLE = auto()
    INSUFFICIENT_DISK_SPACE = auto()
    DISK_NOT_MIGRATABLE = auto()
    MIGRATION_NETWORK_UNUSABLE = auto()
    INSTANCE_EXISTS_AT_DEST = auto()
    MAC_IN_USE = auto()
    HIGH_AVAILABILITY = auto()
    CHECKS_DISAGREE = auto()
    INSTANCE_IMMOBILE = auto()
    DEVICES_CHANGED = auto()
    STORAGE_FAILED = auto()
    TOO_LATE_TO_CANCEL = auto()
    MIGRATION_ENDED = auto()
    VOLUME_NOT_ATTACHED = auto()
    GUEST_SILENT = auto()
    HOST_HAS_INSTANCES = auto()
    JOINER_HAS_SHARED_STORAGE = auto()
    JOINER_NETWORKS_UNFIT = auto()
    HOST_IN_ANOTHER_POOL = auto()
    HOSTS_NOT_HOMOGENEOUS = auto()
    POOL_PLUGIN_UNUSABLE = auto()
    POOL_CREDENTIALS_REFUSED = auto()
    NO_SHARED_DEFAULT_SR = auto()
    NOT_COORDINATOR = auto()
    AGENT_NOT_RESTARTED = auto()
    POOL_OPERATION_FAILED = auto()
    WIPE_NOT_CONFIRMED = auto()
    STALE_REVISION = auto()
    FLOATING_IP_NOT_APPLIED = auto()


class Severity(Enum):
    """How much a finding weighs."""

    OK = "OK"
    WARNING = "WARNING"
    ERROR = "ERROR"


@dataclass(frozen=True, slots=True)
class Finding:
    """One outcome of one check, with the values it compared."""

    reason: Reason
    severity: Severity
    subject: str
    message: str
    remedy: str = ""
    xapi_error: tuple[str, ...] = ()
    measured: Mapping[str, str] = field(default_factory=dict)


def passed(reason: Reason, subject: str, message: str, **measured: object) -> Finding:
    """Return the finding of a check that passed; `reason` is what it gives when it does not."""
    return Finding(reason, Severity.OK, subject, message, measured=_texts(measured))


def refused(reason: Reason, subject: str, message: str, remedy: str, **measured: object) -> Finding:
    """Return the finding of a check that forbids the move."""
    return Finding(reason, Severity.ERROR, subject, message, remedy, measured=_texts(measured))


def warned(reason: Reason, subject: str, message: str, remedy: str, **measured: object) -> Finding:
    """Return the finding of a check that an operator should know of."""
    return Finding(reason, Severity.WARNING, subject, message, remedy, measured=_texts(measured))


def errors(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Return those that forbid the move."""
    return tuple(finding for finding in findings if finding.severity is Severity.ERROR)


def _texts(measured: Mapping[str, object]) -> dict[str, str]:
    return {
        name: str(value).lower() if isinstance(value, bool) else str(value)
        for name, value in measured.items()
    }
