"""What is under way, in memory: open migrations, their progress, and who wants to hear of them.

A copy of what was committed, never ahead of it; only progress lives nowhere else. Whoever listens
hears of every revision once and in order, whichever replica wrote it: a change that comes before
its turn waits, and the follower reads those that are missing from the log.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from controller.model.migration import Migration, Progress
from controller.ports.history import MigrationFilter
from controller.store.change_log import Change
from controller.store.ears import Ear, Ears

PROGRESS_INTERVAL_S = 0.1

Listener = Callable[[Migration, bool], None]
"""Called with a committed change and whether it wrote the destination as the instance's host."""


class LiveMigrations:
    """Implements ports.changes.Changes and ports.progress.ProgressSink."""

    def __init__(self) -> None:
        self._told: int | None = None
        self._early: dict[int, Change] = {}
        self._here: dict[str, Migration] = {}
        self._open: dict[str, Migration] = {}
        self._progress: dict[str, Progress] = {}
        self._told_at_s: dict[str, float] = {}
        self._late: set[str] = set()
        self._ears = Ears()
        self._listeners: list[Listener] = []
        self._tell_others: Callable[[str, Progress], None] | None = None
        self.missed = asyncio.Event()
        """Set when a change came before its turn: those before it are to be read."""

    @property
    def revision(self) -> int:
        """The revision up to which everything was told."""
        return self._told or 0

    @property
    def open_ids(self) -> Sequence[str]:
        """The migrations that are open, as far as this process has heard."""
        return tuple(self._open)

    def begin(self, revision: int, still_open: Iterable[Migration]) -> None:
        """Take what is stored at the start, without telling watchers."""
        self._told = revision
        for migration in still_open:
            self._open[migration.migration_id] = migration
            for listener in self._listeners:
                listener(migration, False)

    def begin_again(self, revision: int, migrations: Iterable[Migration]) -> None:
        """Take what is stored when the log no longer reaches back to what was told last."""
        self._early.clear()
        self._here.clear()
        self._told = revision
        for migration in migrations:
            self._deliver(migration, rehomed=False)
        self._ears.lose()

    def listen(self, listener: Listener) -> None:
        """Call a function of this process at every committed change, in order."""
        self._listeners.append(listener)

    def share_progress(self, tell_others: Callable[[str, Progress], None]) -> None:
        """Hand the progress of what is driven here to other replicas."""
        self._tell_others = tell_others

    def find(self, migration_id: str) -> Migration | None:
        """Return an open migration as last committed here, with its journal.

        None when another replica has changed it since, as far as this one has heard.
        """
        return self._here.get(migration_id)

    def changed(self, migration: Migration, rehomed: bool = False) -> None:
        """Take a change that was committed here."""
        known = self._here.get(migration.migration_id)
        if migration.state.ended:
            self._here.pop(migration.migration_id, None)
        elif known is None or known.revision < migration.revision:
            self._here[migration.migration_id] = migration
        self._arrived(Change(migration, rehomed))

    def changed_all(self, migrations: Sequence[Migration]) -> None:
        """Take several changes that were committed here."""
        for migration in migrations:
            self.changed(migration)

    def followed(self, changes: Sequence[Change]) -> None:
        """Take changes from the log; what they leave out between them is not there to be told."""
        for change in changes:
            migration = change.migration
            known = self._here.get(migration.migration_id)
            if known is not None and known.revision < migration.revision:
                del self._here[migration.migration_id]
            if migration.revision > self.revision:
                self._told = migration.revision - 1
            self._arrived(change)

    def publish(self, migration_id: str, progress: Progress) -> None:
        """Take the newest progress of what is driven here."""
        if self._tell_others is not None and migration_id in self._open:
            self._tell_others(migration_id, progress)
        self.hear_progress(migration_id, progress)

    def hear_progress(self, migration_id: str, progress: Progress) -> None:
        """Take the newest progress; watchers hear of it at most every PROGRESS_INTERVAL_S."""
        if migration_id not in self._open:
            return
        self._progress[migration_id] = progress
        if not self._ears or migration_id in self._late:
            return
        loop = asyncio.get_running_loop()
        wait_s = self._told_at_s.get(migration_id, 0.0) + PROGRESS_INTERVAL_S - loop.time()
        if wait_s <= 0:
            self._tell_progress(migration_id)
        else:
            self._late.add(migration_id)
            loop.call_later(wait_s, self._tell_progress, migration_id)

    def overlay(self, migration: Migration) -> Migration:
        """Return the migration with the newest progress that is known of it."""
        progress = self._progress.get(migration.migration_id)
        return migration if progress is None else replace(migration, progress=progress)

    def subscribe(self, which: MigrationFilter) -> Ear:
        """Return a subscription that hears of these migrations from now on."""
        return self._ears.open(which, lambda: self.revision)

    def _arrived(self, change: Change) -> None:
        revision = change.migration.revision
        if self._told is None:
            self._told = revision - 1
        if revision > self._told:
            self._early[revision] = change
        while (due := self._early.pop(self._told + 1, None)) is not None:
            self._told += 1
            self._deliver(due.migration, due.rehomed)
        if self._early:
            self.missed.set()

    def _deliver(self, migration: Migration, rehomed: bool) -> None:
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
        self._ears.tell(self.overlay(migration))
        self._note_told(migration)

    def _tell_progress(self, migration_id: str) -> None:
        self._late.discard(migration_id)
        migration = self._open.get(migration_id)
        if migration is not None:
            self._ears.tell_progress(self.overlay(migration))
            self._note_told(migration)

    def _note_told(self, migration: Migration) -> None:
        if migration.state.ended:
            self._told_at_s.pop(migration.migration_id, None)
        elif self._ears:
            self._told_at_s[migration.migration_id] = asyncio.get_running_loop().time()
