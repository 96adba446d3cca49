"""What watchers hear: every committed change, and the progress of what is under way."""

from collections.abc import Sequence
from typing import Protocol

from controller.model.migration import Migration
from controller.ports.history import MigrationFilter


class Subscription(Protocol):
    """One watcher's ear."""

    async def next(self) -> Sequence[Migration] | None:
        """Wait for changes and return them in order; None when some were lost: read again."""

    def close(self) -> None:
        """Listen no more."""


class Changes(Protocol):
    """Tells what changes in this process, with live progress."""

    def subscribe(self, which: MigrationFilter) -> Subscription:
        """Return a subscription that hears of these migrations from now on."""

    def overlay(self, migration: Migration) -> Migration:
        """Return the migration with the newest progress that is known of it."""
