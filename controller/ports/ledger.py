"""Where a migration's truth lives: its row and its journal, changed together or not at all."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from controller.model.findings import Finding
from controller.model.migration import (
    CleanupItem,
    JournalEntry,
    Migration,
    MigrationState,
    Whereabouts,
)


class ClaimLost(Exception):
    """Another process has claimed the migration: stop at once and touch nothing."""


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to drive one migration."""

    migration_id: str
    owner: str
    epoch: int


@dataclass(frozen=True, slots=True)
class Advance:
    """One transaction's worth of change: journal rows and the row's new values.

    A field that is None stays as it is. `rehome` writes the destination as the instance's host.
    `close` (with an ended state) frees the reservation and clears the instance's task_state.
    `findings` replace those of the plan. `clear_error` takes the error away, as None can't say it.
    """

    entries: Sequence[JournalEntry] = ()
    state: MigrationState | None = None
    error: Finding | None = None
    whereabouts: Whereabouts | None = None
    cleanup: Sequence[CleanupItem] | None = None
    findings: Sequence[Finding] | None = None
    rehome: bool = False
    close: bool = False
    clear_error: bool = False


class Ledger(Protocol):
    """The store as the saga sees it."""

    async def load(self, migration_id: str) -> Migration:
        """Return a migration with its whole journal."""

    async def advance(self, claim: Claim, change: Advance) -> Migration:
        """Apply a change in one transaction and return the migration (with its journal).

        Durable when it returns. Raises ClaimLost when the claim is no longer ours.
        """

    async def claim_open(self, owner: str) -> list[Migration]:
        """Claim every open migration with the next epoch, and return them with their journals."""
