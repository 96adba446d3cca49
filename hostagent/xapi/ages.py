"""How long ago XAPI last told of its changes: the oldest of all mirrors that are kept true."""

import time
from collections.abc import Callable


class Ages:
    """A mirror counts from `told` to `forget`; threads may tell at any time."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._told: dict[object, float] = {}

    def told(self, mirror: object) -> None:
        """Note that XAPI has told of this mirror's objects now."""
        self._told[mirror] = self._monotonic()

    def forget(self, mirror: object) -> None:
        """Count a mirror no more: nobody asks for its events."""
        self._told.pop(mirror, None)

    def oldest_s(self) -> float:
        """Return the age of the oldest mirror in seconds; 0 where there is none."""
        return self._monotonic() - min(self._told.copy().values(), default=self._monotonic())
