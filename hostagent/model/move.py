"""A move: who orders it, how far it is, how it ended."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from hostagent.model.checks import DestCheckData, Kind
from hostagent.model.finding import Finding
from hostagent.model.volumes import Volume


@dataclass(frozen=True, slots=True)
class Fence:
    """The migration that a call is made for, and how often that migration has changed hands."""

    migration_id: str
    epoch: int


@dataclass(frozen=True, slots=True)
class Cargo:
    """What a block migration needs beside the guest; the maps are by uuid.

    `ticket` is what PreLiveMigration returned: a bearer credential, so it is in no text of this.
    """

    ticket: Mapping[str, str] = field(default_factory=dict, repr=False)
    dest: DestCheckData | None = None
    vdi_map: Mapping[str, str] = field(default_factory=dict)  # VDI → SR at the destination
    vif_map: Mapping[str, str] = field(default_factory=dict)  # VIF → network there
    volumes: tuple[Volume, ...] = ()  # raw ones, to be attached in the destination's pool


@dataclass(frozen=True, slots=True)
class MoveOrder:
    """Which guest is to go where, for whom; `kind` is UNSPECIFIED for an abort."""

    fence: Fence
    instance_id: str
    dest_host_id: str
    kind: Kind
    cargo: Cargo = Cargo()
    source_host_id: str = ""


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
    """How far a move is; `outcome` is set in the last one only.

    `phase_percent` and the bytes are of the present phase.
    """

    phase: Phase = Phase.PREPARING
    percent: float = 0.0
    cancellable: bool = False
    task_id: str = ""
    outcome: Outcome | None = None
    error: Finding | None = None
    phase_percent: float = 0.0
    bytes_done: int = 0
    bytes_total: int = 0


@dataclass(frozen=True, slots=True)
class Sizes:
    """What a move has to send at least once, bytes."""

    disks: int = 0
    memory: int = 0


@dataclass(frozen=True, slots=True)
class Ending:
    """How a move ended and why."""

    outcome: Outcome
    error: Finding | None = None
