"""An event loop in simulated time: it passes when somebody asks for it, and only while there is
nothing left to do.

So what happens, and in which order, doesn't depend on how fast the machine is. Everything that
waits in this loop waits in its time: phases of a migration, event.from, delays.
"""

import asyncio
import selectors
from collections.abc import Callable
from dataclasses import dataclass

Condition = Callable[[], bool]


@dataclass(frozen=True, slots=True)
class _Step:
    until_s: float
    may_begin: Condition
    is_enough: Condition
    ended: asyncio.Future[None]


class _Idleness(selectors.DefaultSelector):
    """Lets time pass where the loop would sleep."""

    def __init__(self) -> None:
        super().__init__()
        self.now_s = 0.0
        self.step: _Step | None = None

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """`timeout` is how long the loop has nothing to do by itself."""
        ready = super().select(0)
        if ready or (timeout is not None and timeout <= 0):
            return ready
        step = self.step
        if step is None or not step.may_begin():
            return super().select(None)
        left_s = step.until_s - self.now_s
        if left_s <= 0 or step.is_enough():
            self.step = None
            step.ended.set_result(None)
        else:
            self.now_s += left_s if timeout is None else min(timeout, left_s)
        return []


class Loop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._idleness = _Idleness()
        super().__init__(self._idleness)

    def time(self) -> float:
        return self._idleness.now_s

    async def step(self, seconds: float, may_begin: Condition, is_enough: Condition) -> None:
        """Lets so much time pass, or less when it is enough, as soon as all is done that can be
        done before. One at a time.
        """
        if self._idleness.step is not None:
            raise RuntimeError("time passes already")
        ended: asyncio.Future[None] = self.create_future()
        step = _Step(self.time() + seconds, may_begin, is_enough, ended)
        self._idleness.step = step
        try:
            await ended
        finally:
            self._idleness.step = None
