"""What the host has, told from the mirror without asking XAPI."""

from hostagent.model.facts import (
    DiskFacts,
    HostFacts,
    InstanceFacts,
    InterfaceFacts,
    NetworkFacts,
    SoftwareVersion,
    SrFacts,
)
from hostagent.model.records import HostRecord, VmRecord
from hostagent.operations import look
from hostagent.xapi.mirror import Mirror

MIB = 1024 * 1024


def belongs(mirror: Mirror, vm: VmRecord, host: HostRecord) -> bool:
    """Tell whether this host's agent reports the VM, so that a pool's agents report each once.

    What runs belongs to its host; what does not run, to the host it prefers, else to the
    coordinator.
    """
    if not vm.ordinary:
        return False
    if vm.resident_on:
        return vm.resident_on == host.ref
    if vm.affinity in mirror.hosts:
        return vm.affinity == host.ref
    return look.coordinates(mirror, host)


def memory_needed(vm: VmRecord) -> int:
    """Return what a host must have free to take the VM, as XAPI counts it (XAPI A12)."""
    return -(-vm.memory_dynamic_min // MIB) * MIB + vm.memory_overhead


def instance_facts(mirror: Mirror, vm: VmRecord) -> InstanceFacts:
    """Return what there is to tell of a VM."""
    return InstanceFacts(
        instance_id=vm.uuid,
        name=vm.name,
        host_id=look.host_id_of(mirror, vm.resident_on),
        power_state=vm.power_state,
        memory_needed_bytes=memory_needed(vm),
        vcpus=vm.vcpus_max,
        disks=_disks(mirror, vm),
        interfaces=_interfaces(mirror, vm),
        current_operations=tuple(sorted(vm.current_operations.values())),
    )


def host_facts(mirror: Mirror, host: HostRecord, free_bytes: int) -> HostFacts:
    """Return what there is to tell of a host."""
    pool = look.pool(mirror)
    metrics = mirror.host_metrics.get(host.metrics)
    return HostFacts(
        host_id=host.uuid,
        name=host.name,
        pool_id=pool.uuid,
        pool_name=pool.name,
        coordinator=pool.coordinator == host.ref,
        software=_software(host),
        memory_total_bytes=metrics.memory_total if metrics else 0,
        memory_free_bytes=free_bytes,
        cpu_count=int(host.cpu_info.get("cpu_count", 0)),
        cpu_vendor=host.cpu_info.get("vendor", ""),
        enabled=host.enabled,
        live=look.live(mirror, host),
        address=host.address,
        storage_repositories=_repositories(mirror, host),
        networks=_networks(mirror, host),
    )


def _software(host: HostRecord) -> SoftwareVersion:
    told = host.software_version
    return SoftwareVersion(
        product_version=told.get("product_version", ""),
        platform_version=told.get("platform_version", ""),
        xapi_build=told.get("xapi_build", ""),
        xen=told.get("xen", ""),
    )


def _disks(mirror: Mirror, vm: VmRecord) -> tuple[DiskFacts, ...]:
    disks = []
    for ref in vm.vbds:
        vbd = mirror.vbds.get(ref)
        vdi = mirror.vdis.get(vbd.vdi) if vbd else None
        sr = mirror.srs.get(vdi.sr) if vdi else None
        if vbd is None or vdi is None or sr is None:
            continue  # an empty drive, or not told yet
        disks.append(
            DiskFacts(vdi.uuid, vdi.name, sr.uuid, sr.name, sr.shared, vdi.virtual_size, vbd.cd)
        )
    return tuple(sorted(disks, key=lambda disk: disk.vdi_id))


def _interfaces(mirror: Mirror, vm: VmRecord) -> tuple[InterfaceFacts, ...]:
    interfaces = []
    for ref in vm.vifs:
        vif = mirror.vifs.get(ref)
        network = mirror.networks.get(vif.network) if vif else None
        if vif is not None and network is not None:
            interfaces.append(InterfaceFacts(vif.uuid, vif.mac, network.uuid, network.name))
    return tuple(sorted(interfaces, key=lambda interface: interface.vif_id))


def _repositories(mirror: Mirror, host: HostRecord) -> tuple[SrFacts, ...]:
    told = []
    for pbd in mirror.pbds.values():
        sr = mirror.srs.get(pbd.sr)
        if pbd.host == host.ref and sr is not None:
            free = max(0, sr.size - sr.used)
            told.append(SrFacts(sr.uuid, sr.name, sr.type, sr.shared, pbd.attached, free))
    return tuple(sorted(told, key=lambda sr: sr.sr_id))


def _networks(mirror: Mirror, host: HostRecord) -> tuple[NetworkFacts, ...]:
    ours = {pif.network for pif in mirror.pifs.values() if pif.host == host.ref}
    told = (
        NetworkFacts(
            network.uuid, network.name, network.bridge, network.ref in ours or not network.pifs
        )
        for network in mirror.networks.values()
    )
    return tuple(sorted(told, key=lambda network: network.network_id))
