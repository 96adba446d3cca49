"""Who hears of which migrations: a change costs those that it concerns, and no watcher grows."""

import asyncio
from collections import defaultdict, deque
from collections.abc import Callable, Iterator

from controller.model.migration import Migration
from controller.ports.changes import Heard
from controller.ports.history import MigrationFilter

BACKLOG = 1_000


class Ear:
    """Implements ports.changes.Subscription."""

    def __init__(
        self, which: MigrationFilter, revision: Callable[[], int], leave: Callable[["Ear"], None]
    ) -> None:
        self.which = which
        self._revision = revision
        self._leave = leave
        self._changes: deque[Migration] = deque()
        self._progress: dict[str, Migration] = {}
        self._lost = False
        self._something = asyncio.Event()

    def hear(self, migration: Migration) -> None:
        """Take a change; a backlog that is too long is given up for the log."""
        if len(self._changes) >= BACKLOG:
            self.lose()
        if not self._lost:
            self._changes.append(migration)
        self._progress.pop(migration.migration_id, None)
        self._something.set()

    def lose(self) -> None:
        """Note that something was missed."""
        self._changes.clear()
        self._lost = True
        self._something.set()

    def hear_progress(self, migration: Migration) -> None:
        """Take progress; of each migration the newest is kept."""
        self._progress[migration.migration_id] = migration
        self._something.set()

    async def next(self, within_s: float | None = None) -> Heard:
        """Wait for changes or progress, at most so long, and return what there is."""
        if not self._something.is_set() and not await self._heard(within_s):
            return Heard(upto=self._revision())
        self._something.clear()
        heard = Heard(
            tuple(self._changes), tuple(self._progress.values()), self._revision(), self._lost
        )
        self._changes.clear()
        self._progress.clear()
        self._lost = False
        return heard

    async def _heard(self, within_s: float | None) -> bool:
        """Wait, at most so long; tell whether there is something."""
        if within_s is None:
            return await self._something.wait()
        try:
            async with asyncio.timeout(within_s):
                return await self._something.wait()
        except TimeoutError:
            return False

    def close(self) -> None:
        """Listen no more."""
        self._leave(self)


class Ears:
    """All watchers; those of one migration are found without asking the others."""

    def __init__(self) -> None:
        self._of_one: dict[str, set[Ear]] = defaultdict(set)
        self._of_many: set[Ear] = set()

    def __len__(self) -> int:
        return len(self._of_many) + len(self._of_one)

    def open(self, which: MigrationFilter, revision: Callable[[], int]) -> Ear:
        """Return a new watcher's ear."""
        ear = Ear(which, revision, self._close)
        self._room(which).add(ear)
        return ear

    def tell(self, migration: Migration) -> None:
        """Tell of a change."""
        for ear in self._concerned(migration):
            ear.hear(migration)

    def tell_progress(self, migration: Migration) -> None:
        """Tell of progress."""
        for ear in self._concerned(migration):
            ear.hear_progress(migration)

    def lose(self) -> None:
        """Make every watcher read the log."""
        for ear in (*self._of_many, *(ear for few in self._of_one.values() for ear in few)):
            ear.lose()

    def _concerned(self, migration: Migration) -> Iterator[Ear]:
        for ear in (*self._of_many, *self._of_one.get(migration.migration_id, ())):
            if ear.which.matches(migration):
                yield ear

    def _room(self, which: MigrationFilter) -> set[Ear]:
        return self._of_one[which.migration_id] if which.migration_id else self._of_many

    def _close(self, ear: Ear) -> None:
        self._room(ear.which).discard(ear)
        if not self._room(ear.which) and ear.which.migration_id:
            del self._of_one[ear.which.migration_id]
