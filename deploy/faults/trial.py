"""One cell: a migration on its path, the fault at its moment, and what is left when all rests."""

import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass

from deploy.demo import simulator
from deploy.demo.processes import wait_until
from deploy.faults import cells, invariants, strikes
from deploy.faults.cells import Cell
from deploy.faults.ground import Ground
from deploy.faults.snare import Moment, Snare
from xenferry.common.v1 import reason_pb2
from xenferry.controller.v1 import migration_pb2
from xenferry.hostagent.v1 import move_pb2

CAUGHT_WITHIN_S = 20.0
REST_WITHIN_S = 45.0
HELD_S = 0.2
STUCK = migration_pb2.MIGRATION_STATE_STUCK
CANCELLED = migration_pb2.MIGRATION_STATE_CANCELLED
HEARD_PHASES = [name.removeprefix("MOVE_PHASE_").lower() for name, _ in move_pb2.MovePhase.items()]
RESTING = (*strikes.ENDED, STUCK)


@dataclass(frozen=True, slots=True)
class Result:
    """What became of a cell."""

    cell: str
    seconds: float
    state: str
    problems: tuple[str, ...]


def run(ground: Ground, cell: Cell) -> Result:
    """Run one cell; problems are sentences, none when every invariant holds."""
    began = time.monotonic()
    _put(ground, cell)
    if cell.path == cells.FAILS:
        _arm(ground, cell, "fail_migration", end="source_running", nth=1)
    if cell.path == cells.CANCELLED:
        _arm(ground, cell, "hold")
    snare = Snare(cells.CALLS[cell.stop.step][0], cell.stop.moment, cell.stop.nth, _before(cell))
    ground.wire.arm(strikes.agent_of(cell), snare)
    migration_id = ground.migrate(cell.way.instance, cell.dest, block=cell.way.block)
    with ThreadPoolExecutor(1) as threads:
        stopping = threads.submit(_stop_it, ground, cell, migration_id, snare)
        problems = list(_strike(ground, cell, snare, migration_id, stopping))
        ground.mend()
    state, open_ones = _rest(ground, cell, migration_id)
    ground.heal()
    problems += [*open_ones, *invariants.broken(ground, cell, migration_id)]
    return Result(cell.name, round(time.monotonic() - began, 1), state, tuple(problems))


def _put(ground: Ground, cell: Cell) -> None:
    """Bring the guest to where the cell begins."""
    if ground.host_of(cell.way.instance) == cell.source:
        return
    migration_id = ground.migrate(cell.way.instance, cell.source, block=cell.way.block)
    wait_until("the guest to be where it begins", lambda: strikes.has_ended(ground, migration_id))
    wait_until("the same", lambda: ground.host_of(cell.way.instance) == cell.source)


def _arm(ground: Ground, cell: Cell, fault: str, **keys: str | int) -> None:
    simulator.arm(ground.control, fault=fault, phase=cell.way.held_in, vm=cell.way.instance, **keys)


def _before(cell: Cell) -> str:
    """Return whose answers wait until the move's is kept: one that is stopped has two that race."""
    is_end = (cell.stop.step, cell.stop.moment) == ("move", Moment.ANSWERED)
    return cells.CALLS["abort"][0] if is_end else ""


def _stop_it(ground: Ground, cell: Cell, migration_id: str, snare: Snare) -> None:
    """On the cancelled path: ask for it once the controller has heard of the move, so that it hears
    of its end too, or once the call before that is kept.
    """
    if cell.path != cells.CANCELLED:
        return

    def is_due() -> bool:
        return (
            snare.caught
            or _is_moving(ground, migration_id)
            or strikes.has_ended(ground, migration_id)
        )

    with suppress(TimeoutError):
        wait_until("a move to cancel", is_due)
    with suppress(TimeoutError):
        wait_until("an answer", lambda: ground.cancel(migration_id), every_s=0.2)


def _strike(
    ground: Ground, cell: Cell, snare: Snare, migration_id: str, stopping: Future[None]
) -> Iterator[str]:
    if not snare.wait(CAUGHT_WITHIN_S):
        yield f"the moment {cell.stop.text} did not come"
    else:
        yield from strikes.strike(ground, cell, snare, migration_id)
        if cell.path == cells.CANCELLED:
            # A copy that is held for longer than the slowest reckoned with is no fair fault.
            time.sleep(HELD_S)
            simulator.lift_all(ground.control)
    if stopping.exception() is not None:
        yield f"the cancellation broke: {stopping.exception()}"


def _rest(ground: Ground, cell: Cell, migration_id: str) -> tuple[str, list[str]]:
    """Wait for the end; where XAPI has lost sight of the guest, restart the toolstack there."""
    with suppress(TimeoutError):
        wait_until("the end", lambda: _is_in(ground, migration_id, *RESTING), REST_WITHIN_S)
    if _is_in(ground, migration_id, STUCK):
        # What an operator does about a guest that its record has lost (docs/operations.md).
        simulator.arm(ground.control, fault="restart_toolstack", host=cell.dest)
        with suppress(TimeoutError):
            wait_until("the end", lambda: strikes.has_ended(ground, migration_id), REST_WITHIN_S)
    found = ground.migration(migration_id)
    if found is None:
        return "UNKNOWN", ["the controller does not answer"]
    name = migration_pb2.MigrationState.Name(found.state)[16:]
    if found.state in strikes.ENDED:
        return name, _untrue(cell, found)
    reason = reason_pb2.Reason.Name(found.error.reason)
    return name, [f"I7: it is still {name}: {reason}: {found.error.message}"]


def _is_in(ground: Ground, migration_id: str, *states: int) -> bool:
    found = ground.migration(migration_id)
    return found is not None and found.state in states


def _is_moving(ground: Ground, migration_id: str) -> bool:
    """Tell whether the controller has heard of the move: its progress has a phase of one."""
    found = ground.migration(migration_id)
    return found is not None and found.progress.phase in HEARD_PHASES


def _untrue(cell: Cell, ended: migration_pb2.Migration) -> list[str]:
    """Return what an end claims that its path can't bring about."""
    if ended.state == CANCELLED and cell.path != cells.CANCELLED:
        return ["it is CANCELLED although nobody asked for that"]
    return []
