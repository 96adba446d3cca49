"""One watch: what is stored since a revision, then every change as it is committed.

The subscription is taken before the first read, so that nothing falls between the two; what comes
twice that way is told once.
"""

from collections.abc import AsyncIterator

from controller.api import render
from controller.model.migration import Migration
from controller.ports.changes import Changes
from controller.ports.history import History, MigrationFilter
from xenferry.controller.v1 import scheduler_pb2

BATCH = 500


class Watch:
    """Follows the migrations that match, from a revision on; `newest` is that of just before."""

    def __init__(
        self, history: History, changes: Changes, which: MigrationFilter, start: int, newest: int
    ) -> None:
        self._history = history
        self._changes = changes
        self._which = which
        self._revision = start
        self._newest = newest
        self._sent: dict[str, Migration] = {}

    async def stream(self) -> AsyncIterator[scheduler_pb2.WatchMigrationsResponse]:
        """Yield what is stored, a bookmark, and then changes until the caller has enough."""
        subscription = self._changes.subscribe(self._which)
        try:
            async for migration in self._stored():
                yield self._told(migration)
            yield scheduler_pb2.WatchMigrationsResponse(revision=self._revision)
            while True:
                heard = await subscription.next()
                if heard is None:
                    async for migration in self._stored():
                        yield self._told(migration)
                    continue
                for migration in heard:
                    if self._is_news(migration):
                        yield self._told(migration)
        finally:
            subscription.close()

    async def _stored(self) -> AsyncIterator[Migration]:
        while True:
            batch = await self._history.changed_since(self._which, self._revision, BATCH)
            for migration in batch:
                yield self._changes.overlay(migration)
            if len(batch) < BATCH:
                break
        self._revision = max(self._revision, self._newest)

    def _is_news(self, migration: Migration) -> bool:
        sent = self._sent.get(migration.migration_id)
        if sent is None:
            return migration.revision > self._revision or not migration.state.ended
        return migration.revision > sent.revision or (
            migration.revision == sent.revision and migration.progress != sent.progress
        )

    def _told(self, migration: Migration) -> scheduler_pb2.WatchMigrationsResponse:
        self._revision = max(self._revision, migration.revision)
        if migration.state.ended:
            self._sent.pop(migration.migration_id, None)
        else:
            self._sent[migration.migration_id] = migration
        return scheduler_pb2.WatchMigrationsResponse(
            migration=render.summary(migration), revision=self._revision
        )
