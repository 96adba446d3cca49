"""Simulated time: how long a simulated second takes, and what the pool's clocks show."""

import asyncio
import heapq
import math
import time
from collections.abc import Callable
from enum import Enum

from xapisim.values import DateTime

TICK_REAL_S = 0.1
"""How often a long phase reports progress; XAPI's task moved every 100 ms (recorded on xapi
26.17).
"""
_TURNS = 50
"""Turns of the event loop that what a step woke gets before time goes on."""


class Pace(Enum):
    AUTO = "auto"
    STEPPED = "stepped"
    LOCKSTEP = "lockstep"
    """As stepped, and what clients wait for is stepped too."""


class Timeline:
    """Time that passes by steps alone; sleepers wake in the order of their moments."""

    def __init__(self) -> None:
        self.passed_s = 0.0
        self._sleepers: list[tuple[float, int, asyncio.Event]] = []
        self._numbers = 0

    async def sleep(self, seconds: float) -> None:
        woken = asyncio.Event()
        self._numbers += 1
        heapq.heappush(self._sleepers, (self.passed_s + seconds, self._numbers, woken))
        await woken.wait()

    async def step(self, seconds: float) -> None:
        """Lets time pass; whoever wakes on the way acts at its own moment."""
        target_s = self.passed_s + seconds
        await _let_others_run()
        while self._sleepers and self._sleepers[0][0] <= target_s:
            self.passed_s, _, woken = heapq.heappop(self._sleepers)
            woken.set()
            await _let_others_run()
        self.passed_s = target_s


async def _let_others_run() -> None:
    for _ in range(_TURNS):
        await asyncio.sleep(0)


class Clock:
    """Runs `factor` simulated seconds per real second; an instant clock lets no phase take time,
    and one with a timeline follows that alone. `monotonic` is the time that sleeping takes.
    """

    def __init__(
        self,
        factor: float = 1.0,
        *,
        instant: bool = False,
        timeline: Timeline | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._monotonic = monotonic
        self.timeline = timeline
        self.instant = timeline is None and (instant or math.isinf(factor))
        self.factor = 1.0 if math.isinf(factor) or self.instant or timeline else factor
        self._started_monotonic_s = monotonic()
        self._started_epoch_s = time.time()

    @property
    def tick_s(self) -> float:
        """Simulated seconds between two reports of progress."""
        return TICK_REAL_S * self.factor

    def tick_of(self, duration_s: float) -> float:
        """The same for a long phase: a stepped clock need not wake for less than a hundredth."""
        return max(self.tick_s, duration_s / 100) if self.timeline is not None else self.tick_s

    def now(self) -> float:
        """The pool's wall clock, seconds since 1970."""
        if self.timeline is not None:
            return self._started_epoch_s + self.timeline.passed_s
        elapsed_s = self._monotonic() - self._started_monotonic_s
        return self._started_epoch_s + elapsed_s * self.factor

    def stamp(self) -> DateTime:
        return DateTime.at(self.now())

    async def sleep(self, simulated_s: float) -> None:
        """How long a phase takes."""
        if self.instant:
            await asyncio.sleep(0)
        else:
            await self.pause(simulated_s)

    async def pause(self, simulated_s: float) -> None:
        """Until the wall clock shows that much more, on an instant clock too."""
        if self.timeline is not None:
            await self.timeline.sleep(simulated_s)
        else:
            await asyncio.sleep(simulated_s / self.factor)
