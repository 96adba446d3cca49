"""Facts about hosts between wire and model."""

from controller.model.inventory import HostFacts, Network, SoftwareVersion, StorageRepository
from xenferry.common.v1 import inventory_pb2


def to_message(facts: HostFacts) -> inventory_pb2.HostFacts:
    """Return the message of a host's facts."""
    return inventory_pb2.HostFacts(
        host_id=facts.host_id,
        name=facts.name,
        pool_id=facts.pool_id,
        pool_name=facts.pool_name,
        coordinator=facts.coordinator,
        hypervisor_type=facts.hypervisor_type,
        software=_software_to_message(facts.software),
        memory_total_bytes=facts.memory_total_bytes,
        memory_free_bytes=facts.memory_free_bytes,
        cpu_count=facts.cpu_count,
        cpu_vendor=facts.cpu_vendor,
        enabled=facts.enabled,
        live=facts.live,
        address=facts.address,
        storage_repositories=[_sr_to_message(sr) for sr in facts.storage_repositories],
        networks=[_network_to_message(network) for network in facts.networks],
        default_sr_id=facts.default_sr_id,
        ha_enabled=facts.ha_enabled,
        agent_instance_id=facts.agent_instance_id,
        cpu_features_hvm=facts.cpu_features_hvm,
        cpu_features_pv=facts.cpu_features_pv,
        hardware_platform_versions=facts.hardware_platform_versions,
        licence_restrictions=facts.licence_restrictions,
    )


def from_message(message: inventory_pb2.HostFacts) -> HostFacts:
    """Return a host's facts."""
    return HostFacts(
        host_id=message.host_id,
        name=message.name,
        pool_id=message.pool_id,
        pool_name=message.pool_name,
        coordinator=message.coordinator,
        hypervisor_type=message.hypervisor_type,
        software=SoftwareVersion(
            product_version=message.software.product_version,
            platform_version=message.software.platform_version,
            xapi_build=message.software.xapi_build,
            xen=message.software.xen,
        ),
        memory_total_bytes=message.memory_total_bytes,
        memory_free_bytes=message.memory_free_bytes,
        cpu_count=message.cpu_count,
        cpu_vendor=message.cpu_vendor,
        enabled=message.enabled,
        live=message.live,
        address=message.address,
        storage_repositories=tuple(_sr_from_message(sr) for sr in message.storage_repositories),
        networks=tuple(_network_from_message(network) for network in message.networks),
        default_sr_id=message.default_sr_id,
        ha_enabled=message.ha_enabled,
        agent_instance_id=message.agent_instance_id,
        cpu_features_hvm=message.cpu_features_hvm,
        cpu_features_pv=message.cpu_features_pv,
        hardware_platform_versions=tuple(message.hardware_platform_versions),
        licence_restrictions=tuple(message.licence_restrictions),
    )


def _software_to_message(software: SoftwareVersion) -> inventory_pb2.SoftwareVersion:
    return inventory_pb2.SoftwareVersion(
        product_version=software.product_version,
        platform_version=software.platform_version,
        xapi_build=software.xapi_build,
        xen=software.xen,
    )


def _sr_to_message(sr: StorageRepository) -> inventory_pb2.StorageRepository:
    return inventory_pb2.StorageRepository(
        sr_id=sr.sr_id,
        name=sr.name,
        type=sr.type,
        shared=sr.shared,
        attached=sr.attached,
        free_bytes=sr.free_bytes,
        size_bytes=sr.size_bytes,
        thin=sr.thin,
    )


def _sr_from_message(message: inventory_pb2.StorageRepository) -> StorageRepository:
    return StorageRepository(
        sr_id=message.sr_id,
        name=message.name,
        type=message.type,
        shared=message.shared,
        attached=message.attached,
        free_bytes=message.free_bytes,
        size_bytes=message.size_bytes,
        thin=message.thin,
    )


def _network_to_message(network: Network) -> inventory_pb2.Network:
    return inventory_pb2.Network(
        network_id=network.network_id,
        name=network.name,
        bridge=network.bridge,
        available=network.available,
    )


def _network_from_message(message: inventory_pb2.Network) -> Network:
    return Network(
        network_id=message.network_id,
        name=message.name,
        bridge=message.bridge,
        available=message.available,
    )
