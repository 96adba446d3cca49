"""What is asked of a check and what it answers."""

from dataclasses import dataclass
from enum import Enum

from hostagent.model.facts import HostFacts, InstanceFacts
from hostagent.model.finding import Finding
from hostagent.model.network_matching import NetworkMatching


class Kind(Enum):
    """How the guest travels."""

    UNSPECIFIED = "UNSPECIFIED"
    SHARED_STORAGE = "SHARED_STORAGE"
    BLOCK = "BLOCK"


@dataclass(frozen=True, slots=True)
class DestCheckData:
    """What the destination tells the source, by way of the controller."""

    host: HostFacts
    kind: Kind = Kind.UNSPECIFIED
    dest_sr_id: str = ""
    migration_network_id: str = ""
    migration_address: str = ""
    disk_needed_bytes: int = 0
    disk_ids: tuple[str, ...] = ()
    network_matching: NetworkMatching = NetworkMatching.NAME


@dataclass(frozen=True, slots=True)
class DestQuestion:
    """Could this instance come here? `block_migration` None: decide from where the disks are."""

    instance: InstanceFacts
    source_pool_id: str
    dest_host_id: str
    block_migration: bool | None = None
    disk_over_commit: bool = False


@dataclass(frozen=True, slots=True)
class DestAnswer:
    """What the destination found."""

    data: DestCheckData
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class SourceQuestion:
    """Could this instance leave for that destination?"""

    instance_id: str
    source_host_id: str
    dest: DestCheckData
    block_migration: bool | None = None


@dataclass(frozen=True, slots=True)
class MoveEstimate:
    """What a move is expected to cost; see `hostagent.operations.estimate`."""

    total_bytes: int
    duration_p50_s: float
    duration_p90_s: float
    downtime_s: float


@dataclass(frozen=True, slots=True)
class SourceAnswer:
    """What the source found; without an estimate where the speed of the wire is not known."""

    kind: Kind
    findings: tuple[Finding, ...]
    estimate: MoveEstimate | None = None
