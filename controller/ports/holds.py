"""What open migrations hold and no agent knows of."""

from typing import Protocol


class DiskHolds(Protocol):
    """Room on SRs, by reservations of open migrations; admission has the last word on it."""

    def on_sr(self, sr_id: str) -> int:
        """Return the bytes of an SR that are held."""
