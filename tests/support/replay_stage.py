"""Sends the calls of a recording in simulated time, and takes their replies in the order they
come.
"""

import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.support import replay_check
from tests.support.replay_wire import Exchange
from tests.support.sim_time import SimulatedTime

PATIENCE_S = 300.0
"""How long a call, or the end of a task, is waited for in simulated time."""
LOOK_AGAIN_S = 0.05
Call = dict[str, Any]


@dataclass(slots=True)
class _Lane:
    """A client beside the others: one call at a time, in the order of the recording."""

    waiting: deque[Call] = field(default_factory=deque)
    exchange: Exchange | None = None
    """What came of the first one that waits, when it was sent."""

    def owes(self, moment: float) -> bool:
        """Whether a call is without a reply that had one by then in the recording."""
        return any(call["t"] + call["seconds"] <= moment for call in self.waiting)


@dataclass(slots=True)
class Stage:
    """`begin` sends a call, `judge` gets it with its reply."""

    time: SimulatedTime
    begin: Callable[[Call], Exchange]
    judge: Callable[[Call, Any], None]
    _lanes: dict[str, _Lane] = field(default_factory=dict)

    def pass_until(self, moment: float) -> None:
        """What ends meanwhile is judged, and what waited behind it is sent."""
        while True:
            self._pass(max(0.0, moment - self.time.now_s))
            if self.time.now_s >= moment:
                return

    def _pass(self, seconds: float) -> None:
        ended = self.time.passes(seconds)
        for lane in self._lanes.values():
            if lane.exchange in ended:
                self._next(lane)

    def _next(self, lane: _Lane) -> None:
        """The reply to the lane's first call, and its next call."""
        while lane.exchange is not None and not self.time.is_open(lane.exchange):
            self.judge(lane.waiting.popleft(), lane.exchange.reply())
            lane.exchange = self._send(lane.waiting[0]) if lane.waiting else None

    def _send(self, call: Call) -> Exchange:
        exchange = self.begin(call)
        self.time.add(exchange)
        return exchange

    def play_beside(self, call: Call) -> None:
        """Goes on at once."""
        lane = self._lanes.setdefault(call.get("lane", ""), _Lane())
        lane.waiting.append(call)
        if lane.exchange is None:
            lane.exchange = self._send(call)
            self._next(lane)

    def play(self, call: Call) -> None:
        """A task that had ended in the recording is looked at until it has."""
        got = self._reply(call)
        limit = self.time.now_s + PATIENCE_S
        ends = call.get("compare") == "task" and _status(call["reply"]) not in ("pending", None)
        while ends and _status(got) == "pending" and self.time.now_s < limit:
            self.pass_until(self.time.now_s + LOOK_AGAIN_S)
            got = self._reply(call)
        self.judge(call, got)

    def _reply(self, call: Call) -> Any:
        """Where the recorded client gave up, this one waits as long as that one did."""
        exchange = self._send(call)
        gave_up = "transport_error" in call["reply"]
        limit = self.time.now_s + (call["seconds"] if gave_up else PATIENCE_S)
        if self.time.is_answered_at_once(exchange):
            return exchange.reply()
        while self.time.is_open(exchange):
            if self.time.now_s >= limit:
                self.time.drop(exchange)
                return exchange.give_up()
            self._pass(limit - self.time.now_s)
        return exchange.reply()

    def await_lanes(self, moment: float = math.inf) -> None:
        """Until all has ended that had ended by that moment of the recording."""
        limit = self.time.now_s + PATIENCE_S
        while any(lane.owes(moment) for lane in self._lanes.values()):
            if self.time.now_s >= limit:
                raise TimeoutError(f"not answered within {PATIENCE_S} s: {self._lanes}")
            self._pass(limit - self.time.now_s)


def _status(reply: Any) -> Any:
    record = replay_check.value(reply) if isinstance(reply, dict) else None
    return record.get("status") if isinstance(record, dict) else None
