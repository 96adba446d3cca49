"""AbortMigration: stops the move if XAPI still can, and returns when the end is known."""

import asyncio
import contextlib

from hostagent.model.errors import OperationInProgress
from hostagent.model.move import MoveOrder, Outcome
from hostagent.operations import live_migration, look, moving, situation
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


async def run(agent: Agent, order: MoveOrder) -> Outcome:
    """Return how the move ended; raises AgentError or XapiError."""
    agent.fences.admit(order.fence)
    if agent.moves.stayed(order.fence.migration_id) is not None:
        return Outcome.STAYED
    move = agent.moves.of(order.instance_id)
    if move is not None and move.order.fence.migration_id != order.fence.migration_id:
        raise OperationInProgress(f"instance/{order.instance_id}", ["another migration"])
    if move is None:
        found = await _look(agent, order)
        if found is not Situation.UNDER_WAY:
            return _AT_REST.get(found, Outcome.UNKNOWN)
        move = agent.moves.of(order.instance_id) or live_migration.begin(agent, order)
    move.abort.set()
    await _cancel(agent, move)
    if move.report.outcome is not None:
        return move.report.outcome
    # The move was refused before it began, or the agent is about to stop: the VM tells.
    return _AT_REST.get(await _look(agent, order), Outcome.UNKNOWN)


async def _look(agent: Agent, order: MoveOrder) -> Situation:
    vm = await look.vm(agent, order.instance_id)
    agent.fences.admit_at(order.fence, vm.other_config)
    there = moving.destination(agent, order)
    return situation.before(vm, look.own_host(agent).ref, there.ref, order.fence)


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
