"""Cancelling: a word in the migration's row, which its driver and the pivot race for.

Who writes first wins. A cancellation that is written before the move is begun keeps it from being
begun; one that comes later makes the driver ask the source to stop XAPI's move, and what became of
that is told by where the guest runs.
"""

from controller.model.findings import Finding, Reason, Severity
from controller.model.migration import Migration, MigrationState, Whereabouts
from controller.ports.ledger import Advance, Ledger
from controller.saga import journal
from controller.saga.interventions import Ended, TooLate
from controller.saga.tables import TABLES


class Canceller:
    """Asks for migrations to be stopped."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    async def cancel(self, migration_id: str, reason: str) -> Migration:
        """Ask for it and return the migration; raises TooLate, Ended and MigrationUnknown."""
        return await self._ledger.intervene(migration_id, lambda newest: decide(newest, reason))


def decide(migration: Migration, reason: str) -> Advance | None:
    """Return what a cancellation writes; None where the migration is on its way back already."""
    state = migration.state
    if state is MigrationState.CANCELLED:
        return None
    if state.ended:
        raise Ended(migration)
    if state is MigrationState.QUEUED:
        return Advance(
            state=MigrationState.CANCELLED,
            error=cancellation(migration, reason),
            whereabouts=Whereabouts.SOURCE,
            close=True,
            cancel_requested=True,
            cancel_reason=reason,
        )
    table = TABLES[migration.plan.kind]
    if journal.done(migration.journal, table.pivot.name):
        raise TooLate(migration)
    if migration.cancel_requested or journal.turned_back(migration.journal, table):
        return None
    return Advance(cancel_requested=True, cancel_reason=reason)


def cancellation(migration: Migration, reason: str) -> Finding:
    """Return why a cancelled migration has ended."""
    plan = migration.plan
    why = f": {reason}" if reason else ""
    return Finding(
        Reason.MIGRATION_CANCELLED,
        Severity.ERROR,
        f"instance/{plan.instance_name}",
        f"the move was stopped on request{why}; {plan.instance_name} runs on "
        f"{plan.source_host_name}",
        "ask again when it may move",
    )
