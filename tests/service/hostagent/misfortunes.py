"""Moves that go wrong in one way, and what the agent says of them."""

from collections.abc import Callable
from typing import Any

from tests.service.hostagent.crossing import Trip
from tests.service.hostagent.quayside import SOURCE, Quay, Staged, told
from tests.service.hostagent.rpc_rows import move, prepare

Way = Callable[[Quay], Trip]
MOVES = ("Async.VM.pool_migrate", "Async.VM.migrate_send")


async def failed(quay: Quay, way: Way, fault: dict[str, Any]) -> tuple[Staged, str]:
    """Return a move that a fault struck, and what the agent says of it."""
    staged = Staged(way(quay))
    await prepare(staged)
    armed = quay.simulator.fault(**fault, vm=staged.trip.guest.name)
    word = await told(move(staged))
    quay.simulator.lift(armed)
    assert quay.starts(staged.trip.guest) == 1
    return staged, word


async def breaks(quay: Quay, way: Way, phase: str, error: list[str], end: str = "") -> str:
    """Return what the agent says of a move that XAPI ends so; what stayed leaves nothing."""
    fault: dict[str, Any] = {"fault": "fail_migration", "phase": phase, "error": error}
    staged, word = await failed(quay, way, {**fault, **({"end": end} if end else {})})
    if not end:
        await gone_home(staged)
    return word


async def refused(quay: Quay, way: Way, error: list[str]) -> str:
    """Return what the agent says when XAPI refuses to begin; nothing is left of it."""
    staged = Staged(way(quay))
    await prepare(staged)
    armed = [quay.simulator.fault(fault="error", method=one, error=error) for one in MOVES]
    word = await told(move(staged))
    for one in armed:
        quay.simulator.lift(one)
    assert quay.starts(staged.trip.guest) == 1
    await gone_home(staged)
    return word


async def gone_home(staged: Staged) -> None:
    """Roll back, and see that the guest is at its source and nothing is left."""
    await staged.trip.roll_back()
    assert staged.trip.where() == [SOURCE]
    assert staged.trip.residue() == set()
