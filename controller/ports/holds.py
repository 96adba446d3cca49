"""What open migrations hold, and open operations on pools, and no agent knows of."""

from typing import Protocol


class DiskHolds(Protocol):
    """Room on SRs, by reservations of open migrations; admission has the last word on it."""

    def on_sr(self, sr_id: str) -> int:
        """Return the bytes of an SR that are held."""


class PoolChanges(Protocol):
    """Hosts that join or leave a pool; admission has the last word on it, too."""

    def of(self, host_id: str) -> str:
        """Return how a host changes its pool, in words; empty: it does not."""
