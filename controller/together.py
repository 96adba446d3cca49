"""What goes on in the background beside the calls: one task each, ended together.

A controller alone follows nobody; replicas of one database follow each other.
"""

import asyncio
from collections.abc import AsyncIterator, Coroutine, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import structlog

from controller.ports.clock import Clock
from controller.saga.runner import Runner
from controller.store.database import Database
from controller.store.following import Follower
from controller.store.inventory import Inventory
from controller.store.listening import Listening
from controller.store.live import LiveMigrations
from controller.store.liveness import Liveness
from controller.store.postgres import PostgresDatabase
from controller.store.progress import ProgressExchange
from controller.store.replica import Replica
from controller.store.settings import StoreSettings
from controller.store.sweeping import Sweeper

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Parts:
    """What the background works on."""

    database: Database
    settings: StoreSettings
    clock: Clock
    live: LiveMigrations
    liveness: Liveness
    inventory: Inventory
    owner: str
    pulse_s: float
    """Seconds between looks for hosts that have come alive or fallen silent."""


class Background:
    """What goes on; `resumed` is how many migrations were taken up at the start."""

    def __init__(self, resumed: int, work: Iterable[Coroutine[Any, Any, None]]) -> None:
        self.resumed = resumed
        self.trouble = ""
        self._tasks = [asyncio.create_task(each) for each in work]
        for task in self._tasks:
            task.add_done_callback(self._died)

    async def stop(self) -> None:
        """End all of it."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _died(self, task: asyncio.Task[None]) -> None:
        """Tell that something ended which should go on for as long as the controller does."""
        if not task.cancelled() and task.exception() is not None:
            self.trouble = "a task in the background has died; the log has why: restart"
            log.error("controller.background_died", exc_info=task.exception())


@asynccontextmanager
async def going_on(parts: Parts, runner: Runner) -> AsyncIterator[Background]:
    """Resume what was left open, and keep up until the block ends."""
    replica = _replica(parts)
    if replica is not None:
        await replica.enter()
    follower = Follower(parts.database, parts.live, parts.settings.poll_s)
    await follower.begin()
    resumed = await runner.resume()
    work = [
        follower.run(),
        Sweeper(parts.database, parts.settings, parts.clock).run(),
        _pulse(parts.inventory, parts.pulse_s),
        *_with_others(parts, replica, runner),
    ]
    background = Background(resumed, work)
    try:
        yield background
    finally:
        await background.stop()
        await runner.stop()
        if replica is not None:
            await replica.leave()


def _replica(parts: Parts) -> Replica | None:
    if not isinstance(parts.database, PostgresDatabase):
        return None
    return Replica(
        parts.owner,
        parts.database,
        parts.settings,
        parts.liveness,
        parts.inventory,
        parts.clock,
    )


def _with_others(
    parts: Parts, replica: Replica | None, runner: Runner
) -> list[Coroutine[Any, Any, None]]:
    if replica is None or not isinstance(parts.database, PostgresDatabase):
        return []
    exchange = ProgressExchange(parts.database, parts.live, parts.owner)
    wake = {
        "changes": parts.live.missed.set,
        "inventory_log": replica.news.set,
        "replicas": replica.woken.set,
    }
    return [
        replica.run(runner.resume, lambda: runner.driven),
        replica.follow(),
        exchange.run(),
        Listening(parts.database, wake, exchange.hear).run(),
    ]


async def _pulse(inventory: Inventory, every_s: float) -> None:
    while True:
        inventory.pulse()
        await asyncio.sleep(every_s)
