"""What the layers below raise, as the status that a client gets."""

import json
from collections.abc import Sequence

from chassis.errors import (
    Conflict,
    InvalidArgument,
    NoRoom,
    NotFound,
    OutOfRange,
    Refused,
    ServiceError,
    Unavailable,
    Unimplemented,
    Violation,
)
from controller.aggregates.planner import OperationRefused
from controller.api import aggregate_errors, floating_ip_errors, intervention_errors
from controller.model import findings as model
from controller.model.findings import Finding, Reason, Severity
from controller.planning import refusals
from controller.ports import admission, agents, failures
from controller.wire import findings as wire
from xenferry.common.v1 import finding_pb2

# A status travels in the trailer, which clients built on gRPC's C core refuse above 8 KiB; base64
# makes it a third longer.
FINDINGS_LIMIT_BYTES = 3_500
VIOLATIONS_LIMIT = 1_500
NO_ROOM_RETRY_S = 10.0
AGENT_RETRY_S = 2.0


def translate(error: Exception) -> ServiceError | None:
    """Return the ServiceError of an exception, None for one that nobody foresaw."""
    if isinstance(error, refusals.NoPlan):
        return _no_plan(error)
    if isinstance(error, admission.AdmissionRefused):
        return _not_admitted(error)
    if isinstance(error, (OperationRefused, agents.StepRefused)):
        return _refused(error.findings)
    if isinstance(error, agents.AgentError):
        return Unavailable(error.findings[0].reason, str(error), AGENT_RETRY_S)
    return _of_failures(error) or _of_rooms(error)


def _of_failures(error: Exception) -> ServiceError | None:
    if isinstance(error, failures.MigrationUnknown):
        return migration_not_found(error.migration_id)
    if isinstance(error, failures.RevisionCompacted):
        return _compacted(error)
    if isinstance(error, failures.StoreUnavailable):
        return Unavailable(Reason.STORE_UNAVAILABLE, "the database does not answer")
    return None


def _of_rooms(error: Exception) -> ServiceError | None:
    rooms = (intervention_errors, floating_ip_errors, aggregate_errors)
    return next((told for room in rooms if (told := room.translate(error)) is not None), None)


def migration_not_found(migration_id: str) -> NotFound:
    """Return the error for an unknown migration."""
    text = f"there is no migration {migration_id}"
    return NotFound(Reason.MIGRATION_NOT_FOUND, "xenferry.Migration", migration_id, text)


def instance_not_found(instance: str) -> NotFound:
    """Return the error for an unknown instance."""
    text = f"no instance {instance} is known"
    return NotFound(Reason.INSTANCE_NOT_FOUND, "xenferry.Instance", instance, text)


def host_not_found(host: str) -> NotFound:
    """Return the error for an unknown host."""
    return NotFound(Reason.HOST_NOT_FOUND, "xenferry.Host", host, f"no host {host} is known")


def ambiguous(field: str, name: str, ids: Sequence[str]) -> InvalidArgument:
    """Return the error for a name that several bear."""
    text = f"{name!r} names {len(ids)}: {', '.join(ids[:5])}; use the uuid of the one that is meant"
    violation = Violation(field, text, Reason.AMBIGUOUS_NAME)
    return InvalidArgument(Reason.AMBIGUOUS_NAME, text, [violation])


def _compacted(error: failures.RevisionCompacted) -> OutOfRange:
    text = f"{error}; start over with start_revision 0"
    return OutOfRange(Reason.REVISION_COMPACTED, text, {"kept_from_revision": str(error.kept_from)})


def not_implemented(call: str, instead: str) -> Unimplemented:
    """Return the error for a call that comes with a later release."""
    text = f"{call} comes with a later release; {instead}"
    return Unimplemented(Reason.NOT_IMPLEMENTED, text, {"call": call})


def _no_plan(error: refusals.NoPlan) -> ServiceError:
    if isinstance(error, refusals.InstanceNotFound):
        return instance_not_found(error.instance_id)
    if isinstance(error, refusals.HostNotFound):
        return host_not_found(error.dest)
    if isinstance(error, refusals.AmbiguousName):
        return ambiguous("dest", error.dest, error.host_ids)
    return _refused(error.findings)


_ROOM = frozenset({Reason.INSUFFICIENT_MEMORY, Reason.INSUFFICIENT_DISK_SPACE})


def _refused(findings: Sequence[Finding]) -> ServiceError:
    errors = model.errors(findings)
    reasons = {finding.reason for finding in errors}
    message = "; ".join(finding.message for finding in errors)[:500]
    metadata = _metadata(findings, errors)
    details = [_findings_detail(findings, errors)]
    if reasons == {Reason.INSTANCE_BUSY}:
        return Conflict(Reason.INSTANCE_BUSY, message, metadata, details)
    violations = _violations(errors)
    if reasons <= _ROOM and all(map(_held_for_others, errors)):
        return NoRoom(errors[0].reason, message, violations, NO_ROOM_RETRY_S, details=details)
    return Refused(errors[0].reason, message, violations, metadata, details)


def _violations(errors: Sequence[Finding]) -> list[Violation]:
    """Return a violation for each error, as many as fit; the metadata say how many there are."""
    violations: list[Violation] = []
    size = 0
    for finding in errors:
        size += len(finding.subject) + len(finding.message) + len(finding.reason)
        if size > VIOLATIONS_LIMIT and violations:
            break
        violations.append(Violation(finding.subject, finding.message[:500], finding.reason))
    return violations


def _held_for_others(finding: Finding) -> bool:
    """Tell whether there would be room, were it not for migrations under way.

    Of memory there has to be more than is needed; of a disk's room, as much is enough.
    """
    try:
        reserved = int(finding.measured.get("reserved_bytes", "0"))
        free = int(finding.measured.get("free_bytes", "0"))
        needed = int(finding.measured.get("needed_bytes", "0"))
    except ValueError:
        return False
    equal_is_enough = finding.reason is Reason.INSUFFICIENT_DISK_SPACE
    room = free + reserved
    return reserved > 0 and (room > needed or (equal_is_enough and room == needed))


def _metadata(findings: Sequence[Finding], errors: Sequence[Finding]) -> dict[str, str]:
    metadata = {"findings": str(len(findings)), "errors": str(len(errors))}
    said = next((finding.xapi_error for finding in errors if finding.xapi_error), ())
    if said:
        metadata["xapi_error"] = json.dumps(said)[:1_000]
    return metadata


def _findings_detail(
    findings: Sequence[Finding], errors: Sequence[Finding]
) -> finding_pb2.Findings:
    """Return as many findings as fit: all, else those that are no passes, else the first ones."""
    weighty = [finding for finding in findings if finding.severity is not Severity.OK]
    for candidates in (findings, weighty, errors):
        detail = finding_pb2.Findings(findings=wire.to_messages(candidates))
        if detail.ByteSize() <= FINDINGS_LIMIT_BYTES:
            return detail
    while detail.ByteSize() > FINDINGS_LIMIT_BYTES and detail.findings:
        del detail.findings[-1]
    return detail


def _not_admitted(error: admission.AdmissionRefused) -> ServiceError:
    text = str(error)
    if isinstance(error, admission.InstanceBusy):
        return Conflict(Reason.INSTANCE_BUSY, text, {"migration_id": error.migration_id})
    if isinstance(error, admission.InstanceElsewhere):
        return Conflict(Reason.INSTANCE_MOVED, text)
    if isinstance(error, admission.HostChanging):
        return Conflict(Reason.AGGREGATE_BUSY, text, {"operation_id": error.operation_id})
    if isinstance(error, admission.RequestIdReused):
        violation = Violation("request_id", text, Reason.REQUEST_ID_REUSED)
        return InvalidArgument(
            Reason.REQUEST_ID_REUSED, text, [violation], {"migration_id": error.migration_id}
        )
    if isinstance(error, (admission.NoRoom, admission.NoDiskRoom)):
        return _no_room(error)
    return ServiceError(Reason.INTERNAL, text)


def _no_room(error: admission.NoRoom | admission.NoDiskRoom) -> NoRoom:
    subject, reason = f"host/{error.plan.dest_host_name}", Reason.INSUFFICIENT_MEMORY
    if isinstance(error, admission.NoDiskRoom):
        subject = f"sr/{error.plan.disk.sr_name or error.plan.disk.sr_id}"
        reason = Reason.INSUFFICIENT_DISK_SPACE
    return NoRoom(reason, str(error), [Violation(subject, str(error), reason)], NO_ROOM_RETRY_S)
