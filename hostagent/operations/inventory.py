"""What the host has, told from the mirror without asking XAPI."""

from collections.abc import Mapping

from hostagent.model.facts import (
    DiskFacts,
    HostFacts,
    InstanceFacts,
    InterfaceFacts,
    NetworkFacts,
    SoftwareVersion,
    SrFacts,
)
from hostagent.model.records import (
    GuestMetricsRecord,
    HostRecord,
    PifRecord,
    SrRecord,
    VbdRecord,
    VdiRecord,
    VifRecord,
    VmRecord,
)
from hostagent.model.settings import MigrationSettings
from hostagent.operations import look, memory
from hostagent.operations.checks import guest
from hostagent.operations.volumes import kinds
from hostagent.xapi.mirror import Mirror

DEFAULTS = MigrationSettings()
# Drivers that store only what was written; on the others a disk takes its whole size at once.
_THIN = frozenset(
    {
        "nfs",
        "ext",
        "file",
        "smb",
        "cifs",
        "xfs",
        "zfs",
        "btrfs",
        "cephfs",
        "glusterfs",
        "gfs2",
        "moosefs",
        "largeblock",
    }
)


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


def instance_facts(
    mirror: Mirror, vm: VmRecord, settings: MigrationSettings = DEFAULTS
) -> InstanceFacts:
    """Return what there is to tell of a VM; `settings` say which is protected."""
    return InstanceFacts(
        instance_id=vm.uuid,
        name=vm.name,
        host_id=look.host_id_of(mirror, vm.resident_on),
        power_state=vm.power_state,
        memory_needed_bytes=memory.needed(vm),
        vcpus=vm.vcpus_max,
        disks=_disks(mirror, vm),
        interfaces=_interfaces(mirror, vm),
        current_operations=tuple(sorted(vm.current_operations.values())),
        cpu_vendor=vm.last_boot_cpu.get("vendor", ""),
        cpu_features=vm.last_boot_cpu.get("features", ""),
        paravirtual=vm.paravirtual,
        hardware_platform_version=vm.hardware_platform_version,
        protected=bool(guest.protection(vm, settings.own_vm, settings.protected_tag)),
    )


def host_facts(
    mirror: Mirror, host: HostRecord, free_bytes: int, settings: MigrationSettings = DEFAULTS
) -> HostFacts:
    """Return what there is to tell of a host; `settings` say in which VM the agent runs."""
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
        default_sr_id=_sr_id(mirror, pool.default_sr),
        ha_enabled=pool.ha_enabled,
        agent_instance_id=settings.own_vm if settings.own_vm in mirror.vm_refs else "",
        cpu_features_hvm=_features(host, "hvm"),
        cpu_features_pv=_features(host, "pv"),
        hardware_platform_versions=host.hardware_platform_versions,
        licence_restrictions=tuple(
            sorted(name for name, value in pool.restrictions.items() if value == "true")
        ),
    )


def _sr_id(mirror: Mirror, ref: str) -> str:
    sr = mirror.srs.get(ref)
    return sr.uuid if sr else ""


def _features(host: HostRecord, kind: str) -> str:
    """Releases before 7.0 have one set for all guests."""
    return host.cpu_info.get(f"features_{kind}") or host.cpu_info.get("features", "")


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
        disks.append(_disk(vbd, vdi, sr))
    return tuple(sorted(disks, key=lambda disk: disk.vdi_id))


def _disk(vbd: VbdRecord, vdi: VdiRecord, sr: SrRecord) -> DiskFacts:
    return DiskFacts(
        vdi_id=vdi.uuid,
        name=vdi.name,
        sr_id=sr.uuid,
        sr_name=sr.name,
        shared=sr.shared,
        virtual_size_bytes=vdi.virtual_size,
        cd=vbd.cd,
        physical_bytes=max(0, vdi.used),
        cbt_enabled=vdi.cbt_enabled,
        encrypted="key_hash" in vdi.sm_config,
        snapshots=len(vdi.snapshots),
        volume=kinds.is_volume(sr),
        raw_volume=kinds.is_raw(sr.type),
    )


def _interfaces(mirror: Mirror, vm: VmRecord) -> tuple[InterfaceFacts, ...]:
    told = mirror.guest_metrics.get(vm.guest_metrics)
    known = [mirror.vifs[ref] for ref in vm.vifs if ref in mirror.vifs]
    facts = (interface_facts(mirror, vif, told) for vif in known)
    interfaces = [one for one in facts if one is not None]
    return tuple(sorted(interfaces, key=lambda interface: interface.vif_id))


def interface_facts(
    mirror: Mirror, vif: VifRecord, told: GuestMetricsRecord | None = None
) -> InterfaceFacts | None:
    """Return what there is to tell of an interface, None where its network is not known."""
    network = mirror.networks.get(vif.network)
    if network is None:
        return None
    own = addresses(told.networks if told else {}, vif.device)
    return InterfaceFacts(vif.uuid, vif.mac, network.uuid, network.name, network.bridge, own)


def addresses(told: Mapping[str, str], device: str) -> tuple[str, ...]:
    """Guests tell "0/ip", newer ones also "0/ipv4/0" and "0/ipv6/0" for their first interface."""
    own = sorted(key for key in told if key.startswith(f"{device}/ip"))
    return tuple(dict.fromkeys(told[key] for key in own if told[key]))


def _repositories(mirror: Mirror, host: HostRecord) -> tuple[SrFacts, ...]:
    told = []
    for pbd in mirror.pbds.values():
        sr = mirror.srs.get(pbd.sr)
        if pbd.host == host.ref and sr is not None:
            told.append(_repository(sr, attached=pbd.attached))
    return tuple(sorted(told, key=lambda sr: sr.sr_id))


def _repository(sr: SrRecord, *, attached: bool) -> SrFacts:
    return SrFacts(
        sr_id=sr.uuid,
        name=sr.name,
        type=sr.type,
        shared=sr.shared,
        attached=attached,
        free_bytes=max(0, sr.size - max(0, sr.used)),
        size_bytes=max(0, sr.size),
        thin=sr.type in _THIN or sr.sm_config.get("allocation") == "thin",
    )


def _networks(mirror: Mirror, host: HostRecord) -> tuple[NetworkFacts, ...]:
    ours = {pif.network for pif in mirror.pifs.values() if _carries(pif, host)}
    told = (
        NetworkFacts(
            network.uuid, network.name, network.bridge, network.ref in ours or not network.pifs
        )
        for network in mirror.networks.values()
    )
    return tuple(sorted(told, key=lambda network: network.network_id))


def _carries(pif: PifRecord, host: HostRecord) -> bool:
    """A bond's slave carries nothing of its own (XAPI A12, HOST_CANNOT_ATTACH_NETWORK)."""
    return pif.host == host.ref and not pif.bond_slave_of
