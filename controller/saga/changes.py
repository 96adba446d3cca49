"""Arithmetic on changes of a row, so that several of them cost one transaction."""

from collections.abc import Sequence
from dataclasses import replace

from controller.model.migration import CleanupItem, Migration, MigrationState
from controller.ports.ledger import Advance

_FORWARD = (
    MigrationState.PREPARING,
    MigrationState.MOVING,
    MigrationState.FINISHING,
    MigrationState.SUCCEEDED,
)


def merge(first: Advance, then: Advance) -> Advance:
    """Return one change that does what two would do one after the other."""
    return Advance(
        entries=(*first.entries, *then.entries),
        state=then.state or first.state,
        error=then.error or first.error,
        whereabouts=then.whereabouts or first.whereabouts,
        cleanup=first.cleanup if then.cleanup is None else then.cleanup,
        findings=first.findings if then.findings is None else then.findings,
        rehome=first.rehome or then.rehome,
        close=first.close or then.close,
        clear_error=first.clear_error or then.clear_error,
        verification=first.verification if then.verification is None else then.verification,
        within=then.within or first.within,
        unless_cancelled=first.unless_cancelled or then.unless_cancelled,
        cancel_requested=first.cancel_requested or then.cancel_requested,
        cancel_reason=then.cancel_reason or first.cancel_reason,
        resolution=then.resolution or first.resolution,
        resolution_reason=then.resolution_reason or first.resolution_reason,
    )


def renewed(known: Sequence[CleanupItem], items: Sequence[CleanupItem]) -> tuple[CleanupItem, ...]:
    """Return the items with the newest word on each subject."""
    by_subject = {item.subject: item for item in (*known, *items)}
    return tuple(by_subject.values())


def without_stale_error(migration: Migration, change: Advance) -> Advance:
    """Return the change, less the error of a migration that goes forward again."""
    if migration.error is None or change.error is not None or change.state not in _FORWARD:
        return change
    return replace(change, clear_error=True)
