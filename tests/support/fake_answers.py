"""What the fake agents say: the errors that their faults stand for, and findings."""

import json
from collections.abc import Iterable
from typing import Any

from chassis.errors import NoRoom, Refused, ServiceError, Unavailable, Violation
from xenferry.common.v1 import finding_pb2, reason_pb2
from xenferry.hostagent.v1 import cleanup_pb2

XAPI_ERROR = ("VM_REQUIRES_SR", "OpaqueRef:1", "OpaqueRef:2")


def _refusal() -> ServiceError:
    return Refused(
        "XAPI_REFUSED",
        "XAPI says VM_REQUIRES_SR",
        [Violation("instance/x", "XAPI says VM_REQUIRES_SR", "XAPI_REFUSED")],
        {"xapi_error": json.dumps(XAPI_ERROR)},
    )


ERRORS: dict[str, Any] = {
    "unavailable": lambda: Unavailable("XAPI_UNAVAILABLE", "XAPI does not answer"),
    "refused": _refusal,
    "busy": lambda: NoRoom(
        "TOO_MANY_MIGRATIONS", "4 of 4 moves run", [Violation("host", "4 of 4")], 0.05
    ),
}


def left(subjects: Iterable[str]) -> list[cleanup_pb2.CleanupItem]:
    failed = cleanup_pb2.CLEANUP_ACTION_FAILED
    return [
        cleanup_pb2.CleanupItem(subject=subject, action=failed, why="in use", xapi_error=XAPI_ERROR)
        for subject in subjects
    ]


def passed(subject: str, message: str) -> finding_pb2.Finding:
    return finding_pb2.Finding(
        reason=reason_pb2.REASON_DEST_NOT_ALIVE,
        severity=finding_pb2.SEVERITY_OK,
        subject=subject,
        message=message,
    )


def failed(xapi_error: tuple[str, ...]) -> finding_pb2.Finding:
    return finding_pb2.Finding(
        reason=reason_pb2.REASON_MIGRATION_FAILED,
        severity=finding_pb2.SEVERITY_ERROR,
        subject="instance/x",
        message=f"XAPI failed the move with {xapi_error[0]}",
        xapi_error=xapi_error,
    )
