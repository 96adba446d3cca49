"""Records of XAPI, cut down to the fields that the agent uses; a null reference is an empty text.

They are read from events and from get_record alike, see `hostagent.xapi.parse`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

RUNNING = "Running"


@dataclass(frozen=True, slots=True)
class VmRecord:
    """A VM."""

    ref: str
    uuid: str
    name: str
    power_state: str
    resident_on: str
    scheduled_on: str
    affinity: str
    ordinary: bool  # neither a template nor a snapshot nor a control domain
    memory_dynamic_min: int
    memory_overhead: int
    vcpus_max: int
    hvm: bool
    vbds: tuple[str, ...]
    vifs: tuple[str, ...]
    vgpus: tuple[str, ...]
    vusbs: tuple[str, ...]
    pcis: tuple[str, ...]
    guest_metrics: str
    tags: tuple[str, ...]
    allowed_operations: frozenset[str]
    current_operations: Mapping[str, str]  # task reference → operation
    blocked_operations: Mapping[str, str]
    last_boot_cpu: Mapping[str, str]
    other_config: Mapping[str, str]
    memory_static_max: int = 0
    shadow_multiplier: float = 1.0
    paravirtual: bool = False
    hardware_platform_version: int = 0
    control_domain: bool = False
    metrics: str = ""
    snapshots: tuple[str, ...] = ()
    suspend_vdi: str = ""
    platform: Mapping[str, str] = field(default_factory=dict)

    @property
    def running(self) -> bool:
        """Whether XAPI says that it executes."""
        return self.power_state == RUNNING


@dataclass(frozen=True, slots=True)
class GuestMetricsRecord:
    """What the guest's agent tells."""

    pv_drivers: bool
    other: Mapping[str, str]
    networks: Mapping[str, str] = field(default_factory=dict)  # "0/ip" → address
    live: bool = True  # whether XAPI hears the guest's tools


@dataclass(frozen=True, slots=True)
class HostRecord:
    """A host."""

    ref: str
    uuid: str
    name: str
    address: str
    enabled: bool
    metrics: str
    software_version: Mapping[str, str]
    cpu_info: Mapping[str, str]
    memory_overhead: int = 0
    hardware_platform_versions: tuple[int, ...] = ()
    other_config: Mapping[str, str] = field(default_factory=dict)
    current_operations: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class HostMetricsRecord:
    """What XAPI measures of a host."""

    ref: str
    live: bool
    memory_total: int


@dataclass(frozen=True, slots=True)
class PoolRecord:
    """A pool."""

    ref: str
    uuid: str
    name: str
    coordinator: str
    default_sr: str = ""
    ha_enabled: bool = False
    restrictions: Mapping[str, str] = field(default_factory=dict)  # "true" forbids
    other_config: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SrRecord:
    """A storage repository."""

    ref: str
    uuid: str
    name: str
    type: str
    shared: bool
    size: int
    used: int
    content_type: str = ""
    sm_config: Mapping[str, str] = field(default_factory=dict)
    other_config: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SmRecord:
    """What a type of storage repository can do ("VDI_MIRROR")."""

    ref: str
    type: str
    features: frozenset[str]


@dataclass(frozen=True, slots=True)
class PbdRecord:
    """How a host is joined to a storage repository."""

    ref: str
    host: str
    sr: str
    attached: bool
    uuid: str = ""
    # It may hold a CHAP secret, so it is not shown.
    device_config: Mapping[str, str] = field(default_factory=dict, repr=False)
    other_config: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class VbdRecord:
    """How a VM is joined to a disk."""

    ref: str
    uuid: str
    vm: str
    vdi: str
    device: str
    cd: bool
    attached: bool


@dataclass(frozen=True, slots=True)
class VdiRecord:
    """A disk image."""

    ref: str
    uuid: str
    name: str
    sr: str
    virtual_size: int
    vbds: tuple[str, ...]
    used: int = 0
    type: str = "user"
    cbt_enabled: bool = False
    managed: bool = True
    snapshot: bool = False
    snapshot_of: str = ""
    snapshots: tuple[str, ...] = ()
    location: str = ""
    on_boot: str = "persist"
    allow_caching: bool = False
    sharable: bool = False
    read_only: bool = False
    missing: bool = False  # the last scan of its repository did not find it
    sm_config: Mapping[str, str] = field(default_factory=dict)
    other_config: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class VifRecord:
    """A network interface of a VM."""

    ref: str
    uuid: str
    vm: str
    network: str
    mac: str
    device: str
    attached: bool
    other_config: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class NetworkRecord:
    """A network of the pool."""

    ref: str
    uuid: str
    name: str
    bridge: str
    pifs: tuple[str, ...]
    vifs: tuple[str, ...] = ()
    other_config: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PifRecord:
    """A physical interface of a host."""

    ref: str
    host: str
    network: str
    uuid: str = ""
    device: str = ""
    management: bool = False
    attached: bool = True
    ip_mode: str = "None"
    ip: str = ""
    ipv6: tuple[str, ...] = ()
    primary_ipv6: bool = False
    metrics: str = ""
    bond_slave_of: str = ""
    sriov: bool = False

    @property
    def address(self) -> str:
        """The address that XAPI uses of it; empty: it has none."""
        told = [one.partition("/")[0] for one in self.ipv6 if one]
        return (told[0] if told else "") if self.primary_ipv6 else self.ip


@dataclass(frozen=True, slots=True)
class PifMetricsRecord:
    """What XAPI measures of a physical interface; speed in Mbit/s, 0 where it is not known."""

    ref: str
    carrier: bool
    speed: int


@dataclass(frozen=True, slots=True)
class TaskRecord:
    """A task."""

    ref: str
    uuid: str
    name: str
    status: str  # pending, success, failure, cancelled
    progress: float
    cancellable: bool
    error_info: tuple[str, ...]
    other_config: Mapping[str, str]

    @property
    def ended(self) -> bool:
        """Whether its status is final; progress 1.0 is not (XAPI A6)."""
        return self.status not in ("pending", "cancelling")
