"""The machine's clock; tests bring their own."""

import asyncio
import time
from datetime import UTC, datetime


class SystemClock:
    """Implements ports.clock.Clock."""

    def now(self) -> datetime:
        """Return the time, in UTC, aware."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Return seconds since some moment, by a clock that nobody sets."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Wait so long."""
        await asyncio.sleep(seconds)
