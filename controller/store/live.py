"""What is under way, in memory: open migrations, their progress, and who wants to hear of them.

A copy of what was committed, never ahead of it; only progress lives nowhere else.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import replace

from controller.model.migration import Migration, Progress
from controller.ports.history import MigrationFilter

BACKLOG = 1_000
PROGRESS_INTERVAL_S = 0.1

Listener = Callable[[Migration, bool], None]
"""Called with a committed change and whether it wrote the destination as the instance's host."""


class LiveMigrations:
    """Implements ports.changes.Changes and ports.progress.ProgressSink."""

    def __init__(self) -> None:
        self._open: dict[str, Migration] = {}
        self._progress: dict[str, Progress] = {}
        self._told: dict[str, float] = {}
        self._late: set[str] = set()
        self._subscriptions: set[Ear] = set()
        self._listeners: list[Listener] = []

    def listen(self, listener: Listener) -> None:
        """Call a function of this process at every committed change."""
        self._listeners.append(listener)

    def find(self, migration_id: str) -> Migration | None:
        """Return an open migration as last committed, with its journal."""
        return self._open.get(migration_id)

    def changed(self, migration: Migration, rehomed: bool = False) -> None:
        """Take a committed change and tell everybody."""
        key = migration.migration_id
        if migration.state.ended:
            self._open.pop(key, None)
            final = self._progress.pop(key, None)
            if final is not None:
                migration = replace(migration, progress=replace(final, cancellable=False))
        else:
            self._open[key] = migration
        for listener in self._listeners:
            listener(migration, rehomed)
        self._tell(self.overlay(migration))

    def changed_all(self, migrations: Sequence[Migration]) -> None:
        """Take several committed changes."""
        for migration in migrations:
            self.changed(migration)

    def publish(self, migration_id: str, progress: Progress) -> None:
        """Take the newest progress; watchers hear of it at most every PROGRESS_INTERVAL_S."""
        if migration_id not in self._open:
            return
        self._progress[migration_id] = progress
        if not self._subscriptions or migration_id in self._late:
            return
        loop = asyncio.get_running_loop()
        wait_s = self._told.get(migration_id, 0.0) + PROGRESS_INTERVAL_S - loop.time()
        if wait_s <= 0:
            self._tell_progress(migration_id)
        else:
            self._late.add(migration_id)
            loop.call_later(wait_s, self._tell_progress, migration_id)

    def overlay(self, migration: Migration) -> Migration:
        """Return the migration with the newest progress that is known of it."""
        progress = self._progress.get(migration.migration_id)
        return migration if progress is None else replace(migration, progress=progress)

    def subscribe(self, which: MigrationFilter) -> "Ear":
        """Return a subscription that hears of these migrations from now on."""
        ear = Ear(which, self._subscriptions.discard)
        self._subscriptions.add(ear)
        return ear

    def _tell_progress(self, migration_id: str) -> None:
        self._late.discard(migration_id)
        migration = self._open.get(migration_id)
        if migration is not None:
            self._tell(self.overlay(migration))

    def _tell(self, migration: Migration) -> None:
        if migration.state.ended:
            self._told.pop(migration.migration_id, None)
        elif self._subscriptions:
            self._told[migration.migration_id] = asyncio.get_running_loop().time()
        for ear in self._subscriptions:
            if ear.which.matches(migration):
                ear.hear(migration)


class Ear:
    """Implements ports.changes.Subscription; a watcher that is too slow is told to read again."""

    def __init__(self, which: MigrationFilter, leave: Callable[["Ear"], None]) -> None:
        self.which = which
        self._leave = leave
        self._heard: deque[Migration] = deque()
        self._lost = False
        self._something = asyncio.Event()

    def hear(self, migration: Migration) -> None:
        """Take a change."""
        if len(self._heard) >= BACKLOG:
            self._heard.clear()
            self._lost = True
        self._heard.append(migration)
        self._something.set()

    async def next(self) -> Sequence[Migration] | None:
        """Wait for changes and return them in order; None when some were lost: read again."""
        await self._something.wait()
        self._something.clear()
        heard = tuple(self._heard)
        self._heard.clear()
        if self._lost:
            self._lost = False
            return None
        return heard

    def close(self) -> None:
        """Listen no more."""
        self._leave(self)
