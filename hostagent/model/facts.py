"""What an agent tells of its host and of the instances there."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SoftwareVersion:
    """What a host runs; see `hostagent.operations.checks.versions` for how it is compared."""

    product_version: str = ""
    platform_version: str = ""
    xapi_build: str = ""
    xen: str = ""


@dataclass(frozen=True, slots=True)
class SrFacts:
    """A storage repository as seen from one host."""

    sr_id: str
    name: str
    type: str
    shared: bool
    attached: bool
    free_bytes: int
    size_bytes: int = 0
    thin: bool = False


@dataclass(frozen=True, slots=True)
class NetworkFacts:
    """A network as seen from one host."""

    network_id: str
    name: str
    bridge: str
    available: bool


@dataclass(frozen=True, slots=True)
class HostFacts:
    """A host; sizes in bytes."""

    host_id: str
    name: str = ""
    pool_id: str = ""
    pool_name: str = ""
    coordinator: bool = False
    hypervisor_type: str = "xen"
    software: SoftwareVersion = SoftwareVersion()
    memory_total_bytes: int = 0
    memory_free_bytes: int = 0
    cpu_count: int = 0
    cpu_vendor: str = ""
    enabled: bool = False
    live: bool = False
    address: str = ""
    storage_repositories: tuple[SrFacts, ...] = ()
    networks: tuple[NetworkFacts, ...] = ()
    default_sr_id: str = ""
    ha_enabled: bool = False
    agent_instance_id: str = ""
    cpu_features_hvm: str = ""
    cpu_features_pv: str = ""
    hardware_platform_versions: tuple[int, ...] = ()
    licence_restrictions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DiskFacts:
    """A disk or an inserted CD of an instance."""

    vdi_id: str
    name: str
    sr_id: str
    sr_name: str
    shared: bool
    virtual_size_bytes: int
    cd: bool
    physical_bytes: int = 0
    cbt_enabled: bool = False
    encrypted: bool = False
    snapshots: int = 0
    volume: bool = False  # on a repository that follows the guest; known in its own pool alone
    raw_volume: bool = False  # on one that follows it into another pool too

    @property
    def label(self) -> str:
        """How people know it."""
        return self.name or self.vdi_id


@dataclass(frozen=True, slots=True)
class InterfaceFacts:
    """A network interface of an instance."""

    vif_id: str
    mac: str
    network_id: str
    network_name: str
    bridge: str = ""
    addresses: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class InstanceFacts:
    """An instance; `power_state` as XAPI writes it ("Running")."""

    instance_id: str
    name: str = ""
    host_id: str = ""
    power_state: str = ""
    memory_needed_bytes: int = 0
    vcpus: int = 0
    disks: tuple[DiskFacts, ...] = ()
    interfaces: tuple[InterfaceFacts, ...] = ()
    current_operations: tuple[str, ...] = ()
    cpu_vendor: str = ""
    cpu_features: str = ""
    paravirtual: bool = False
    hardware_platform_version: int = 0
    protected: bool = False

    @property
    def subject(self) -> str:
        """How findings name it."""
        return f"instance/{self.name or self.instance_id}"
