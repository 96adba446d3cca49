"""Migrations with their place in the queue, which is told and not stored: others change it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from controller.model.migration import Migration, MigrationState
from controller.ports.changes import Changes, Heard, Subscription
from controller.ports.history import MigrationFilter


@dataclass(frozen=True, slots=True)
class Placed:
    """Implements ports.changes.Changes over another."""

    changes: Changes
    position: Callable[[str], int]

    @property
    def revision(self) -> int:
        """The revision up to which all subscriptions were told everything."""
        return self.changes.revision

    def subscribe(self, which: MigrationFilter) -> Subscription:
        """Return a subscription whose migrations have their place."""
        return _PlacedSubscription(self.changes.subscribe(which), self._placed)

    def overlay(self, migration: Migration) -> Migration:
        """Return the migration with its newest progress and its place."""
        return self._placed(self.changes.overlay(migration))

    def _placed(self, migration: Migration) -> Migration:
        if not _waits(migration):
            return migration
        return replace(migration, queue_position=self.position(migration.migration_id))


@dataclass(frozen=True, slots=True)
class _PlacedSubscription:
    subscription: Subscription
    placed: Callable[[Migration], Migration]

    async def next(self, within_s: float | None = None) -> Heard:
        heard = await self.subscription.next(within_s)
        if not any(map(_waits, (*heard.changes, *heard.progress))):
            return heard
        return replace(heard, changes=self._all(heard.changes), progress=self._all(heard.progress))

    def close(self) -> None:
        self.subscription.close()

    def _all(self, migrations: Sequence[Migration]) -> Sequence[Migration]:
        return [self.placed(each) for each in migrations]


def _waits(migration: Migration) -> bool:
    return migration.state is MigrationState.QUEUED
