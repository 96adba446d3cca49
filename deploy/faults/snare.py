"""What keeps one call at a moment until somebody has decided what becomes of it."""

import asyncio
import threading
from dataclasses import dataclass, field
from enum import Enum


class Moment(Enum):
    """Where in a call it is kept."""

    ARRIVING = "arriving"
    """The caller has sent it, the agent has not heard of it."""
    MIDWAY = "midway"
    """The first word of a stream has passed."""
    ANSWERED = "answered"
    """The agent has done it, the caller has not heard so."""


class Fate(Enum):
    """What becomes of a call that was kept."""

    GO_ON = "go on"
    LOST = "lost"
    REFUSED = "refused"
    NEVER = "never"
    TWICE = "twice"


@dataclass(slots=True)
class Snare:
    """Keeps the nth call of a method at a moment; armed by a thread, sprung on the relay's loop."""

    method: str
    moment: Moment
    nth: int = 1
    before: str = ""
    """The method whose answers pass only once this call is kept."""
    request: bytes = b""
    path: str = ""
    """The full name of the method that was kept."""
    _seen: int = 0
    _caught: threading.Event = field(default_factory=threading.Event)
    _kept: asyncio.Event = field(default_factory=asyncio.Event)
    _fate: Fate | None = None
    _decided: asyncio.Event = field(default_factory=asyncio.Event)
    _loop: asyncio.AbstractEventLoop | None = None

    def counts(self, method: str) -> bool:
        """Count a call; tell whether it is the one that is meant."""
        if method != self.method:
            return False
        self._seen += 1
        return self._seen == self.nth

    @property
    def caught(self) -> bool:
        """Whether the call is, or was, kept."""
        return self._caught.is_set()

    async def let_pass(self, method: str) -> None:
        """Wait until the answer to a call of another method may pass."""
        if method == self.before:
            await self._kept.wait()

    def wait(self, timeout_s: float) -> bool:
        """Wait until a call is kept; tell whether one is."""
        return self._caught.wait(timeout_s)

    def decide(self, fate: Fate) -> None:
        """Say what becomes of the call; the first word counts."""
        if self._fate is None:
            self._fate = fate
            if self._loop is not None:
                self._loop.call_soon_threadsafe(self._decided.set)

    async def keep(self, path: str, request: bytes) -> Fate:
        """Keep a call until its fate is decided, and return that."""
        self.path, self.request = path, request
        self._loop = asyncio.get_running_loop()
        self._caught.set()
        self._kept.set()
        while self._fate is None:
            await self._decided.wait()
        return self._fate
