"""Messages that many watchers are sent, made once."""

from collections import OrderedDict
from typing import Any

from controller.api import render
from controller.model.migration import Migration
from xenferry.controller.v1 import migration_pb2

KEPT = 256


class Summaries:
    """Remembers the newest summaries; whoever gets one must not change it."""

    def __init__(self) -> None:
        self._made: OrderedDict[Any, migration_pb2.Migration] = OrderedDict()

    def of(self, migration: Migration) -> migration_pb2.Migration:
        """Return the summary of a migration as it is now."""
        key = migration.revision, migration.progress, migration.queue_position
        made = self._made.get(key)
        if made is None:
            made = self._made[key] = render.summary(migration)
            if len(self._made) > KEPT:
                self._made.popitem(last=False)
        return made
