"""Values to messages and back; nothing is decided here."""

from collections.abc import Iterable, Mapping

from hostagent.api import inventory_messages
from hostagent.model.checks import DestCheckData, Kind, MoveEstimate
from hostagent.model.cleanup import Item
from hostagent.model.finding import Finding
from hostagent.model.move import Ending, Outcome, Report
from hostagent.model.network_matching import NetworkMatching
from hostagent.model.observation import Observation
from xenferry.common.v1 import fence_pb2, finding_pb2, reason_pb2
from xenferry.hostagent.v1 import checks_pb2, cleanup_pb2, move_pb2, observation_pb2

_KINDS: Mapping[int, Kind] = {
    fence_pb2.MigrationKind.Value(f"MIGRATION_KIND_{kind.name}"): kind for kind in Kind
}
_MATCHINGS: Mapping[int, NetworkMatching] = {
    checks_pb2.NetworkMatching.Value(f"NETWORK_MATCHING_{one.name}"): one for one in NetworkMatching
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


def dest_check_data(message: checks_pb2.DestCheckData) -> DestCheckData:
    """Return what the destination told."""
    return DestCheckData(
        host=inventory_messages.host(message.host),
        kind=kind(message.kind),
        dest_sr_id=message.dest_sr_id,
        migration_network_id=message.migration_network_id,
        migration_address=message.migration_address,
        disk_needed_bytes=message.disk_needed_bytes,
        disk_ids=tuple(message.disk_ids),
        network_matching=_MATCHINGS.get(message.network_matching, NetworkMatching.NAME),
    )


def dest_check_message(value: DestCheckData) -> checks_pb2.DestCheckData:
    """Return what this destination tells."""
    return checks_pb2.DestCheckData(
        host=inventory_messages.host_message(value.host),
        kind=kind_message(value.kind),
        dest_sr_id=value.dest_sr_id,
        migration_network_id=value.migration_network_id,
        migration_address=value.migration_address,
        disk_needed_bytes=value.disk_needed_bytes,
        disk_ids=value.disk_ids,
        network_matching=checks_pb2.NetworkMatching.Value(
            f"NETWORK_MATCHING_{value.network_matching.name}"
        ),
    )


def estimate_message(value: MoveEstimate | None) -> checks_pb2.MoveEstimate | None:
    """Return what a move is expected to cost as the contract has it."""
    if value is None:
        return None
    return checks_pb2.MoveEstimate(
        total_bytes=value.total_bytes,
        duration_p50_s=value.duration_p50_s,
        duration_p90_s=value.duration_p90_s,
        downtime_s=value.downtime_s,
    )


def report_message(value: Report) -> move_pb2.LiveMigrationResponse:
    """Return how far a move is as the contract has it."""
    return move_pb2.LiveMigrationResponse(
        phase=move_pb2.MovePhase.Value(f"MOVE_PHASE_{value.phase.name}"),
        percent=value.percent,
        cancellable=value.cancellable,
        task_id=value.task_id,
        outcome=_outcome(value.outcome),
        error=finding_message(value.error) if value.error else None,
        phase_percent=value.phase_percent,
        bytes_done=value.bytes_done,
        bytes_total=value.bytes_total,
    )


def ending_message(value: Ending) -> move_pb2.AbortMigrationResponse:
    """Return how a move that was to be stopped ended as the contract has it."""
    return move_pb2.AbortMigrationResponse(
        outcome=_outcome(value.outcome),
        error=finding_message(value.error) if value.error else None,
    )


def prepared_message(
    leased: Iterable[str], ticket: Mapping[str, str]
) -> move_pb2.PreLiveMigrationResponse:
    """Return what is prepared as the contract has it; without a ticket, the field is not set."""
    return move_pb2.PreLiveMigrationResponse(
        leased=leased,
        receive_ticket=move_pb2.ReceiveTicket(values=ticket) if ticket else None,
    )


def _outcome(value: Outcome | None) -> move_pb2.MoveOutcome.ValueType:
    return move_pb2.MoveOutcome.Value(f"MOVE_OUTCOME_{value.name if value else 'UNSPECIFIED'}")


def observation_message(value: Observation) -> observation_pb2.ObserveMigrationResponse:
    """Return an observation as the contract has it."""
    message = observation_pb2.ObserveMigrationResponse(
        present=value.present,
        power_state=inventory_messages.power_state(value.power_state),
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
