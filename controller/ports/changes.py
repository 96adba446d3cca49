"""What watchers hear: every committed change, and the progress of what is under way."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from controller.model.migration import Migration
from controller.ports.history import MigrationFilter


@dataclass(frozen=True, slots=True)
class Heard:
    """What one watcher heard since it last asked; changes first, each once and in order.

    `progress` has the newest progress of migrations whose row did not change. `upto` is the
    revision up to which nothing is missing. `lost`: it asked too late, and reads on from the log.
    """

    changes: Sequence[Migration] = ()
    progress: Sequence[Migration] = ()
    upto: int = 0
    lost: bool = False


class Subscription(Protocol):
    """One watcher's ear; what it holds is bounded, however slow the watcher is."""

    async def next(self, within_s: float | None = None) -> Heard:
        """Wait for changes or progress, at most so long, and return what there is."""

    def close(self) -> None:
        """Listen no more."""


class Changes(Protocol):
    """Tells what changes, whichever replica changed it, with live progress."""

    @property
    def revision(self) -> int:
        """The revision up to which all subscriptions were told everything."""

    def subscribe(self, which: MigrationFilter) -> Subscription:
        """Return a subscription that hears of these migrations behind `revision`."""

    def overlay(self, migration: Migration) -> Migration:
        """Return the migration with the newest progress that is known of it."""
