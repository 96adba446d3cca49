"""XAPI's own verdict, asked last, next to our findings."""

from collections.abc import Sequence
from dataclasses import replace

from hostagent.model.finding import Finding, Reason, Severity, errors, warned
from hostagent.operations import refusals

# What VM.assert_can_boot_here looks at (XAPI A12): here it may contradict us.
COVERED = frozenset(
    {
        Reason.DEST_NOT_ALIVE,
        Reason.DEST_DISABLED,
        Reason.INSUFFICIENT_MEMORY,
        Reason.STORAGE_NOT_SHARED,
        Reason.NETWORK_NOT_AVAILABLE,
        Reason.CPU_INCOMPATIBLE,
    }
)


def merge(subject: str, findings: Sequence[Finding], error: Sequence[str]) -> tuple[Finding, ...]:
    """Return the findings with XAPI's refusal (empty: it allows the move) worked in.

    What it confirms gets its error array; what it alone sees is added; what it contradicts stays
    refused, with a warning.
    """
    if not error:
        return (*findings, *(_contradicted(finding) for finding in _in_question(findings)))
    reason = refusals.reason_of(error)
    for place, finding in enumerate(findings):
        if finding.reason is reason and finding.severity is Severity.ERROR:
            confirmed = replace(finding, xapi_error=tuple(error))
            return (*findings[:place], confirmed, *findings[place + 1 :])
    return (*findings, refusals.finding(subject, error))


def _in_question(findings: Sequence[Finding]) -> list[Finding]:
    return [finding for finding in errors(findings) if finding.reason in COVERED]


def _contradicted(finding: Finding) -> Finding:
    return warned(
        finding.reason,
        finding.subject,
        f"XAPI's own check allows the move although {finding.message}",
        "ask again; if it stays so, tell the authors of xenferry",
    )
