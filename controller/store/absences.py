"""Instances that no agent tells of any more: gone for good, or on their way to another's report.

One host says "gone" and the other "here", each at its own pace; between the two nobody has it.
"""

from collections.abc import Callable

# A heartbeat's interval, and time for XAPI's events: who has not told by then does not have it.
GONE_AFTER_S = 3.0


class Absences:
    """Since when each instance is missing."""

    def __init__(self, now_s: Callable[[], float]) -> None:
        self._now_s = now_s
        self._since: dict[str, float] = {}

    @property
    def missing(self) -> set[str]:
        """The instances to look for at each heartbeat."""
        return set(self._since)

    def lasts(self, instance_id: str) -> bool:
        """Note that nobody tells of an instance; return whether that has lasted."""
        return self._now_s() - self._since.setdefault(instance_id, self._now_s()) >= GONE_AFTER_S

    def ended(self, instance_id: str) -> None:
        """Note that an instance is told of again, or is given up."""
        self._since.pop(instance_id, None)
