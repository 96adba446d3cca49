"""The storage migrations under way in a pool: three to a source host, and who waits for them."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from xapisim.errors import XapiError

LIMIT = 3
"""XAPI refuses a fourth at once; it does not queue."""


@dataclass(slots=True, eq=False)
class Send:
    """One VM.migrate_send or VDI.pool_migrate. `names` is how a fault may call the VM."""

    vm: str
    source: str
    task: str
    names: frozenset[str]
    cancelled: asyncio.Event = field(default_factory=asyncio.Event)
    interrupted: bool = False
    """The source's toolstack was restarted: what it was copying is given up."""


class Sends:
    def __init__(self) -> None:
        self._running: list[Send] = []
        self._memory: dict[str, asyncio.Event] = {}

    def all(self) -> list[Send]:
        return list(self._running)

    @contextmanager
    def admitted(self, send: Send) -> Iterator[None]:
        busy = sum(other.source == send.source for other in self._running)
        if busy >= LIMIT:
            raise XapiError("TOO_MANY_STORAGE_MIGRATES", str(LIMIT))
        self._running.append(send)
        try:
            yield
        finally:
            self._running.remove(send)

    @contextmanager
    def memory(self, vm: str) -> Iterator[None]:
        """While the memory moves, the hypervisor does nothing else with the VM."""
        done = self._memory[vm] = asyncio.Event()
        try:
            yield
        finally:
            del self._memory[vm]
            done.set()

    async def memory_moved(self, vm: str) -> None:
        done = self._memory.get(vm)
        if done is not None:
            await done.wait()
