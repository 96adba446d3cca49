"""Time, as an argument."""

from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    """Wall time for records, and a sleep that tests can shorten."""

    def now(self) -> datetime:
        """Return the time, in UTC, aware."""

    async def sleep(self, seconds: float) -> None:
        """Wait so long."""
