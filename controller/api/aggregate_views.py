"""What watchers of aggregates see: read and encoded once a change, however many watch."""

import asyncio
from collections.abc import AsyncGenerator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from controller.aggregates.waiting import News, first_of
from controller.api import render_aggregates as render
from controller.ports.aggregates import AggregateStore
from controller.ports.clock import Clock
from controller.ports.registry import Registry
from xenferry.controller.v1 import aggregates_pb2

MOST = 1_000
LULL_S = 0.05
"""Hosts of a large fleet change all the time: between two reads it is waited so long, seconds."""

Encoded = Any
"""The bytes of a WatchAggregatesResponse; the stubs know messages only, the chassis sends both."""


@dataclass(frozen=True, slots=True)
class Shown:
    """One aggregate as it is told; the same object as long as nothing of it changes."""

    message: aggregates_pb2.Aggregate
    encoded: Encoded


@dataclass(frozen=True, slots=True)
class View:
    """All aggregates as one read found them."""

    shown: Mapping[str, Shown] = field(default_factory=dict)


class Bell:
    """Wakes everybody who waits for it, each time that it rings."""

    def __init__(self) -> None:
        self._next = asyncio.Event()

    def ring(self) -> None:
        """Wake them."""
        rung, self._next = self._next, asyncio.Event()
        rung.set()

    async def rung(self) -> None:
        """Return when it rings."""
        await self._next.wait()


class Views:
    """Reads for all watchers together, as long as there is one."""

    def __init__(self, store: AggregateStore, registry: Registry, news: News, clock: Clock) -> None:
        self._store = store
        self._registry = registry
        self._news = news
        self._clock = clock
        self._view = View()
        self._begun, self._read_upto = 0, 0
        self._looked, self._changed = Bell(), Bell()
        self._hurry = asyncio.Event()
        self._reader: asyncio.Task[None] | None = None
        self._watchers = 0

    async def watch(self) -> AsyncGenerator[Encoded]:
        """Yield every aggregate as it is from now on, and then each that changes or goes.

        Raises what a read raises.
        """
        sent: dict[str, Shown] = {}
        with self._watching() as wanted:
            while self._read_upto < wanted:
                await self._rung(self._looked)
            while True:
                view = self._view
                for aggregate_id in [one for one in sent if one not in view.shown]:
                    yield _gone(sent.pop(aggregate_id))
                for aggregate_id, shown in view.shown.items():
                    if sent.get(aggregate_id) is not shown:
                        sent[aggregate_id] = shown
                        yield shown.encoded
                while self._view is view:
                    await self._rung(self._changed)

    @contextmanager
    def _watching(self) -> Iterator[int]:
        """Have somebody read, and yield the number of the first read that is new enough."""
        self._watchers += 1
        self._hurry.set()
        self._news.told()
        try:
            yield self._begun + 1
        finally:
            self._watchers -= 1
            if not self._watchers and self._reader is not None:
                self._reader.cancel()

    async def _rung(self, bell: Bell) -> None:
        """Wait for a bell while somebody reads; raises what the read raised."""
        if self._reader is None or self._reader.done():
            self._reader = asyncio.create_task(self._read(), name="views of aggregates")
            self._reader.add_done_callback(self._ended)
        reader = self._reader
        await bell.rung()
        if reader.done() and not reader.cancelled():
            reader.result()

    def _ended(self, reader: asyncio.Task[None]) -> None:
        """Have those who wait find out for themselves."""
        if not reader.cancelled():
            reader.exception()
        self._looked.ring()
        self._changed.ring()

    async def _read(self) -> None:
        with self._news.follow() as following:
            while True:
                self._begun += 1
                self._hurry.clear()
                begun, view = self._begun, await self._look()
                self._read_upto = begun
                if view.shown != self._view.shown:
                    self._view = view
                    self._changed.ring()
                self._looked.ring()
                await first_of(self._clock.sleep(LULL_S), self._hurry.wait())
                await following.wait()

    async def _look(self) -> View:
        hosts, known = await self._registry.hosts(), self._view.shown
        found = await self._store.page(MOST, None)
        messages = [render.aggregate(each, hosts) for each in found]
        return View({one.aggregate_id: _shown(one, known) for one in messages})


def _shown(message: aggregates_pb2.Aggregate, known: Mapping[str, Shown]) -> Shown:
    before = known.get(message.aggregate_id)
    if before is not None and before.message == message:
        return before
    response = aggregates_pb2.WatchAggregatesResponse(aggregate=message)
    return Shown(message, response.SerializeToString())


def _gone(shown: Shown) -> Encoded:
    response = aggregates_pb2.WatchAggregatesResponse(aggregate=shown.message, deleted=True)
    return response.SerializeToString()
