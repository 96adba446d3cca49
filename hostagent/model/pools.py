"""Pools: what a joining host tells, what is ordered of dom0's plug-in and what it answers."""

from dataclasses import dataclass
from enum import Enum

from hostagent.model.facts import HostFacts
from hostagent.model.finding import Finding


@dataclass(frozen=True, slots=True)
class JoinerFacts:
    """A host that may join: what pool.join asks of it (XAPI A13)."""

    host: HostFacts
    running_vms: tuple[str, ...] = ()
    shared_srs: tuple[str, ...] = ()
    forbidden_networks: tuple[str, ...] = ()
    pool_size: int = 1
    product_brand: str = ""


@dataclass(frozen=True, slots=True)
class PoolOrder:
    """Which host is to join this coordinator's pool, or to leave it, and who asks."""

    operation_id: str
    coordinator_id: str
    host_id: str
    agent_instance_id: str = ""
    address: str = ""
    force: bool = False


class PoolOutcome(Enum):
    """How an operation of the plug-in ended."""

    DONE = "DONE"
    FAILED = "FAILED"
    UNKNOWN = "UNKNOWN"


@dataclass(frozen=True, slots=True)
class PoolOperation:
    """How far an operation of the plug-in is; `outcome` is None until it ended."""

    operation_id: str
    phase: str = ""
    outcome: PoolOutcome | None = None
    agent_state: str = ""
    errors: tuple[Finding, ...] = ()
    notes: tuple[str, ...] = ()
