"""The time of a simulator in lockstep, and the calls that wait in it.

It passes here and nowhere else, so that what happens is the same on any machine.
"""

from typing import Protocol

from tests.support.sim import Simulator

GLANCE_S = 0.02
"""How long a reply that takes no simulated time is waited for before time is made to pass: to spare
a request, as the outcome is the same.
"""
PATIENCE_S = 100_000.0
"""More simulated time than anything takes."""


class Sent(Protocol):
    """A call on its way."""

    @property
    def port(self) -> int | None:
        """Ours; none where nobody took the call."""

    def is_answered(self, within_s: float) -> bool:
        """Whether there is something to read, or will be in a moment."""


class SimulatedTime:
    def __init__(self, sim: Simulator) -> None:
        self._sim = sim
        self._received = 0
        self._open: dict[int, Sent] = {}
        self.now_s = 0.0

    def add(self, call: Sent) -> None:
        """One that was sent just now."""
        if call.port is not None:
            self._received += 1
            self._open[call.port] = call

    def is_open(self, call: Sent) -> bool:
        return call in self._open.values()

    def drop(self, call: Sent) -> None:
        """Nobody waits for it any more."""
        self._open = {port: one for port, one in self._open.items() if one is not call}

    def passes(self, seconds: float) -> list[Sent]:
        """Until one of the open calls has ended, or so much has passed; those that ended."""
        told = self._sim.step_calls(seconds, self._received, list(self._open))
        self.now_s, self._received = told["passed_s"], told["received"]
        ended = [port for port in self._open if port not in told["under_way"]]
        return [self._open.pop(port) for port in ended]

    def is_answered_at_once(self, call: Sent) -> bool:
        """Where it is the only one; with others under way the order of their ends counts."""
        if len(self._open) != 1 or not call.is_answered(GLANCE_S):
            return False
        self._open.clear()
        return True

    def passes_until_answered(self, call: Sent) -> None:
        """Raises TimeoutError where no time is enough."""
        limit = self.now_s + PATIENCE_S
        self.add(call)
        if self.is_answered_at_once(call):
            return
        while self.is_open(call):
            if self.now_s >= limit:
                raise TimeoutError(f"no answer in {PATIENCE_S} simulated seconds")
            self.passes(limit - self.now_s)
