"""Facts about instances between wire and model.

What many instances have in common, such as their CPUs, is kept in memory once.
"""

import sys

from controller.model.inventory import Disk, InstanceFacts, NetworkInterface, PowerState
from xenferry.common.v1 import inventory_pb2

_POWER = {
    PowerState.UNKNOWN: inventory_pb2.POWER_STATE_UNSPECIFIED,
    PowerState.HALTED: inventory_pb2.POWER_STATE_HALTED,
    PowerState.PAUSED: inventory_pb2.POWER_STATE_PAUSED,
    PowerState.RUNNING: inventory_pb2.POWER_STATE_RUNNING,
    PowerState.SUSPENDED: inventory_pb2.POWER_STATE_SUSPENDED,
}
_POWER_BACK = {number: power for power, number in _POWER.items()}


def power_state(number: int) -> PowerState:
    """Return what a guest does; UNKNOWN for what this release does not know."""
    return _POWER_BACK.get(inventory_pb2.PowerState.ValueType(number), PowerState.UNKNOWN)


def to_message(facts: InstanceFacts) -> inventory_pb2.InstanceFacts:
    """Return the message of an instance's facts."""
    return inventory_pb2.InstanceFacts(
        instance_id=facts.instance_id,
        name=facts.name,
        host_id=facts.host_id,
        power_state=_POWER[facts.power_state],
        memory_needed_bytes=facts.memory_needed_bytes,
        vcpus=facts.vcpus,
        disks=[_disk_to_message(disk) for disk in facts.disks],
        interfaces=[_interface_to_message(interface) for interface in facts.interfaces],
        current_operations=facts.current_operations,
        cpu_vendor=facts.cpu_vendor,
        cpu_features=facts.cpu_features,
        paravirtual=facts.paravirtual,
        hardware_platform_version=facts.hardware_platform_version,
        protected=facts.protected,
    )


def from_message(message: inventory_pb2.InstanceFacts) -> InstanceFacts:
    """Return an instance's facts."""
    return InstanceFacts(
        instance_id=message.instance_id,
        name=message.name,
        host_id=message.host_id,
        power_state=power_state(message.power_state),
        memory_needed_bytes=message.memory_needed_bytes,
        vcpus=message.vcpus,
        disks=tuple(_disk_from_message(disk) for disk in message.disks),
        interfaces=tuple(_interface_from_message(each) for each in message.interfaces),
        current_operations=tuple(message.current_operations),
        cpu_vendor=sys.intern(message.cpu_vendor),
        cpu_features=sys.intern(message.cpu_features),
        paravirtual=message.paravirtual,
        hardware_platform_version=message.hardware_platform_version,
        protected=message.protected,
    )


def _disk_to_message(disk: Disk) -> inventory_pb2.Disk:
    return inventory_pb2.Disk(
        vdi_id=disk.vdi_id,
        name=disk.name,
        sr_id=disk.sr_id,
        sr_name=disk.sr_name,
        shared=disk.shared,
        virtual_size_bytes=disk.virtual_size_bytes,
        cd=disk.cd,
        physical_bytes=disk.physical_bytes,
        cbt_enabled=disk.cbt_enabled,
        encrypted=disk.encrypted,
        snapshots=disk.snapshots,
        raw_volume=disk.raw_volume,
    )


def _disk_from_message(message: inventory_pb2.Disk) -> Disk:
    return Disk(
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


def _interface_to_message(interface: NetworkInterface) -> inventory_pb2.NetworkInterface:
    return inventory_pb2.NetworkInterface(
        vif_id=interface.vif_id,
        mac=interface.mac,
        network_id=interface.network_id,
        network_name=interface.network_name,
        bridge=interface.bridge,
        addresses=interface.addresses,
    )


def _interface_from_message(message: inventory_pb2.NetworkInterface) -> NetworkInterface:
    return NetworkInterface(
        vif_id=message.vif_id,
        mac=message.mac,
        network_id=message.network_id,
        network_name=message.network_name,
        bridge=message.bridge,
        addresses=tuple(message.addresses),
    )
