"""How a check says yes and no, so that all say it alike."""

from collections.abc import Mapping

from controller.model.findings import Finding, Reason, Severity


def passed(
    reason: Reason, subject: str, message: str, measured: Mapping[str, str] | None = None
) -> Finding:
    """Return what a check says that has nothing against the move; `reason` is its reason to."""
    return Finding(reason, Severity.OK, subject, message, measured=measured or {})


def refused(
    reason: Reason,
    subject: str,
    message: str,
    remedy: str,
    measured: Mapping[str, str] | None = None,
) -> Finding:
    """Return what a check says that forbids the move, and what to do about it."""
    return Finding(reason, Severity.ERROR, subject, message, remedy, measured=measured or {})
