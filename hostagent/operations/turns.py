"""Calls of one migration that make or release things at this host take turns.

A caller that gives up ends none of them half way: what a call makes after its caller has gone would
come behind the back of the rollback that follows.
"""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar
from weakref import WeakValueDictionary

ValueT = TypeVar("ValueT")


class Turns:
    """One call at a time for each migration; those that wait do so in order."""

    def __init__(self) -> None:
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._tasks: set[asyncio.Task[Any]] = set()

    def taken(self, migration_id: str) -> bool:
        """Tell whether a call of a migration is at work now."""
        lock = self._locks.get(migration_id)
        return lock is not None and lock.locked()

    async def take(
        self, migration_id: str, work: Callable[[], Coroutine[Any, Any, ValueT]]
    ) -> ValueT:
        """Return what `work` does when its turn has come; raises what it raises.

        A caller that leaves before that has it not done; one that leaves later does not stop it.
        """
        lock = self._locks.setdefault(migration_id, asyncio.Lock())
        await lock.acquire()
        task = asyncio.get_running_loop().create_task(work())
        self._tasks.add(task)
        task.add_done_callback(lambda done: self._end(lock, done))
        return await asyncio.shield(task)

    async def aclose(self) -> None:
        """Stop all that is at work."""
        tasks = tuple(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _end(self, lock: asyncio.Lock, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        lock.release()
