"""One attempt to move one instance: its plan, its state, its journal."""

import enum
from dataclasses import dataclass, field
from datetime import datetime

from controller.model.findings import Finding


class MigrationKind(enum.StrEnum):
    """How guest and disks travel."""

    SHARED_STORAGE = "SHARED_STORAGE"
    BLOCK = "BLOCK"


class MigrationState(enum.StrEnum):
    """Where a migration stands; three of them are endings, STUCK is none."""

    QUEUED = "QUEUED"
    PREPARING = "PREPARING"
    MOVING = "MOVING"
    FINISHING = "FINISHING"
    ROLLING_BACK = "ROLLING_BACK"
    SUCCEEDED = "SUCCEEDED"
    ROLLED_BACK = "ROLLED_BACK"
    CANCELLED = "CANCELLED"
    STUCK = "STUCK"

    @property
    def ended(self) -> bool:
        """Whether nothing will happen any more."""
        return self in _ENDINGS


_ENDINGS = frozenset(
    {MigrationState.SUCCEEDED, MigrationState.ROLLED_BACK, MigrationState.CANCELLED}
)


class JournalEvent(enum.StrEnum):
    """What a journal row tells of its step."""

    STARTED = "STARTED"
    DONE = "DONE"
    FAILED = "FAILED"
    UNDONE = "UNDONE"


class Whereabouts(enum.StrEnum):
    """Where the guest is, as XAPI shows it on both sides."""

    SOURCE = "SOURCE"
    DEST = "DEST"
    BOTH = "BOTH"
    NOWHERE = "NOWHERE"
    UNKNOWN = "UNKNOWN"


class CleanupAction(enum.StrEnum):
    """What was done with one thing that a clean-up looked at."""

    REMOVED = "REMOVED"
    KEPT = "KEPT"
    FAILED = "FAILED"


@dataclass(frozen=True, slots=True)
class CleanupItem:
    """One thing that a clean-up looked at."""

    subject: str
    action: CleanupAction
    why: str = ""
    xapi_error: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """One row of the journal, never changed."""

    step: str
    event: JournalEvent
    time: datetime
    epoch: int
    sequence: int = 0
    note: str = ""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the move is; `percent` never falls.

    Bytes are those of the present phase. The remaining seconds are None where they can't be told.
    """

    phase: str = ""
    percent: float = 0.0
    cancellable: bool = False
    bytes_done: int = 0
    bytes_total: int = 0
    remaining_p50_s: float | None = None
    remaining_p90_s: float | None = None


class Resolution(enum.StrEnum):
    """What an operator decided about a STUCK migration."""

    ROLL_FORWARD = "ROLL_FORWARD"
    ROLL_BACK = "ROLL_BACK"
    ADOPT_REALITY = "ADOPT_REALITY"


@dataclass(frozen=True, slots=True)
class MoveEstimate:
    """What a move is expected to cost; times are seconds."""

    total_bytes: int = 0
    duration_p50_s: float = 0.0
    duration_p90_s: float = 0.0
    downtime_s: float = 0.0


@dataclass(frozen=True, slots=True)
class DiskRoom:
    """The SR that takes the disks of a block migration, and what they need there, bytes."""

    sr_id: str = ""
    sr_name: str = ""
    needed_bytes: int = 0
    free_bytes: int = 0


@dataclass(frozen=True, slots=True)
class MigrationRequest:
    """What a caller asked for, validated: ids are uuids, `dest` is a uuid or a name."""

    instance_id: str
    dest: str
    block_migration: bool | None = None
    disk_over_commit: bool = False
    request_id: str = ""
    validate_only: bool = False
    reason: str = ""
    priority: int = 0
    requested_by: str = ""


@dataclass(frozen=True, slots=True)
class MigrationPlan:
    """The frozen decision: what moves from where to where, how, and what the checks found.

    `dest_check_data` is what the destination told, as it came; nothing here looks into it.
    """

    request: MigrationRequest
    instance_id: str
    instance_name: str
    source_host_id: str
    source_host_name: str
    dest_host_id: str
    dest_host_name: str
    kind: MigrationKind
    memory_needed_bytes: int
    findings: tuple[Finding, ...] = ()
    disk: DiskRoom = field(default_factory=DiskRoom)
    dest_check_data: bytes = b""
    estimate: MoveEstimate | None = None


@dataclass(frozen=True, slots=True)
class Migration:
    """A migration as stored; `journal` is filled only where it was asked for.

    `queue_position` is how many stand before it, plus one; it is told only by who keeps the queue.
    """

    migration_id: str
    plan: MigrationPlan
    state: MigrationState
    revision: int
    epoch: int
    create_time: datetime
    update_time: datetime
    end_time: datetime | None = None
    error: Finding | None = None
    whereabouts: Whereabouts = Whereabouts.UNKNOWN
    reserved_memory_bytes: int = 0
    cleanup: tuple[CleanupItem, ...] = ()
    journal: tuple[JournalEntry, ...] = ()
    progress: Progress = field(default_factory=Progress)
    reserved_disk_bytes: int = 0
    verification: tuple[Finding, ...] = ()
    cancel_requested: bool = False
    cancel_reason: str = ""
    resolution: Resolution | None = None
    resolution_reason: str = ""
    queue_position: int = 0
