"""Hosts and instances to messages and back; nothing is decided here."""

from hostagent.model import facts
from xenferry.common.v1 import inventory_pb2

_POWER = {
    "Halted": inventory_pb2.POWER_STATE_HALTED,
    "Paused": inventory_pb2.POWER_STATE_PAUSED,
    "Running": inventory_pb2.POWER_STATE_RUNNING,
    "Suspended": inventory_pb2.POWER_STATE_SUSPENDED,
}
_POWER_NAMES = {value: name for name, value in _POWER.items()}


def power_state(name: str) -> inventory_pb2.PowerState.ValueType:
    """Return what XAPI calls a power state as the contract has it."""
    return _POWER.get(name, inventory_pb2.POWER_STATE_UNSPECIFIED)


def host_message(value: facts.HostFacts) -> inventory_pb2.HostFacts:
    """Return a host as the contract has it."""
    return inventory_pb2.HostFacts(
        host_id=value.host_id,
        name=value.name,
        pool_id=value.pool_id,
        pool_name=value.pool_name,
        coordinator=value.coordinator,
        hypervisor_type=value.hypervisor_type,
        software=inventory_pb2.SoftwareVersion(
            product_version=value.software.product_version,
            platform_version=value.software.platform_version,
            xapi_build=value.software.xapi_build,
            xen=value.software.xen,
        ),
        memory_total_bytes=value.memory_total_bytes,
        memory_free_bytes=value.memory_free_bytes,
        cpu_count=value.cpu_count,
        cpu_vendor=value.cpu_vendor,
        enabled=value.enabled,
        live=value.live,
        address=value.address,
        storage_repositories=[_sr_message(sr) for sr in value.storage_repositories],
        networks=[_network_message(network) for network in value.networks],
        default_sr_id=value.default_sr_id,
        ha_enabled=value.ha_enabled,
        agent_instance_id=value.agent_instance_id,
        cpu_features_hvm=value.cpu_features_hvm,
        cpu_features_pv=value.cpu_features_pv,
        hardware_platform_versions=value.hardware_platform_versions,
        licence_restrictions=value.licence_restrictions,
    )


def host(message: inventory_pb2.HostFacts) -> facts.HostFacts:
    """Return a host that another agent told of."""
    software = message.software
    return facts.HostFacts(
        host_id=message.host_id,
        name=message.name,
        pool_id=message.pool_id,
        pool_name=message.pool_name,
        coordinator=message.coordinator,
        hypervisor_type=message.hypervisor_type,
        software=facts.SoftwareVersion(
            software.product_version, software.platform_version, software.xapi_build, software.xen
        ),
        memory_total_bytes=message.memory_total_bytes,
        memory_free_bytes=message.memory_free_bytes,
        cpu_count=message.cpu_count,
        cpu_vendor=message.cpu_vendor,
        enabled=message.enabled,
        live=message.live,
        address=message.address,
        storage_repositories=tuple(_sr(sr) for sr in message.storage_repositories),
        networks=tuple(_network(one) for one in message.networks),
        default_sr_id=message.default_sr_id,
        ha_enabled=message.ha_enabled,
        agent_instance_id=message.agent_instance_id,
        cpu_features_hvm=message.cpu_features_hvm,
        cpu_features_pv=message.cpu_features_pv,
        hardware_platform_versions=tuple(message.hardware_platform_versions),
        licence_restrictions=tuple(message.licence_restrictions),
    )


def instance_message(value: facts.InstanceFacts) -> inventory_pb2.InstanceFacts:
    """Return an instance as the contract has it."""
    return inventory_pb2.InstanceFacts(
        instance_id=value.instance_id,
        name=value.name,
        host_id=value.host_id,
        power_state=power_state(value.power_state),
        memory_needed_bytes=value.memory_needed_bytes,
        vcpus=value.vcpus,
        disks=[_disk_message(disk) for disk in value.disks],
        interfaces=[_interface_message(interface) for interface in value.interfaces],
        current_operations=value.current_operations,
        cpu_vendor=value.cpu_vendor,
        cpu_features=value.cpu_features,
        paravirtual=value.paravirtual,
        hardware_platform_version=value.hardware_platform_version,
        protected=value.protected,
    )


def instance(message: inventory_pb2.InstanceFacts) -> facts.InstanceFacts:
    """Return an instance that the controller tells of."""
    return facts.InstanceFacts(
        instance_id=message.instance_id,
        name=message.name,
        host_id=message.host_id,
        power_state=_POWER_NAMES.get(message.power_state, ""),
        memory_needed_bytes=message.memory_needed_bytes,
        vcpus=message.vcpus,
        disks=tuple(_disk(disk) for disk in message.disks),
        interfaces=tuple(_interface(one) for one in message.interfaces),
        current_operations=tuple(message.current_operations),
        cpu_vendor=message.cpu_vendor,
        cpu_features=message.cpu_features,
        paravirtual=message.paravirtual,
        hardware_platform_version=message.hardware_platform_version,
        protected=message.protected,
    )


def _sr_message(value: facts.SrFacts) -> inventory_pb2.StorageRepository:
    return inventory_pb2.StorageRepository(
        sr_id=value.sr_id,
        name=value.name,
        type=value.type,
        shared=value.shared,
        attached=value.attached,
        free_bytes=value.free_bytes,
        size_bytes=value.size_bytes,
        thin=value.thin,
    )


def _sr(message: inventory_pb2.StorageRepository) -> facts.SrFacts:
    return facts.SrFacts(
        sr_id=message.sr_id,
        name=message.name,
        type=message.type,
        shared=message.shared,
        attached=message.attached,
        free_bytes=message.free_bytes,
        size_bytes=message.size_bytes,
        thin=message.thin,
    )


def _network_message(value: facts.NetworkFacts) -> inventory_pb2.Network:
    return inventory_pb2.Network(
        network_id=value.network_id,
        name=value.name,
        bridge=value.bridge,
        available=value.available,
    )


def _network(message: inventory_pb2.Network) -> facts.NetworkFacts:
    return facts.NetworkFacts(message.network_id, message.name, message.bridge, message.available)


def _disk_message(value: facts.DiskFacts) -> inventory_pb2.Disk:
    return inventory_pb2.Disk(
        vdi_id=value.vdi_id,
        name=value.name,
        sr_id=value.sr_id,
        sr_name=value.sr_name,
        shared=value.shared,
        virtual_size_bytes=value.virtual_size_bytes,
        cd=value.cd,
        physical_bytes=value.physical_bytes,
        cbt_enabled=value.cbt_enabled,
        encrypted=value.encrypted,
        snapshots=value.snapshots,
        raw_volume=value.raw_volume,
    )


def _disk(message: inventory_pb2.Disk) -> facts.DiskFacts:
    return facts.DiskFacts(
        vdi_id=message.vdi_id,
        name=message.name,
        sr_id=message.sr_id,
        sr_name=message.sr_name,
        shared=message.shared,
        virtual_size_bytes=message.virtual_size_bytes,
        cd=message.cd,
        physical_bytes=message.physical_bytes,
        cbt_enabled=message.cbt_enabled,
        encrypted=message.encrypted,
        snapshots=message.snapshots,
        raw_volume=message.raw_volume,
    )


def _interface_message(value: facts.InterfaceFacts) -> inventory_pb2.NetworkInterface:
    return inventory_pb2.NetworkInterface(
        vif_id=value.vif_id,
        mac=value.mac,
        network_id=value.network_id,
        network_name=value.network_name,
        bridge=value.bridge,
        addresses=value.addresses,
    )


def _interface(message: inventory_pb2.NetworkInterface) -> facts.InterfaceFacts:
    return facts.InterfaceFacts(
        vif_id=message.vif_id,
        mac=message.mac,
        network_id=message.network_id,
        network_name=message.network_name,
        bridge=message.bridge,
        addresses=tuple(message.addresses),
    )
