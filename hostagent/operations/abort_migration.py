"""AbortMigration: stops the move if XAPI still can, and returns when the end is known."""

import asyncio
import contextlib

from hostagent.model.errors import OperationInProgress
from hostagent.model.finding import Finding, Reason, refused
from hostagent.model.move import Ending, MoveOrder, Outcome
from hostagent.operations import departed, live_migration, look, situation, trips
from hostagent.operations.agent import Agent
from hostagent.operations.moves import Move
from hostagent.operations.situation import Situation
from hostagent.xapi import tasks
from hostagent.xapi.errors import XapiError

# Recorded on xapi 26.17: a cancel that is sent before the task allows it can be lost without a
# word, and one that comes too late does nothing. So it is sent again until the end is known.
AGAIN_S = 0.5
FIRST_S = 0.1

_AT_REST = {
    Situation.READY: Outcome.STAYED,
    Situation.ARRIVED: Outcome.ARRIVED,
}


async def run(agent: Agent, order: MoveOrder) -> Ending:
    """Return how the move ended; raises AgentError or XapiError."""
    agent.fences.admit(order.fence)
    look.meant_host(agent, order.source_host_id)
    stayed = agent.moves.stayed(order.fence.migration_id)
    if stayed is not None:
        return Ending(Outcome.STAYED, stayed.error)
    return _told(order, await _end(agent, order))


async def _end(agent: Agent, order: MoveOrder) -> Ending:
    move = agent.moves.of(order.instance_id)
    if move is not None and move.order.fence.migration_id != order.fence.migration_id:
        raise OperationInProgress(f"instance/{order.instance_id}", ["another migration"])
    if move is None:
        found = await _look(agent, order)
        if found is not None:
            return found
        move = agent.moves.of(order.instance_id) or live_migration.begin(agent, order)
    move.abort.set()
    await _cancel(agent, move)
    if move.report.outcome is not None:
        return Ending(move.report.outcome, move.report.error)
    # The move was refused before it began, or the agent is about to stop: the VM tells.
    return await _look(agent, order) or Ending(Outcome.UNKNOWN)


async def _look(agent: Agent, order: MoveOrder) -> Ending | None:
    """Return how the VM stands, or None if it is on its way."""
    trip = trips.of(agent, order)
    vm = await look.vm_or_none(agent, order.instance_id)
    if vm is None:
        return await departed.ending(agent, order)
    agent.fences.admit_at(order.fence, vm.other_config)
    found = situation.before(vm, trip.here.ref, trip.there, order.fence)
    if found is Situation.UNDER_WAY:
        return None
    return Ending(_AT_REST.get(found, Outcome.UNKNOWN))


async def _cancel(agent: Agent, move: Move) -> None:
    pause = FIRST_S
    while not move.ended.is_set():
        if move.task_ref and move.report.outcome is None:
            with contextlib.suppress(XapiError):  # the end is told by the VM, not by this call
                await tasks.cancel(agent.client, move.task_ref)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(pause):
                await move.ended.wait()
        pause = AGAIN_S


def _told(order: MoveOrder, ending: Ending) -> Ending:
    if ending.outcome is Outcome.ARRIVED:
        return Ending(Outcome.ARRIVED, _too_late(order))
    if ending.outcome is Outcome.UNKNOWN and ending.error is None:
        return Ending(Outcome.UNKNOWN, _unknown(order))
    return ending


def _too_late(order: MoveOrder) -> Finding:
    return refused(
        Reason.TOO_LATE_TO_CANCEL,
        f"instance/{order.instance_id}",
        "the guest runs at the destination: it could not be stopped any more",
        "migrate it back",
    )


def _unknown(order: MoveOrder) -> Finding:
    return refused(
        Reason.OUTCOME_UNKNOWN,
        f"instance/{order.instance_id}",
        "nothing that XAPI shows tells how the move ended",
        "observe the migration until both hosts tell where the instance is",
    )
