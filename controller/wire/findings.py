"""Findings between wire and model."""

from collections.abc import Iterable

from controller.model.findings import Finding, Reason, Severity
from xenferry.common.v1 import finding_pb2, reason_pb2

_REASONS = {reason: reason_pb2.Reason.Value(f"REASON_{reason.name}") for reason in Reason}
_REASONS_BACK = {number: reason for reason, number in _REASONS.items()}
_SEVERITIES = {
    severity: finding_pb2.Severity.Value(f"SEVERITY_{severity.name}") for severity in Severity
}
_SEVERITIES_BACK = {number: severity for severity, number in _SEVERITIES.items()}


def to_message(finding: Finding) -> finding_pb2.Finding:
    """Return the message of a finding."""
    return finding_pb2.Finding(
        reason=_REASONS[finding.reason],
        severity=_SEVERITIES[finding.severity],
        subject=finding.subject,
        message=finding.message,
        remedy=finding.remedy,
        xapi_error=finding.xapi_error,
        measured=finding.measured,
    )


def to_messages(findings: Iterable[Finding]) -> list[finding_pb2.Finding]:
    """Return the message of each finding."""
    return [to_message(finding) for finding in findings]


def from_message(message: finding_pb2.Finding) -> Finding:
    """Return the finding of a message; what a newer peer says and we don't know is an error."""
    return Finding(
        reason=_REASONS_BACK.get(message.reason, Reason.INTERNAL),
        severity=_SEVERITIES_BACK.get(message.severity, Severity.ERROR),
        subject=message.subject,
        message=message.message,
        remedy=message.remedy,
        xapi_error=tuple(message.xapi_error),
        measured=dict(message.measured),
    )


def from_messages(messages: Iterable[finding_pb2.Finding]) -> tuple[Finding, ...]:
    """Return the finding of each message."""
    return tuple(from_message(message) for message in messages)
