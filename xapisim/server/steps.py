"""POST /sim/clock: time that is told to pass, for the pools alone or for everything."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass

from xapisim import lockstep
from xapisim.classes.engine import Engine
from xapisim.server.traffic import Traffic
from xapisim.values import Value


class StepError(Exception):
    """A step that can't be taken; the text says why."""


@dataclass(frozen=True, slots=True)
class Step:
    seconds: float
    received: int = 0
    """In lockstep: how many requests have to have come in before time passes."""
    awaited: frozenset[int] = frozenset()
    """In lockstep: time stops at the first of these clients, by their ports, that is answered."""

    @classmethod
    def parse(cls, given: Value) -> "Step":
        fields = given if isinstance(given, dict) else {}
        seconds, received = fields.get("step_s"), fields.get("received", 0)
        if isinstance(seconds, bool) or not isinstance(seconds, int | float) or seconds < 0:
            raise StepError(f"step_s: a number of seconds expected, got {seconds!r}")
        if isinstance(received, bool) or not isinstance(received, int):
            raise StepError(f"received: a whole number expected, got {received!r}")
        awaited = fields.get("awaited", [])
        if not isinstance(awaited, list) or not all(isinstance(port, int) for port in awaited):
            raise StepError(f"awaited: a list of ports expected, got {awaited!r}")
        return cls(seconds, received, frozenset(awaited))


async def take(step: Step, engines: Iterable[Engine], traffic: Traffic) -> dict[str, Value]:
    """Returns when all that woke on the way has acted."""
    loop = asyncio.get_running_loop()
    if isinstance(loop, lockstep.Loop):
        await loop.step(
            step.seconds,
            may_begin=lambda: traffic.received >= step.received,
            is_enough=lambda: not step.awaited <= traffic.ports(),
        )
        under_way: list[Value] = list(traffic.ports())
        return {"passed_s": loop.time(), "received": traffic.received, "under_way": under_way}
    clocks = [engine.pool.clock for engine in engines]
    timeline = next((clock.timeline for clock in clocks if clock.timeline), None)
    if timeline is None:
        raise StepError("the clock runs by itself: start with --clock stepped")
    await timeline.step(step.seconds)
    return {"passed_s": timeline.passed_s}
