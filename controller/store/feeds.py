"""Tells watchers which hosts or instances changed; each reads for itself what they are now."""

import asyncio
from collections.abc import Callable, Iterable


class Feed:
    """Everybody who follows one kind of thing."""

    def __init__(self) -> None:
        self._followers: set[Follower] = set()

    def follow(self) -> "Follower":
        """Return what hears of changes from now on."""
        follower = Follower(self._followers.discard)
        self._followers.add(follower)
        return follower

    def changed(self, ids: Iterable[str]) -> None:
        """Tell of changes."""
        if self._followers:
            told = tuple(ids)
            for follower in self._followers:
                follower.hear(told)


class Follower:
    """Implements ports.registry.Following; what changes twice before it asks is told once."""

    def __init__(self, leave: Callable[["Follower"], None]) -> None:
        self._leave = leave
        self._changed: dict[str, None] = {}
        self._something = asyncio.Event()

    def hear(self, ids: Iterable[str]) -> None:
        """Take changes."""
        self._changed.update(dict.fromkeys(ids))
        if self._changed:
            self._something.set()

    async def next(self) -> tuple[str, ...]:
        """Wait until something changed, and return the uuids of what did, each once."""
        await self._something.wait()
        self._something.clear()
        changed = tuple(self._changed)
        self._changed.clear()
        return changed

    def close(self) -> None:
        """Follow no more."""
        self._leave(self)
