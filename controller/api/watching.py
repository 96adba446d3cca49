"""One watch: what is stored up to a revision, then every change behind it, each once and in order.

The subscription is taken before the first read and hears of everything behind the revision up to
which is read, so that nothing falls between the two and nothing comes twice.
"""

from collections.abc import AsyncIterator, Iterator

from controller.api.summaries import Encoded, Summaries
from controller.model.migration import Migration
from controller.ports.changes import Changes, Heard
from controller.ports.history import History, MigrationFilter
from xenferry.controller.v1 import scheduler_pb2

BATCH = 500
BOOKMARK_S = 2.0

Response = scheduler_pb2.WatchMigrationsResponse


class Watch:
    """Follows the migrations that match, from a revision on; raises RevisionCompacted."""

    def __init__(
        self,
        history: History,
        changes: Changes,
        summaries: Summaries,
        which: MigrationFilter,
        start: int,
        *,
        bookmarks: bool,
    ) -> None:
        self._history = history
        self._changes = changes
        self._summaries = summaries
        self._which = which
        self._start = start
        self._bookmark_s = BOOKMARK_S if bookmarks else None
        self._revision = start

    async def stream(self) -> AsyncIterator[Encoded]:
        """Yield what is stored, a bookmark, and then changes until the caller has enough."""
        subscription = self._changes.subscribe(self._which)
        try:
            async for response in self._stored():
                yield response
            yield Response(revision=self._revision)
            while True:
                heard = await subscription.next(self._bookmark_s)
                if heard.lost:
                    async for response in self._logged(heard.upto):
                        yield response
                for response in self._news(heard):
                    yield response
                if self._bookmark_s and not heard.changes and heard.upto > self._revision:
                    self._revision = heard.upto
                    yield Response(revision=self._revision)
        finally:
            subscription.close()

    async def _stored(self) -> AsyncIterator[Encoded]:
        upto = self._changes.revision
        if self._start:
            async for response in self._logged(upto):
                yield response
            return
        after, whole = 0, False
        while not whole:
            batch = await self._history.present(self._which, after, upto, BATCH)
            for migration in batch:
                after = migration.revision
                yield self._told(self._changes.overlay(migration), after)
            whole = len(batch) < BATCH
        self._revision = upto

    async def _logged(self, upto: int) -> AsyncIterator[Encoded]:
        while self._revision < upto:
            batch = await self._history.changes(self._which, self._revision, upto, BATCH)
            for migration in batch:
                self._revision = migration.revision
                yield self._told(migration, self._revision)
            if len(batch) < BATCH:
                self._revision = max(self._revision, upto)

    def _news(self, heard: Heard) -> Iterator[Encoded]:
        for migration in heard.changes:
            if migration.revision > self._revision:
                self._revision = migration.revision
                yield self._told(migration, self._revision)
        for migration in heard.progress:
            if migration.revision <= self._revision:
                yield self._told(migration, self._revision)

    def _told(self, migration: Migration, revision: int) -> Encoded:
        return self._summaries.of(migration, revision)
