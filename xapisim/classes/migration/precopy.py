"""Pre-copy: how much memory each round has to send, and when the rounds end.

Round 0 sends all touched pages, every further round what was dirtied during the last one; at most
five rounds, so it never diverges (emu-manager's rule). The last one is sent while the guest is
suspended: it is the downtime.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from xapisim.classes.pool import VmLoad

MAX_ROUNDS = 5
"""The last one among them; evacuations of guests that write all of their memory all the time took
five times as long as the line needs for it (measured on XenServer hosts).
"""
FEW_PAGES_MIB = 50 * 4 / 1024


@dataclass(slots=True)
class Precopy:
    memory_mib: float
    load: VmLoad
    left_mib: float = field(init=False)
    """What the next round sends, or what is left for the downtime."""
    _sent_rounds: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        self.left_mib = self.touched_mib

    @property
    def touched_mib(self) -> float:
        return self.memory_mib * self.load.touched_fraction

    @property
    def is_live(self) -> bool:
        """Whether the next round is sent while the guest runs."""
        if self._sent_rounds == 0:
            return True
        return self.left_mib >= FEW_PAGES_MIB and self._sent_rounds < MAX_ROUNDS - 1

    def round_took(self, seconds: float) -> None:
        self._sent_rounds += 1
        self.left_mib = min(self.touched_mib, self.load.dirty_rate_mib_s * seconds)

    def rounds(self, rate_mib_s: float) -> Iterator[float]:
        """The size of each live round in MiB, were every round sent at this rate."""
        while self.is_live:
            yield self.left_mib
            self.round_took(self.left_mib / rate_mib_s)

    def total_mib(self, rate_mib_s: float) -> float:
        """What the live rounds would send in all."""
        return sum(Precopy(self.memory_mib, self.load).rounds(rate_mib_s))
