"""Where a migration's truth lives: its row and its journal, changed together or not at all."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Protocol

from controller.model.findings import Finding
from controller.model.migration import (
    CleanupItem,
    JournalEntry,
    Migration,
    MigrationState,
    Resolution,
    Whereabouts,
)
from controller.model.slots import Limits


class ClaimLost(Exception):
    """Another process has claimed the migration: stop at once and touch nothing."""


class CancelWins(Exception):
    """A cancellation was written first: what was to be begun is not begun."""


class NoSlot(Exception):
    """As many migrations as may run at once are running; nothing was written."""


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
    `within` are the limits that the change must leave room in, else NoSlot is raised.
    `unless_cancelled` makes the change, or a cancellation, whichever is written first.
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
    verification: Sequence[Finding] | None = None
    within: Limits | None = None
    unless_cancelled: bool = False
    cancel_requested: bool = False
    cancel_reason: str = ""
    resolution: Resolution | None = None
    resolution_reason: str = ""


Decide = Callable[[Migration], Advance | None]
"""What somebody who does not drive the migration writes into its row: nothing, a change, or it
raises. Such a change has no journal rows, which are the driver's."""


class Ledger(Protocol):
    """The store as the saga sees it."""

    async def load(self, migration_id: str) -> Migration:
        """Return a migration with its whole journal."""

    async def advance(self, claim: Claim, change: Advance) -> Migration:
        """Apply a change in one transaction and return the migration (with its journal).

        Durable when it returns. Raises ClaimLost when the claim is no longer ours, CancelWins and
        NoSlot as the change asks.
        """

    async def intervene(self, migration_id: str, decide: Decide) -> Migration:
        """Decide over the newest row and write the change in one transaction; needs no claim.

        Returns the migration with its journal. Raises MigrationUnknown and what `decide` raises.
        """

    async def claim_open(self, owner: str, driven: Collection[str] = ()) -> list[Migration]:
        """Claim every open migration that nobody drives, with the next epoch.

        Those are the ones whose owner is gone, and `owner`'s own that are not among `driven`.
        Returns them with their journals.
        """
