"""Migrations as readers see them: one, a page, and every change since a revision."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from controller.model.migration import Migration, MigrationState


@dataclass(frozen=True, slots=True)
class MigrationFilter:
    """Which migrations; what is empty matches all."""

    states: frozenset[MigrationState] = frozenset()
    host_id: str = ""
    instance_id: str = ""
    migration_id: str = ""

    def matches(self, migration: Migration) -> bool:
        """Tell whether a migration is one of these."""
        plan = migration.plan
        return (
            (not self.states or migration.state in self.states)
            and self.host_id in ("", plan.source_host_id, plan.dest_host_id)
            and self.instance_id in ("", plan.instance_id)
            and self.migration_id in ("", migration.migration_id)
        )


@dataclass(frozen=True, slots=True)
class Position:
    """Where a page ends: the last migration on it."""

    create_time: datetime
    migration_id: str


class History(Protocol):
    """Reads what the ledger wrote; migrations come without journal unless said."""

    async def find(self, migration_id: str) -> Migration | None:
        """Return one migration with its journal, or None."""

    async def page(
        self, which: MigrationFilter, size: int, after: Position | None
    ) -> Sequence[Migration]:
        """Return at most `size` migrations, newest first, from behind `after`."""

    async def present(
        self, which: MigrationFilter, after: int, upto: int, limit: int
    ) -> Sequence[Migration]:
        """Return at most `limit` migrations whose last change is in (after, upto], in order."""

    async def changes(
        self, which: MigrationFilter, after: int, upto: int, limit: int
    ) -> Sequence[Migration]:
        """Return at most `limit` changes in (after, upto], each as it was then, in order.

        Raises RevisionCompacted.
        """

    async def revision(self) -> int:
        """Return the newest revision."""
