"""Which agents are heard: in memory, by a clock that nobody sets, forgotten at a restart.

An agent reports to one replica; the others are told how long ago, and never where in its sequence
it is, so that it registers anew with whichever it turns to.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from controller.ports.clock import Clock
from controller.store.heartbeats import Heard


@dataclass(frozen=True, slots=True)
class _Heard:
    at_s: float
    time: datetime
    session_id: str
    sequence: int


class Liveness:
    """Remembers when each agent was last heard, and where in its sequence it is."""

    def __init__(
        self, alive_after_s: float, clock: Clock, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._alive_after_s = alive_after_s
        self._clock = clock
        self._monotonic = monotonic
        self._heard: dict[str, _Heard] = {}
        self._untold: set[str] = set()

    def now_s(self) -> float:
        """Return the time by which agents' silence is measured, seconds."""
        return self._monotonic()

    def hear(self, host_id: str, session_id: str, sequence: int) -> None:
        """Take a sign of life."""
        self._heard[host_id] = _Heard(self._monotonic(), self._clock.now(), session_id, sequence)
        self._untold.add(host_id)

    def hear_of(self, heard: Sequence[Heard]) -> None:
        """Take what other replicas heard; where that is newer, the agent has turned to them."""
        now_s, now = self._monotonic(), self._clock.now()
        for each in heard:
            known = self._heard.get(each.host_id)
            at_s = now_s - each.age_s
            if known is None or at_s > known.at_s:
                time_heard = now - timedelta(seconds=each.age_s)
                self._heard[each.host_id] = _Heard(at_s, time_heard, "", 0)

    def untold(self) -> list[Heard]:
        """Return what was heard here since this was last asked, for other replicas."""
        now_s = self._monotonic()
        told = [
            Heard(host_id, now_s - self._heard[host_id].at_s)
            for host_id in self._untold
            if self.reports_here(host_id)
        ]
        self._untold.clear()
        return told

    def reports_here(self, host_id: str) -> bool:
        """Tell whether an agent's session is with this replica."""
        heard = self._heard.get(host_id)
        return heard is not None and heard.session_id != ""

    def follows(self, host_id: str, session_id: str, sequence: int) -> bool:
        """Tell whether a heartbeat is the next of its session, or a repeat of the last."""
        heard = self._heard.get(host_id)
        return (
            heard is not None
            and heard.session_id == session_id
            and sequence in (heard.sequence, heard.sequence + 1)
        )

    def repeats(self, host_id: str, sequence: int) -> bool:
        """Tell whether a heartbeat that follows was taken before."""
        return self._heard[host_id].sequence == sequence

    def forget_session(self, host_id: str) -> None:
        """Make the agent register again: what it told was not kept."""
        heard = self._heard.get(host_id)
        if heard is not None:
            self._heard[host_id] = _Heard(heard.at_s, heard.time, "", 0)

    def alive(self, host_id: str) -> bool:
        """Tell whether an agent was heard lately."""
        heard = self._heard.get(host_id)
        return heard is not None and self._monotonic() - heard.at_s <= self._alive_after_s

    def heard_at(self, host_id: str) -> datetime | None:
        """Return when an agent was last heard, None if not in this process's time."""
        heard = self._heard.get(host_id)
        return None if heard is None else heard.time
