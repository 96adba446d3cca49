"""Waits for whichever comes first."""

import asyncio
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import Any

from controller.ports.clock import Clock
from controller.ports.registry import Following, Registry


async def first_of(*waits: Coroutine[Any, Any, object]) -> None:
    """Return when one of them has; the others are given up."""
    tasks = [asyncio.ensure_future(wait) for wait in waits]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


class News:
    """Wakes whoever watches aggregates: something was written here, a host changed, or time passed.

    What other replicas write is seen when time has passed.
    """

    def __init__(self, registry: Registry, clock: Clock, poll_s: float) -> None:
        self._registry = registry
        self._clock = clock
        self._poll_s = poll_s
        self._written = asyncio.Event()

    def told(self) -> None:
        """Take that something was written."""
        written, self._written = self._written, asyncio.Event()
        written.set()

    @contextmanager
    def follow(self) -> Iterator["Watcher"]:
        """Yield what waits for changes from now on."""
        hosts = self._registry.follow_hosts()
        try:
            yield Watcher(self, hosts)
        finally:
            hosts.close()

    async def changed(self, hosts: Following, written: asyncio.Event) -> asyncio.Event:
        """Wait, and return what the next wait is to be told."""
        await first_of(hosts.next(), written.wait(), self._clock.sleep(self._poll_s))
        return self._written

    @property
    def next(self) -> asyncio.Event:
        """What is set when something is written."""
        return self._written


class Watcher:
    """One who watches."""

    def __init__(self, news: News, hosts: Following) -> None:
        self._news = news
        self._hosts = hosts
        self._written = news.next

    async def wait(self) -> None:
        """Return when something may have changed since this was last called, or was made."""
        self._written = await self._news.changed(self._hosts, self._written)
