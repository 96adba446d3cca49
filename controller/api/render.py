"""Migrations as messages."""

from controller.api import render_reports
from controller.model.migration import (
    Migration,
    MigrationKind,
    MigrationPlan,
    MigrationState,
    Resolution,
    Whereabouts,
)
from controller.planning.planner import CheckCell
from controller.wire import findings
from controller.wire.times import timestamp
from xenferry.common.v1 import fence_pb2
from xenferry.controller.v1 import migration_pb2, scheduler_pb2

KINDS = {
    kind: fence_pb2.MigrationKind.Value(f"MIGRATION_KIND_{kind.name}") for kind in MigrationKind
}
STATES = {
    state: migration_pb2.MigrationState.Value(f"MIGRATION_STATE_{state.name}")
    for state in MigrationState
}
STATES_BACK = {number: state for state, number in STATES.items()}
_WHEREABOUTS = {
    place: fence_pb2.Whereabouts.Value(f"WHEREABOUTS_{place.name}") for place in Whereabouts
}
RESOLUTIONS = {
    each: migration_pb2.Resolution.Value(f"RESOLUTION_{each.name}") for each in Resolution
}
RESOLUTIONS_BACK = {number: each for each, number in RESOLUTIONS.items()}


def summary(known: Migration) -> migration_pb2.Migration:
    """Return the message of a migration as lists and watches have it: where it stands."""
    message = _planned(known.plan)
    message.migration_id = known.migration_id
    message.state = STATES[known.state]
    message.progress.CopyFrom(render_reports.progress(known.progress))
    message.revision = known.revision
    message.create_time.CopyFrom(timestamp(known.create_time))
    message.update_time.CopyFrom(timestamp(known.update_time))
    if known.end_time is not None:
        message.end_time.CopyFrom(timestamp(known.end_time))
    if known.error is not None:
        message.error.CopyFrom(findings.to_message(known.error))
    message.whereabouts = _WHEREABOUTS[known.whereabouts]
    message.epoch = known.epoch
    message.reserved_memory_bytes = known.reserved_memory_bytes
    message.reserved_disk_bytes = known.reserved_disk_bytes
    message.cancel_requested = known.cancel_requested
    message.queue_position = known.queue_position
    if known.resolution is not None:
        message.resolution = RESOLUTIONS[known.resolution]
        message.resolution_reason = known.resolution_reason
    return message


def whole(known: Migration) -> migration_pb2.Migration:
    """Return the message of a migration with all that is kept of it."""
    message = summary(known)
    message.findings.extend(findings.to_messages(known.plan.findings))
    message.cleanup.extend(render_reports.cleanup(known.cleanup))
    message.journal.extend(render_reports.journal(known.journal))
    message.verification.extend(findings.to_messages(known.verification))
    return message


def validated(plan: MigrationPlan) -> migration_pb2.Migration:
    """Return the answer to a validate_only call: a migration that never was."""
    message = _planned(plan)
    message.findings.extend(findings.to_messages(plan.findings))
    message.validated_only = True
    return message


def cell(checked: CheckCell) -> scheduler_pb2.CheckCell:
    """Return the message of one instance and one destination."""
    return scheduler_pb2.CheckCell(
        instance_id=checked.instance_id,
        dest_host_id=checked.dest_host_id,
        possible=checked.possible,
        kind=KINDS[checked.kind],
        findings=findings.to_messages(checked.findings),
        estimate=render_reports.estimate(checked.estimate),
    )


def _planned(plan: MigrationPlan) -> migration_pb2.Migration:
    return migration_pb2.Migration(
        instance_id=plan.instance_id,
        instance_name=plan.instance_name,
        source_host_id=plan.source_host_id,
        source_host_name=plan.source_host_name,
        dest_host_id=plan.dest_host_id,
        dest_host_name=plan.dest_host_name,
        kind=KINDS[plan.kind],
        request_id=plan.request.request_id,
        reason=plan.request.reason,
        requested_by=plan.request.requested_by,
        priority=plan.request.priority,
        dest_sr_id=plan.disk.sr_id,
        estimate=render_reports.estimate(plan.estimate),
    )
