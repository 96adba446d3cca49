"""The faults by name: what each does while a call is kept, and what becomes of the call."""

import time
from collections.abc import Callable, Mapping
from contextlib import suppress

import grpc

from deploy.demo import simulator
from deploy.demo.processes import wait_until
from deploy.faults.cells import CALLS, DEST, MOVE_ADDRESSES, RELEASE_ADDRESSES, Cell
from deploy.faults.ground import Ground
from deploy.faults.snare import Fate, Snare
from xenferry.controller.v1 import migration_pb2

# Longer than a step is asked again without a pause, shorter than a host counts as dead.
CUT_S = 0.8
ENDED_WITHIN_S = 30.0
# A repeat of these is the same again: nothing has changed since that would forbid it.
HARMLESS = ("verify_exports", MOVE_ADDRESSES, RELEASE_ADDRESSES)
Strike = Callable[[Ground, Cell, Snare, str], list[str]]


def strike(ground: Ground, cell: Cell, snare: Snare, migration_id: str) -> list[str]:
    """Do what the cell says; return what was wrong at once."""
    return STRIKES[cell.fault](ground, cell, snare, migration_id)


def agent_of(cell: Cell) -> str:
    """Return the host whose agent gets the call of the cell's moment."""
    return cell.dest if CALLS[cell.stop.step][1] == DEST else cell.source


def _kill_controller(ground: Ground, _: Cell, snare: Snare, __: str) -> list[str]:
    ground.stack.kill_controller()
    snare.decide(Fate.GO_ON)
    ground.stack.start_controller()
    return []


def _kill_agent(side: str) -> Strike:
    def kill(ground: Ground, cell: Cell, snare: Snare, _: str) -> list[str]:
        host = cell.dest if side == DEST else cell.source
        ground.stack.kill_agent(host)
        snare.decide(Fate.GO_ON)
        ground.stack.start_agent(host)
        return []

    return kill


def _restart_xapi(side: str) -> Strike:
    def restart(ground: Ground, cell: Cell, snare: Snare, _: str) -> list[str]:
        host = cell.dest if side == DEST else cell.source
        simulator.arm(ground.control, fault="restart_toolstack", host=host)
        snare.decide(Fate.GO_ON)
        return []

    return restart


def _cut(side: str) -> Strike:
    def cut(ground: Ground, cell: Cell, snare: Snare, _: str) -> list[str]:
        host = cell.dest if side == DEST else cell.source
        ground.cut([host], off=True)
        snare.decide(Fate.GO_ON)
        time.sleep(CUT_S)
        ground.cut([host], off=False)
        return []

    return cut


def _partition(*faults: Callable[[Cell], Mapping[str, str]]) -> Strike:
    def part(ground: Ground, cell: Cell, snare: Snare, _: str) -> list[str]:
        armed = [simulator.arm(ground.control, fault="partition", **of(cell)) for of in faults]
        snare.decide(Fate.GO_ON)
        time.sleep(CUT_S)
        for fault in armed:
            simulator.lift(ground.control, fault)
        return []

    return part


def _fate(fate: Fate) -> Strike:
    def meet(_: Ground, __: Cell, snare: Snare, ___: str) -> list[str]:
        snare.decide(fate)
        return []

    return meet


def _stale(ground: Ground, cell: Cell, snare: Snare, migration_id: str) -> list[str]:
    """A call of a dead controller comes late: after its heir has written, and after the end."""
    ground.stack.kill_controller()
    snare.decide(Fate.LOST)
    ground.stack.start_controller()
    with suppress(TimeoutError):
        wait_until("the end", lambda: has_ended(ground, migration_id), ENDED_WITHIN_S)
    ended = ground.wire.deliver(agent_of(cell), snare.path, snare.request)
    harmless = cell.stop.step in HARMLESS
    if ended.code is grpc.StatusCode.ABORTED or harmless:
        return []
    if ended.code is None or ended.code is not grpc.StatusCode.FAILED_PRECONDITION:
        return [f"a stale {cell.stop.step} was answered with {ended.code}: {ended.details}"]
    return []


def has_ended(ground: Ground, migration_id: str) -> bool:
    """Tell whether a migration is over."""
    found = ground.migration(migration_id)
    return found is not None and found.state in ENDED


ENDED = (
    migration_pb2.MIGRATION_STATE_SUCCEEDED,
    migration_pb2.MIGRATION_STATE_ROLLED_BACK,
    migration_pb2.MIGRATION_STATE_CANCELLED,
)
STRIKES: Mapping[str, Strike] = {
    "controller-kill": _kill_controller,
    "source-agent-kill": _kill_agent("source"),
    "dest-agent-kill": _kill_agent(DEST),
    "source-xapi-restart": _restart_xapi("source"),
    "dest-xapi-restart": _restart_xapi(DEST),
    "partition-controller-source": _cut("source"),
    "partition-controller-dest": _cut(DEST),
    "partition-source-xapi": _partition(lambda cell: {"plane": "client", "host": cell.source}),
    "partition-dest-xapi": _partition(lambda cell: {"plane": "client", "host": cell.dest}),
    "partition-xapis": _partition(
        lambda cell: {"plane": "management", "host": cell.source, "other": cell.dest},
        lambda cell: {"plane": "migration", "host": cell.source, "other": cell.dest},
    ),
    "lost": _fate(Fate.LOST),
    "timed-out": _fate(Fate.NEVER),
    "refused": _fate(Fate.REFUSED),
    "repeat": _fate(Fate.TWICE),
    "stale-epoch": _stale,
}
