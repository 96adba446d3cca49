"""The errors a service answers with, and the one function that puts an error on the wire.

ServiceError
  ├─ InvalidArgument     INVALID_ARGUMENT     every violation at once
  ├─ NotFound            NOT_FOUND            what was looked for
  ├─ Refused             FAILED_PRECONDITION  every violation at once
  ├─ NoRoom              RESOURCE_EXHAUSTED   what ran out, with figures
  ├─ Conflict            ABORTED              somebody else has it
  ├─ OutOfRange          OUT_OF_RANGE         it was there and is no more
  ├─ Unavailable         UNAVAILABLE          when to try again
  ├─ PermissionDenied    the caller may not
  └─ Unimplemented       UNIMPLEMENTED        and why
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import grpc
from google.protobuf.message import Message
from google.rpc import code_pb2, error_details_pb2, status_pb2

DOMAIN = "xenferry"

_CODES: Mapping[grpc.StatusCode, int] = {
    code: code_pb2.Code.Value(code.name) for code in grpc.StatusCode
}


@dataclass(frozen=True, slots=True)
class Violation:
    """One thing that is wrong: `subject` is a field path or an object, `reason` its stable name."""

    subject: str
    description: str
    reason: str = ""


# A status travels in headers, of which clients take 8 KiB in all, or throw the whole of it away.
MESSAGE, PART = 2_000, 500


def clipped(text: str, longest: int) -> str:
    """Return the beginning of a text that takes so many bytes in a header, where é takes six."""
    for end, character in enumerate(text):
        longest -= 1 if character.isascii() else 3 * len(character.encode())
        if longest < 0:
            return text[:end]
    return text


class ServiceError(Exception):
    """A failure that a client is told of; `reason` is stable, `message` is for people."""

    code: grpc.StatusCode = grpc.StatusCode.INTERNAL

    def __init__(
        self,
        reason: str,
        message: str,
        metadata: Mapping[str, str] | None = None,
        details: Sequence[Message] = (),
    ) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message
        self.metadata = dict(metadata or {})
        self.extra = tuple(details)

    def details(self) -> list[Message]:
        """Return the details of this kind of error beside its ErrorInfo."""
        return list(self.extra)


class _WithViolations(ServiceError):
    def __init__(
        self,
        reason: str,
        message: str,
        violations: Sequence[Violation],
        metadata: Mapping[str, str] | None = None,
        details: Sequence[Message] = (),
    ) -> None:
        super().__init__(reason, message, metadata, details)
        self.violations = tuple(violations)


class InvalidArgument(_WithViolations):
    """The request can't be right, whatever the state of the world."""

    code = grpc.StatusCode.INVALID_ARGUMENT

    def details(self) -> list[Message]:
        """Return a BadRequest that names every field."""
        bad = error_details_pb2.BadRequest()
        for violation in self.violations:
            bad.field_violations.add(
                field=violation.subject,
                description=violation.description,
                reason=violation.reason,
            )
        return [bad, *self.extra]


class Refused(_WithViolations):
    """The request is right and the world is not."""

    code = grpc.StatusCode.FAILED_PRECONDITION

    def details(self) -> list[Message]:
        """Return a PreconditionFailure with every violation."""
        failure = error_details_pb2.PreconditionFailure()
        for violation in self.violations:
            failure.violations.add(
                type=violation.reason,
                subject=violation.subject,
                description=violation.description,
            )
        return [failure, *self.extra]


class NoRoom(_WithViolations):
    """Something has run out; the descriptions say how much there is and how much was needed."""

    code = grpc.StatusCode.RESOURCE_EXHAUSTED

    def __init__(
        self,
        reason: str,
        message: str,
        violations: Sequence[Violation],
        retry_after_s: float | None = None,
        details: Sequence[Message] = (),
    ) -> None:
        super().__init__(reason, message, violations, details=details)
        self.retry_after_s = retry_after_s

    def details(self) -> list[Message]:
        """Return a QuotaFailure, and a RetryInfo where waiting helps."""
        quota = error_details_pb2.QuotaFailure()
        for violation in self.violations:
            quota.violations.add(subject=violation.subject, description=violation.description)
        retry = [] if self.retry_after_s is None else [retry_info(self.retry_after_s)]
        return [quota, *retry, *self.extra]


class NotFound(ServiceError):
    """There is no such thing."""

    code = grpc.StatusCode.NOT_FOUND

    def __init__(self, reason: str, resource_type: str, resource_name: str, message: str) -> None:
        super().__init__(reason, message)
        self.resource_type = resource_type
        self.resource_name = resource_name

    def details(self) -> list[Message]:
        """Return a ResourceInfo that names what was looked for."""
        return [
            error_details_pb2.ResourceInfo(
                resource_type=self.resource_type,
                resource_name=clipped(self.resource_name, PART),
                description=clipped(self.message, PART),
            )
        ]


class Conflict(ServiceError):
    """Somebody else has it, or has had it since."""

    code = grpc.StatusCode.ABORTED


class OutOfRange(ServiceError):
    """What is asked for was there and is no more."""

    code = grpc.StatusCode.OUT_OF_RANGE


class PermissionDenied(ServiceError):
    """The caller is known and may not."""

    code = grpc.StatusCode.PERMISSION_DENIED


class Unimplemented(ServiceError):
    """The contract has the call and this release has not."""

    code = grpc.StatusCode.UNIMPLEMENTED


class Unavailable(ServiceError):
    """Not now; `retry_after_s` says when."""

    code = grpc.StatusCode.UNAVAILABLE

    def __init__(
        self,
        reason: str,
        message: str,
        retry_after_s: float = 1.0,
        metadata: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(reason, message, metadata)
        self.retry_after_s = retry_after_s

    def details(self) -> list[Message]:
        """Return a RetryInfo."""
        return [retry_info(self.retry_after_s)]


def retry_info(after_s: float) -> error_details_pb2.RetryInfo:
    """Return the detail that tells a client to come back after so many seconds."""
    info = error_details_pb2.RetryInfo()
    info.retry_delay.FromMilliseconds(round(after_s * 1000))
    return info


def to_status(error: ServiceError) -> status_pb2.Status:
    """Return the google.rpc.Status of an error: exactly one ErrorInfo first, then its details."""
    info = error_details_pb2.ErrorInfo(reason=error.reason, domain=DOMAIN, metadata=error.metadata)
    status = status_pb2.Status(code=_CODES[error.code], message=clipped(error.message, MESSAGE))
    for detail in (info, *error.details()):
        status.details.add().Pack(detail)
    return status
