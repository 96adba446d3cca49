"""A move: who orders it, how far it is, how it ended."""

from dataclasses import dataclass
from enum import Enum

from hostagent.model.checks import Kind
from hostagent.model.finding import Finding


@dataclass(frozen=True, slots=True)
class Fence:
    """The migration that a call is made for, and how often that migration has changed hands."""

    migration_id: str
    epoch: int


@dataclass(frozen=True, slots=True)
class MoveOrder:
    """Which guest is to go where, for whom."""

    fence: Fence
    instance_id: str
    dest_host_id: str
    kind: Kind


class Phase(Enum):
    """What a move is doing."""

    PREPARING = "PREPARING"
    DISKS = "DISKS"
    MEMORY = "MEMORY"
    SWITCHING = "SWITCHING"


class Outcome(Enum):
    """How a move ended, judged by where the guest is."""

    ARRIVED = "ARRIVED"
    STAYED = "STAYED"
    UNKNOWN = "UNKNOWN"


@dataclass(frozen=True, slots=True)
class Report:
    """How far a move is; `outcome` is set in the last one only."""

    phase: Phase = Phase.PREPARING
    percent: float = 0.0
    cancellable: bool = False
    task_id: str = ""
    outcome: Outcome | None = None
    error: Finding | None = None


@dataclass(frozen=True, slots=True)
class Ending:
    """How a move ended and why."""

    outcome: Outcome
    error: Finding | None = None
