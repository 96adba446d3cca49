"""Pauses that double, up to a cap."""


class Backoff:
    """Hands out the next pause; memory of one loop."""

    def __init__(self, first_s: float, cap_s: float) -> None:
        self._first_s = first_s
        self._cap_s = cap_s
        self._next_s = first_s

    def next_s(self) -> float:
        """Return the pause that is due, and double the one after it."""
        pause = min(self._next_s, self._cap_s)
        self._next_s = pause * 2
        return pause

    def reset(self) -> None:
        """Begin again with the first pause."""
        self._next_s = self._first_s
