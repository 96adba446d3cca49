"""What is asked of host agents.

Implementations retry what is transient and safe to repeat, within the deadline of the step; what
reaches the caller is one of the errors below and nothing else.

    AgentError
      ├─ AgentUnavailable   no answer, or XAPI behind it gives none; trying again may help
      │    └─ AgentBusy     too many moves run there: nothing was done, and waiting will help
      ├─ StepRefused        the agent or XAPI says no; trying again does not help
      └─ Fenced             a higher epoch was seen: another process drives this migration
"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from controller.model.findings import Finding
from controller.model.inventory import Host, InstanceFacts, PowerState
from controller.model.migration import CleanupItem, DiskRoom, MigrationKind, MoveEstimate


class AgentError(Exception):
    """An agent did not do what it was asked; `findings` say why, at least one."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        super().__init__("; ".join(finding.message for finding in findings))
        self.findings = tuple(findings)


class AgentUnavailable(AgentError):
    """No answer, or none from XAPI behind it; what was asked may or may not have been done."""


class AgentBusy(AgentUnavailable):
    """Too many moves run there; nothing was done, and there is no need to give up."""


class StepRefused(AgentError):
    """The agent or XAPI says no, and nothing was done."""


class Fenced(AgentError):
    """The agent has seen a higher epoch for this migration: stop at once and touch nothing."""


@dataclass(frozen=True, slots=True)
class Order:
    """On whose behalf a call is made, and what it is about.

    `dest_check_data` is what the destination told before the migration was admitted.
    """

    migration_id: str
    epoch: int
    instance_id: str
    source_host_id: str
    dest_host_id: str
    kind: MigrationKind
    dest_check_data: bytes = b""


@dataclass(frozen=True, slots=True)
class DestCheck:
    """The destination's answer; `data` is opaque here and is handed to the source as it is."""

    findings: tuple[Finding, ...]
    data: bytes = b""
    disk: DiskRoom = field(default_factory=DiskRoom)


@dataclass(frozen=True, slots=True)
class SourceCheck:
    """The source's answer."""

    findings: tuple[Finding, ...]
    kind: MigrationKind | None = None
    estimate: MoveEstimate | None = None


class MoveOutcome:
    """How a move ended, as the source's agent judged it."""

    ARRIVED = "ARRIVED"
    STAYED = "STAYED"
    UNKNOWN = "UNKNOWN"


@dataclass(frozen=True, slots=True)
class MoveProgress:
    """How far a move is; the last one of a stream has an outcome."""

    phase: str
    percent: float
    cancellable: bool
    task_id: str = ""
    outcome: str = ""
    error: Finding | None = None
    bytes_done: int = 0
    bytes_total: int = 0


@dataclass(frozen=True, slots=True)
class TaskObservation:
    """XAPI's task of the move: `status` is PENDING, SUCCESS, FAILURE or CANCELLED."""

    task_id: str
    status: str
    error_info: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Observation:
    """What XAPI of one side's pool shows of a migration."""

    host_id: str
    pool_id: str
    present: bool
    power_state: PowerState = PowerState.UNKNOWN
    resident_host_id: str = ""
    scheduled_host_id: str = ""
    current_operations: tuple[str, ...] = ()
    tagged: bool = False
    task: TaskObservation | None = None
    residue: tuple[str, ...] = ()
    host_live: bool = True


@dataclass(frozen=True, slots=True)
class CheckOrder:
    """Which move is being considered."""

    instance: InstanceFacts
    source: Host
    dest: Host
    block_migration: bool | None = None
    disk_over_commit: bool = False


@dataclass(frozen=True, slots=True)
class PostReport:
    """What the destination verified after the move, and what it cleared."""

    findings: tuple[Finding, ...] = ()
    items: tuple[CleanupItem, ...] = field(default=())


class CheckAgents(Protocol):
    """Questions; they change nothing."""

    async def check_dest(self, order: CheckOrder) -> DestCheck:
        """Ask the destination whether the instance could come; raises AgentError."""

    async def check_source(self, order: CheckOrder, dest: DestCheck) -> SourceCheck:
        """Ask the source whether the instance could leave; raises AgentError."""


class MoveAgents(Protocol):
    """Acts; each is safe to repeat. All raise AgentError and nothing else."""

    async def verify_exports(self, order: Order) -> tuple[Finding, ...]:
        """Make the source verify the instance's storage; StepRefused names what is lost."""

    async def prepare_dest(self, order: Order) -> None:
        """Make the destination ready (PreLiveMigration)."""

    def move(self, order: Order) -> AsyncIterator[MoveProgress]:
        """Move, or join the move under way; the stream's last item has the outcome.

        A block migration gets a fresh ticket from the destination before each call to the source.
        """

    async def abort(self, order: Order) -> str:
        """Stop the move if XAPI still can; return a MoveOutcome, by what the source then saw."""

    async def observe_source(self, order: Order) -> Observation:
        """Ask the source's agent what XAPI shows."""

    async def observe_dest(self, order: Order) -> Observation:
        """Ask the destination's agent what XAPI shows."""

    async def has_floating_ips(self, order: Order) -> bool:
        """Tell whether a floating IP leads to the instance; asks no agent."""

    async def move_floating_ips(self, order: Order) -> None:
        """Take the instance's floating IPs down at the source and put them up at the destination.

        The destination is told even when the source does not answer.
        """

    async def post_at_source(self, order: Order) -> tuple[CleanupItem, ...]:
        """Detach at the source what only the moved guest used."""

    async def post_at_dest(self, order: Order) -> PostReport:
        """Verify at the destination and clear the marks."""

    async def rollback_at_source(self, order: Order) -> tuple[CleanupItem, ...]:
        """Clear the marks at the source, where the guest stays."""

    async def rollback_at_dest(self, order: Order) -> tuple[CleanupItem, ...]:
        """Release at the destination what is leased to the migration."""
