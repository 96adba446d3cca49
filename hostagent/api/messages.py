"""Values to messages and back; nothing is decided here."""

from collections.abc import Iterable, Mapping

from hostagent.model import facts
from hostagent.model.checks import DestCheckData, Kind
from hostagent.model.cleanup import Item
from hostagent.model.finding import Finding
from hostagent.model.move import Report
from hostagent.model.observation import Observation
from xenferry.common.v1 import fence_pb2, finding_pb2, inventory_pb2, reason_pb2
from xenferry.hostagent.v1 import checks_pb2, cleanup_pb2, move_pb2, observation_pb2

_POWER = {
    "Halted": inventory_pb2.POWER_STATE_HALTED,
    "Paused": inventory_pb2.POWER_STATE_PAUSED,
    "Running": inventory_pb2.POWER_STATE_RUNNING,
    "Suspended": inventory_pb2.POWER_STATE_SUSPENDED,
}
_POWER_NAMES = {value: name for name, value in _POWER.items()}
_KINDS: Mapping[int, Kind] = {
    fence_pb2.MigrationKind.Value(f"MIGRATION_KIND_{kind.name}"): kind for kind in Kind
}
_TASK = {
    "pending": observation_pb2.TASK_STATUS_PENDING,
    "cancelling": observation_pb2.TASK_STATUS_PENDING,
    "success": observation_pb2.TASK_STATUS_SUCCESS,
    "failure": observation_pb2.TASK_STATUS_FAILURE,
    "cancelled": observation_pb2.TASK_STATUS_CANCELLED,
}


def kind(value: int) -> Kind:
    """Return a kind of migration."""
    return _KINDS.get(value, Kind.UNSPECIFIED)


def kind_message(value: Kind) -> fence_pb2.MigrationKind.ValueType:
    """Return a kind of migration as the contract has it."""
    return fence_pb2.MigrationKind.Value(f"MIGRATION_KIND_{value.name}")


def finding_message(value: Finding) -> finding_pb2.Finding:
    """Return a finding as the contract has it."""
    return finding_pb2.Finding(
        reason=reason_pb2.Reason.Value(f"REASON_{value.reason.name}"),
        severity=finding_pb2.Severity.Value(f"SEVERITY_{value.severity.name}"),
        subject=value.subject,
        message=value.message,
        remedy=value.remedy,
        xapi_error=value.xapi_error,
        measured=value.measured,
    )


def finding_messages(values: Iterable[Finding]) -> list[finding_pb2.Finding]:
    """Return findings as the contract has them."""
    return [finding_message(value) for value in values]


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
        storage_repositories=tuple(
            facts.SrFacts(sr.sr_id, sr.name, sr.type, sr.shared, sr.attached, sr.free_bytes)
            for sr in message.storage_repositories
        ),
        networks=tuple(
            facts.NetworkFacts(one.network_id, one.name, one.bridge, one.available)
            for one in message.networks
        ),
    )


def instance_message(value: facts.InstanceFacts) -> inventory_pb2.InstanceFacts:
    """Return an instance as the contract has it."""
    return inventory_pb2.InstanceFacts(
        instance_id=value.instance_id,
        name=value.name,
        host_id=value.host_id,
        power_state=_POWER.get(value.power_state, inventory_pb2.POWER_STATE_UNSPECIFIED),
        memory_needed_bytes=value.memory_needed_bytes,
        vcpus=value.vcpus,
        disks=[_disk_message(disk) for disk in value.disks],
        interfaces=[_interface_message(interface) for interface in value.interfaces],
        current_operations=value.current_operations,
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
        interfaces=tuple(
            facts.InterfaceFacts(one.vif_id, one.mac, one.network_id, one.network_name)
            for one in message.interfaces
        ),
        current_operations=tuple(message.current_operations),
    )


def dest_check_data(message: checks_pb2.DestCheckData) -> DestCheckData:
    """Return what the destination told."""
    return DestCheckData(
        host=host(message.host),
        kind=kind(message.kind),
        dest_sr_id=message.dest_sr_id,
        migration_network_id=message.migration_network_id,
    )


def dest_check_message(value: DestCheckData) -> checks_pb2.DestCheckData:
    """Return what this destination tells."""
    return checks_pb2.DestCheckData(
        host=host_message(value.host),
        kind=kind_message(value.kind),
        dest_sr_id=value.dest_sr_id,
        migration_network_id=value.migration_network_id,
    )


def report_message(value: Report) -> move_pb2.LiveMigrationResponse:
    """Return how far a move is as the contract has it."""
    outcome = f"MOVE_OUTCOME_{value.outcome.name if value.outcome else 'UNSPECIFIED'}"
    return move_pb2.LiveMigrationResponse(
        phase=move_pb2.MovePhase.Value(f"MOVE_PHASE_{value.phase.name}"),
        percent=value.percent,
        cancellable=value.cancellable,
        task_id=value.task_id,
        outcome=move_pb2.MoveOutcome.Value(outcome),
        error=finding_message(value.error) if value.error else None,
    )


def observation_message(value: Observation) -> observation_pb2.ObserveMigrationResponse:
    """Return an observation as the contract has it."""
    message = observation_pb2.ObserveMigrationResponse(
        present=value.present,
        power_state=_POWER.get(value.power_state, inventory_pb2.POWER_STATE_UNSPECIFIED),
        resident_host_id=value.resident_host_id,
        scheduled_host_id=value.scheduled_host_id,
        current_operations=value.current_operations,
        tagged=value.tagged,
        residue=value.residue,
        host_id=value.host_id,
        pool_id=value.pool_id,
        host_live=value.host_live,
    )
    if value.task is not None:
        message.task.task_id = value.task.task_id
        message.task.status = _TASK.get(value.task.status, observation_pb2.TASK_STATUS_UNSPECIFIED)
        message.task.progress = value.task.progress
        message.task.cancellable = value.task.cancellable
        message.task.error_info.extend(value.task.error_info)
    return message


def item_messages(values: Iterable[Item]) -> list[cleanup_pb2.CleanupItem]:
    """Return what a clean-up did as the contract has it."""
    return [
        cleanup_pb2.CleanupItem(
            subject=value.subject,
            action=cleanup_pb2.CleanupAction.Value(f"CLEANUP_ACTION_{value.action.name}"),
            why=value.why,
            xapi_error=value.xapi_error,
        )
        for value in values
    ]


def _sr_message(value: facts.SrFacts) -> inventory_pb2.StorageRepository:
    return inventory_pb2.StorageRepository(
        sr_id=value.sr_id,
        name=value.name,
        type=value.type,
        shared=value.shared,
        attached=value.attached,
        free_bytes=value.free_bytes,
    )


def _network_message(value: facts.NetworkFacts) -> inventory_pb2.Network:
    return inventory_pb2.Network(
        network_id=value.network_id,
        name=value.name,
        bridge=value.bridge,
        available=value.available,
    )


def _disk_message(value: facts.DiskFacts) -> inventory_pb2.Disk:
    return inventory_pb2.Disk(
        vdi_id=value.vdi_id,
        name=value.name,
        sr_id=value.sr_id,
        sr_name=value.sr_name,
        shared=value.shared,
        virtual_size_bytes=value.virtual_size_bytes,
        cd=value.cd,
    )


def _disk(message: inventory_pb2.Disk) -> facts.DiskFacts:
    return facts.DiskFacts(
        message.vdi_id,
        message.name,
        message.sr_id,
        message.sr_name,
        message.shared,
        message.virtual_size_bytes,
        message.cd,
    )


def _interface_message(value: facts.InterfaceFacts) -> inventory_pb2.NetworkInterface:
    return inventory_pb2.NetworkInterface(
        vif_id=value.vif_id,
        mac=value.mac,
        network_id=value.network_id,
        network_name=value.network_name,
    )
