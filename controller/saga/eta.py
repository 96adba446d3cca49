"""How long a move will still take, as an interval that keeps its word.

Half of the moves that stand like this one end within p50, nine of ten within p90. What was told
holds: p50 does not rise as long as the newest estimate ends within the interval told before, so the
time left only shrinks, until the evidence leaves the interval; then, and only then, it says more.
"""

from dataclasses import dataclass

from controller.model.migration import MoveEstimate

# Of the newest rate in the average: a second's burst is no trend.
SMOOTHING = 0.3
# A guest that writes makes XAPI send pages again; nine of ten moves need no more than this.
SLOWER = 1.6


@dataclass(frozen=True, slots=True)
class Remaining:
    """Seconds."""

    p50_s: float
    p90_s: float


@dataclass(frozen=True, slots=True)
class _Told:
    at_s: float
    remaining: Remaining

    def left(self, now_s: float) -> Remaining:
        gone = now_s - self.at_s
        return Remaining(
            max(self.remaining.p50_s - gone, 0.0), max(self.remaining.p90_s - gone, 0.0)
        )


class Eta:
    """Of one move, fed with every progress; times are of one monotonic clock."""

    def __init__(self, began_s: float, estimate: MoveEstimate | None) -> None:
        self._began_s = began_s
        self._estimate = estimate
        self._phase = ""
        self._sent_before = 0
        self._last: tuple[float, int, int] | None = None
        self._rate = 0.0
        self._told: _Told | None = None

    def take(self, now_s: float, phase: str, done: int, total: int) -> Remaining | None:
        """Take bytes of the present phase; return what is left, None while it can't be told."""
        self._measure(now_s, phase, done, total)
        newest = self._newest(now_s, done, total)
        if newest is None:
            return None if self._told is None else self._told.left(now_s)
        self._told = _Told(now_s, self._kept(now_s, newest))
        return self._told.remaining

    def _measure(self, now_s: float, phase: str, done: int, total: int) -> None:
        if phase != self._phase:
            self._sent_before += self._last[2] if self._last else 0
            self._phase, self._last = phase, None
        if self._last is None:
            self._last = now_s, done, total
            return
        before_s, before, _ = self._last
        if now_s <= before_s:
            return
        rate = max(done - before, 0) / (now_s - before_s)
        self._rate = rate if not self._rate else self._rate + SMOOTHING * (rate - self._rate)
        self._last = now_s, done, total

    def _newest(self, now_s: float, done: int, total: int) -> Remaining | None:
        if total > 0 and self._rate > 0:
            p50_s = self._left(done, total) / self._rate
            return Remaining(p50_s, p50_s * SLOWER)
        if self._rate > 0 or self._estimate is None or self._estimate.duration_p90_s <= 0:
            return None
        gone = now_s - self._began_s
        p50_s = max(self._estimate.duration_p50_s - gone, 0.0)
        return Remaining(p50_s, max(self._estimate.duration_p90_s - gone, p50_s))

    def _left(self, done: int, total: int) -> int:
        in_phase = max(total - done, 0)
        if self._estimate is None:
            return in_phase
        return max(self._estimate.total_bytes - self._sent_before - done, in_phase)

    def _kept(self, now_s: float, newest: Remaining) -> Remaining:
        """Return the newest estimate, held to what was told before as long as it can be."""
        if self._told is None:
            return newest
        left = self._told.left(now_s)
        if newest.p50_s > left.p90_s:
            return newest
        return Remaining(
            min(newest.p50_s, self._told.remaining.p50_s),
            max(min(newest.p90_s, self._told.remaining.p90_s), newest.p50_s),
        )
