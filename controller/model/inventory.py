"""Hosts and instances as the controller knows them from the agents."""

import enum
from dataclasses import dataclass, field
from datetime import datetime


class PowerState(enum.StrEnum):
    """What a guest does; UNKNOWN when no agent ever said."""

    UNKNOWN = "UNKNOWN"
    HALTED = "HALTED"
    PAUSED = "PAUSED"
    RUNNING = "RUNNING"
    SUSPENDED = "SUSPENDED"


@dataclass(frozen=True, slots=True)
class SoftwareVersion:
    """What a host runs; every part but the first is compared, number by number."""

    product_version: str = ""
    platform_version: str = ""
    xapi_build: str = ""
    xen: str = ""


@dataclass(frozen=True, slots=True)
class StorageRepository:
    """An SR as one host sees it."""

    sr_id: str
    name: str
    type: str
    shared: bool
    attached: bool
    free_bytes: int
    size_bytes: int = 0
    thin: bool = False


@dataclass(frozen=True, slots=True)
class Network:
    """A network as one host sees it."""

    network_id: str
    name: str
    bridge: str
    available: bool


@dataclass(frozen=True, slots=True)
class HostFacts:
    """What an agent tells of its host; ids are XAPI's uuids, sizes are bytes."""

    host_id: str
    name: str
    pool_id: str = ""
    pool_name: str = ""
    coordinator: bool = False
    hypervisor_type: str = "xen"
    software: SoftwareVersion = field(default_factory=SoftwareVersion)
    memory_total_bytes: int = 0
    memory_free_bytes: int = 0
    cpu_count: int = 0
    cpu_vendor: str = ""
    enabled: bool = True
    live: bool = True
    address: str = ""
    storage_repositories: tuple[StorageRepository, ...] = ()
    networks: tuple[Network, ...] = ()
    default_sr_id: str = ""
    ha_enabled: bool = False
    agent_instance_id: str = ""
    cpu_features_hvm: str = ""
    cpu_features_pv: str = ""
    hardware_platform_versions: tuple[int, ...] = ()
    licence_restrictions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Disk:
    """A disk or an inserted CD of an instance."""

    vdi_id: str
    name: str
    sr_id: str
    sr_name: str
    shared: bool
    virtual_size_bytes: int
    cd: bool = False
    physical_bytes: int = 0
    cbt_enabled: bool = False
    encrypted: bool = False
    snapshots: int = 0
    raw_volume: bool = False


@dataclass(frozen=True, slots=True)
class NetworkInterface:
    """A network interface of an instance."""

    vif_id: str
    mac: str
    network_id: str
    network_name: str
    bridge: str = ""
    addresses: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class InstanceFacts:
    """What an agent tells of an instance; `host_id` is empty when it does not run."""

    instance_id: str
    name: str
    host_id: str = ""
    power_state: PowerState = PowerState.UNKNOWN
    memory_needed_bytes: int = 0
    vcpus: int = 0
    disks: tuple[Disk, ...] = ()
    interfaces: tuple[NetworkInterface, ...] = ()
    current_operations: tuple[str, ...] = ()
    cpu_vendor: str = ""
    cpu_features: str = ""
    paravirtual: bool = False
    hardware_platform_version: int = 0
    protected: bool = False


@dataclass(frozen=True, slots=True)
class Host:
    """A host with what the controller adds to its facts."""

    facts: HostFacts
    agent_address: str
    alive: bool
    heartbeat_time: datetime | None = None
    maintenance: bool = False
    maintenance_reason: str = ""
    reserved_memory_bytes: int = 0

    @property
    def host_id(self) -> str:
        """XAPI's uuid."""
        return self.facts.host_id

    @property
    def name(self) -> str:
        """XAPI's name_label."""
        return self.facts.name


@dataclass(frozen=True, slots=True)
class Instance:
    """An instance with what the controller adds to its facts.

    `host_id` is where it runs, or for one that does not run, the host whose agent reported it.
    """

    facts: InstanceFacts
    task_state: str = ""
    migration_id: str = ""
    host_id: str = ""

    @property
    def instance_id(self) -> str:
        """XAPI's uuid."""
        return self.facts.instance_id

    @property
    def name(self) -> str:
        """XAPI's name_label."""
        return self.facts.name
