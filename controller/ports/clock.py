"""Time, as an argument."""

from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    """Wall time for records, monotonic time for waits, and a sleep that tests can shorten."""

    def now(self) -> datetime:
        """Return the time, in UTC, aware."""

    def monotonic(self) -> float:
        """Return seconds since some moment, by a clock that nobody sets."""

    async def sleep(self, seconds: float) -> None:
        """Wait so long."""
