"""Pre-copy: how much memory each round has to send, and when the rounds end.

Round 0 sends all touched pages, every further round what was dirtied during the last one; at most
five rounds, so it never diverges (emu-manager's rule).
"""

from collections.abc import Iterator
from dataclasses import dataclass

from xapisim.classes.pool import VmLoad

MAX_ROUNDS = 5
FEW_PAGES_MIB = 50 * 4 / 1024


@dataclass(slots=True)
class Precopy:
    memory_mib: float
    load: VmLoad
    left_mib: float = 0.0
    """What the last round leaves for the downtime."""

    @property
    def touched_mib(self) -> float:
        return self.memory_mib * self.load.touched_fraction

    def rounds(self, rate_mib_s: float) -> Iterator[float]:
        """The size of each round in MiB, were every round sent at this rate."""
        size_mib = self.touched_mib
        for _ in range(MAX_ROUNDS):
            yield size_mib
            size_mib = self.dirtied_mib(size_mib / rate_mib_s)
            if size_mib < FEW_PAGES_MIB:
                break
        self.left_mib = size_mib

    def dirtied_mib(self, seconds: float) -> float:
        return min(self.touched_mib, self.load.dirty_rate_mib_s * seconds)

    def total_mib(self, rate_mib_s: float) -> float:
        return sum(self.rounds(rate_mib_s))
