"""XAPI's own verdict, asked last, next to our findings; where the two differ, it is counted."""

from collections.abc import Collection, Sequence
from dataclasses import replace

from hostagent.model import metrics
from hostagent.model.finding import Finding, Reason, Severity, errors, warned
from hostagent.operations import refusals

# What VM.assert_can_boot_here looks at (XAPI A12): here it may contradict us.
BOOTS = frozenset(
    {
        Reason.DEST_NOT_ALIVE,
        Reason.DEST_DISABLED,
        Reason.INSUFFICIENT_MEMORY,
        Reason.INSUFFICIENT_CPUS,
        Reason.HARDWARE_VERSION_UNSUPPORTED,
        Reason.STORAGE_NOT_SHARED,
        Reason.NETWORK_NOT_AVAILABLE,
        Reason.CPU_INCOMPATIBLE,
    }
)
# What VM.assert_can_migrate looks at inside a pool; of a guest's state it sees nothing (recorded).
MIGRATES = frozenset({Reason.DEST_OLDER, Reason.LICENCE_RESTRICTION, Reason.DISK_NOT_MIGRATABLE})

_REMEDY = "ask again; if it stays so, tell the authors of xenferry"


def merge(
    subject: str,
    findings: Sequence[Finding],
    error: Sequence[str],
    covered: Collection[Reason] = BOOTS,
) -> tuple[Finding, ...]:
    """Return the findings with XAPI's refusal (empty: it allows the move) worked in.

    What it confirms gets its error array; what it alone sees is added; what it contradicts stays
    refused. A contradiction is a warning more. `covered` is what XAPI was asked about.
    """
    if not error:
        doubted = [one for one in errors(findings) if one.reason in covered]
        return (*findings, *(_allowed(finding) for finding in doubted))
    reason = refusals.reason_of(error)
    for place, finding in enumerate(findings):
        if finding.reason is reason and finding.severity is Severity.ERROR:
            confirmed = replace(finding, xapi_error=tuple(error))
            return (*findings[:place], confirmed, *findings[place + 1 :])
    refusal = refusals.finding(subject, error)
    return (*findings, refusal, *_refused(findings, refusal))


def _allowed(finding: Finding) -> Finding:
    metrics.DISAGREEMENTS.labels(finding.reason.name, "allows").inc()
    text = f"XAPI's own check allows the move although {finding.message}"
    return _disagreement(finding, text, "allows")


def _refused(findings: Sequence[Finding], refusal: Finding) -> list[Finding]:
    """XAPI may see what no check of ours covers; only what one passed is a contradiction."""
    ours = next((finding for finding in findings if finding.reason is refusal.reason), None)
    if ours is None:
        return []
    metrics.DISAGREEMENTS.labels(refusal.reason.name, "refuses").inc()
    return [_disagreement(refusal, f"{refusal.message} although {ours.message}", "refuses")]


def _disagreement(finding: Finding, text: str, xapi: str) -> Finding:
    figures = {"check": finding.reason.name, "xapi": xapi}
    return warned(Reason.CHECKS_DISAGREE, finding.subject, text, _REMEDY, **figures)
