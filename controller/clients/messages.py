"""Orders and answers of the HostAgent service between wire and model."""

from collections.abc import Iterable

from controller.model.migration import (
    CleanupAction,
    CleanupItem,
    DiskRoom,
    MigrationKind,
    MoveEstimate,
)
from controller.ports.agents import MoveOutcome, MoveProgress, Observation, Order, TaskObservation
from controller.wire import findings, instances
from xenferry.common.v1 import fence_pb2
from xenferry.hostagent.v1 import checks_pb2, cleanup_pb2, move_pb2, observation_pb2

_KINDS = {
    MigrationKind.SHARED_STORAGE: fence_pb2.MIGRATION_KIND_SHARED_STORAGE,
    MigrationKind.BLOCK: fence_pb2.MIGRATION_KIND_BLOCK,
}
_KINDS_BACK = {number: kind for kind, number in _KINDS.items()}
_ACTIONS = {
    cleanup_pb2.CLEANUP_ACTION_REMOVED: CleanupAction.REMOVED,
    cleanup_pb2.CLEANUP_ACTION_KEPT: CleanupAction.KEPT,
}
_PHASES = {
    move_pb2.MOVE_PHASE_PREPARING: "preparing",
    move_pb2.MOVE_PHASE_DISKS: "disks",
    move_pb2.MOVE_PHASE_MEMORY: "memory",
    move_pb2.MOVE_PHASE_SWITCHING: "switching",
}
_OUTCOMES = {
    move_pb2.MOVE_OUTCOME_ARRIVED: MoveOutcome.ARRIVED,
    move_pb2.MOVE_OUTCOME_STAYED: MoveOutcome.STAYED,
    move_pb2.MOVE_OUTCOME_UNKNOWN: MoveOutcome.UNKNOWN,
}
_TASKS = {
    observation_pb2.TASK_STATUS_PENDING: "PENDING",
    observation_pb2.TASK_STATUS_SUCCESS: "SUCCESS",
    observation_pb2.TASK_STATUS_FAILURE: "FAILURE",
    observation_pb2.TASK_STATUS_CANCELLED: "CANCELLED",
}


def fence(order: Order) -> fence_pb2.Fence:
    """Return the fence of an order."""
    return fence_pb2.Fence(migration_id=order.migration_id, epoch=order.epoch)


def kind_from_message(number: fence_pb2.MigrationKind.ValueType) -> MigrationKind | None:
    """Return the kind of a number, None for undecided."""
    return _KINDS_BACK.get(number)


def outcome(number: move_pb2.MoveOutcome.ValueType) -> str:
    """Return how a move ended, empty for one that has not."""
    return _OUTCOMES.get(number, "")


def dest_check_data(data: bytes) -> checks_pb2.DestCheckData | None:
    """Return what the destination told as it was sent, None for nothing."""
    return checks_pb2.DestCheckData.FromString(data) if data else None


def disk_room(told: checks_pb2.DestCheckData) -> DiskRoom:
    """Return what the disks of a block migration need, and where."""
    if not told.dest_sr_id:
        return DiskRoom()
    srs = [sr for sr in told.host.storage_repositories if sr.sr_id == told.dest_sr_id]
    return DiskRoom(
        sr_id=told.dest_sr_id,
        sr_name=srs[0].name if srs else "",
        needed_bytes=told.disk_needed_bytes,
        free_bytes=srs[0].free_bytes if srs else 0,
    )


def estimate(answer: checks_pb2.CheckCanLiveMigrateOnSrcResponse) -> MoveEstimate | None:
    """Return what the source expects a move to cost, None where it can't tell."""
    if not answer.HasField("estimate"):
        return None
    told = answer.estimate
    return MoveEstimate(
        total_bytes=told.total_bytes,
        duration_p50_s=told.duration_p50_s,
        duration_p90_s=told.duration_p90_s,
        downtime_s=told.downtime_s,
    )


def verify_request(order: Order) -> checks_pb2.VerifyExportsRequest:
    """Return the request to verify an instance's storage, for where it is to go."""
    told = dest_check_data(order.dest_check_data)
    return checks_pb2.VerifyExportsRequest(
        fence=fence(order),
        instance_id=order.instance_id,
        source_host_id=order.source_host_id,
        dest_pool_id=told.host.pool_id if told else "",
    )


def prepare_request(
    order: Order, volumes: Iterable[checks_pb2.Volume]
) -> move_pb2.PreLiveMigrationRequest:
    """Return the request to make the destination ready; volumes go from one answer to this."""
    return move_pb2.PreLiveMigrationRequest(
        fence=fence(order),
        instance_id=order.instance_id,
        kind=_KINDS[order.kind],
        dest_check_data=dest_check_data(order.dest_check_data),
        dest_host_id=order.dest_host_id,
        volumes=volumes,
    )


def move_request(
    order: Order, ticket: move_pb2.ReceiveTicket | None
) -> move_pb2.LiveMigrationRequest:
    """Return the request for a move; the ticket goes from one answer to this, and nowhere else."""
    return move_pb2.LiveMigrationRequest(
        fence=fence(order),
        instance_id=order.instance_id,
        dest_host_id=order.dest_host_id,
        kind=_KINDS[order.kind],
        receive_ticket=ticket,
        source_host_id=order.source_host_id,
        dest_check_data=dest_check_data(order.dest_check_data),
    )


def progress(message: move_pb2.LiveMigrationResponse) -> MoveProgress:
    """Return how far a move is."""
    return MoveProgress(
        phase=_PHASES.get(message.phase, ""),
        percent=message.percent,
        cancellable=message.cancellable,
        task_id=message.task_id,
        outcome=outcome(message.outcome),
        error=findings.from_message(message.error) if message.HasField("error") else None,
        bytes_done=message.bytes_done,
        bytes_total=message.bytes_total,
    )


def observation(message: observation_pb2.ObserveMigrationResponse) -> Observation:
    """Return what one side's XAPI shows."""
    return Observation(
        host_id=message.host_id,
        pool_id=message.pool_id,
        present=message.present,
        power_state=instances.power_state(message.power_state),
        resident_host_id=message.resident_host_id,
        scheduled_host_id=message.scheduled_host_id,
        current_operations=tuple(message.current_operations),
        tagged=message.tagged,
        task=_task(message.task) if message.HasField("task") else None,
        residue=tuple(message.residue),
        host_live=message.host_live,
    )


def cleanup(items: Iterable[cleanup_pb2.CleanupItem]) -> tuple[CleanupItem, ...]:
    """Return what a clean-up did; an action that we don't know counts as failed."""
    return tuple(
        CleanupItem(
            subject=item.subject,
            action=_ACTIONS.get(item.action, CleanupAction.FAILED),
            why=item.why,
            xapi_error=tuple(item.xapi_error),
        )
        for item in items
    )


def _task(message: observation_pb2.TaskObservation) -> TaskObservation | None:
    status = _TASKS.get(message.status)
    if status is None:
        return None
    return TaskObservation(message.task_id, status, tuple(message.error_info))
