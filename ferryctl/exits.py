"""The exit codes: one per gRPC status, and one per ending of a watched migration.

Scripts branch on them, so they are a promise: a number never changes its meaning.
"""

from collections.abc import Mapping

import grpc

from xenferry.controller.v1 import migration_pb2

OK = 0
OTHER = 1
USAGE = 2
NOT_FOUND = 3
REFUSED = 4
NO_ROOM = 5
CONFLICT = 6
UNAVAILABLE = 7
UNIMPLEMENTED = 8
PERMISSION_DENIED = 9
STAYED = 10
STUCK = 11
INTERRUPTED = 130

MEANINGS: Mapping[int, tuple[str, str]] = {
    OK: ("OK", "done; a watched migration succeeded"),
    OTHER: ("any other status", "see the message; after a deadline the outcome is not known"),
    USAGE: ("INVALID_ARGUMENT", "the command line or the request can't be right"),
    NOT_FOUND: ("NOT_FOUND", "no such instance, host or migration"),
    REFUSED: ("FAILED_PRECONDITION", "refused, nothing was changed; the findings say why"),
    NO_ROOM: ("RESOURCE_EXHAUSTED", "something has run out; the figures are in the message"),
    CONFLICT: ("ABORTED", "somebody else has it"),
    UNAVAILABLE: ("UNAVAILABLE", "the controller, an agent or the database does not answer"),
    UNIMPLEMENTED: ("UNIMPLEMENTED", "this release does not do it"),
    PERMISSION_DENIED: ("PERMISSION_DENIED", "the certificate does not allow it"),
    STAYED: ("-", "the watched migration ended and the instance is where it was"),
    STUCK: ("-", "the watched migration is stuck: an operator is needed"),
    INTERRUPTED: ("-", "interrupted by Ctrl-C; a migration goes on by itself"),
}

_BY_STATUS: Mapping[grpc.StatusCode, int] = {
    grpc.StatusCode.OK: OK,
    grpc.StatusCode.INVALID_ARGUMENT: USAGE,
    grpc.StatusCode.NOT_FOUND: NOT_FOUND,
    grpc.StatusCode.FAILED_PRECONDITION: REFUSED,
    grpc.StatusCode.RESOURCE_EXHAUSTED: NO_ROOM,
    grpc.StatusCode.ABORTED: CONFLICT,
    grpc.StatusCode.UNAVAILABLE: UNAVAILABLE,
    grpc.StatusCode.UNIMPLEMENTED: UNIMPLEMENTED,
    grpc.StatusCode.PERMISSION_DENIED: PERMISSION_DENIED,
}

_BY_ENDING: Mapping[int, int] = {
    migration_pb2.MIGRATION_STATE_SUCCEEDED: OK,
    migration_pb2.MIGRATION_STATE_ROLLED_BACK: STAYED,
    migration_pb2.MIGRATION_STATE_CANCELLED: STAYED,
    migration_pb2.MIGRATION_STATE_STUCK: STUCK,
}


def of_status(status: grpc.StatusCode) -> int:
    """Return the exit code of a failed call."""
    return _BY_STATUS.get(status, OTHER)


def of_state(state: int) -> int:
    """Return the exit code of a watch that saw the migration rest in a state."""
    return _BY_ENDING.get(state, OTHER)
