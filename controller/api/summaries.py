"""Responses that many watchers are sent, made and encoded once."""

from collections import OrderedDict
from typing import Any

from controller.api import render
from controller.model.migration import Migration
from xenferry.controller.v1 import scheduler_pb2

KEPT = 256

Encoded = Any
"""The bytes of a WatchMigrationsResponse; the stubs know messages only, the chassis sends both."""


class Summaries:
    """Remembers the newest responses."""

    def __init__(self) -> None:
        self._made: OrderedDict[Any, bytes] = OrderedDict()

    def of(self, migration: Migration, revision: int) -> Encoded:
        """Return the response that tells of a migration as it is now, and where to resume."""
        key = revision, migration.revision, migration.progress, migration.queue_position
        made = self._made.get(key)
        if made is None:
            told = render.summary(migration)
            response = scheduler_pb2.WatchMigrationsResponse(migration=told, revision=revision)
            made = self._made[key] = response.SerializeToString()
            if len(self._made) > KEPT:
                self._made.popitem(last=False)
        return made
