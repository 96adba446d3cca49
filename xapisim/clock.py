"""Simulated time: how long a simulated second takes, and what the pool's clocks show."""

import asyncio
import math
import time

from xapisim.values import DateTime

TICK_REAL_S = 0.1
"""How often a long phase reports progress; XAPI's task moved every 100 ms (recorded on xapi
26.17).
"""


class Clock:
    """Runs `factor` simulated seconds per real second; an instant clock lets no phase take time."""

    def __init__(self, factor: float = 1.0, *, instant: bool = False) -> None:
        self.instant = instant or math.isinf(factor)
        self.factor = 1.0 if self.instant else factor
        self._started_monotonic_s = time.monotonic()
        self._started_epoch_s = time.time()

    @property
    def tick_s(self) -> float:
        """Simulated seconds between two reports of progress."""
        return TICK_REAL_S * self.factor

    def now(self) -> float:
        """The pool's wall clock, seconds since 1970."""
        elapsed_s = time.monotonic() - self._started_monotonic_s
        return self._started_epoch_s + elapsed_s * self.factor

    def stamp(self) -> DateTime:
        return DateTime.at(self.now())

    async def sleep(self, simulated_s: float) -> None:
        await asyncio.sleep(0 if self.instant else simulated_s / self.factor)
