"""LiveMigration: moves the guest and tells how far it is."""

from collections.abc import AsyncIterator

from hostagent.model.errors import MoveRefused, OperationInProgress
from hostagent.model.finding import Finding, Reason, refused
from hostagent.model.move import MoveOrder, Report
from hostagent.operations import look, marks, moving
from hostagent.operations.agent import Agent
from hostagent.operations.moves import Move


async def run(agent: Agent, order: MoveOrder) -> AsyncIterator[Report]:
    """Yield reports up to the one with the outcome; raises AgentError or XapiError.

    A second caller joins the first one's move. That a caller leaves ends nothing. A move that
    this agent saw end at home is not begun again for the same migration.
    """
    agent.fences.admit(order.fence)
    look.meant_host(agent, order.source_host_id)
    if order.dest_host_id == agent.host_id:
        raise MoveRefused(_same_host(order))
    stayed = agent.moves.stayed(order.fence.migration_id)
    if stayed is not None:
        yield stayed
        return
    move = agent.moves.of(order.instance_id)
    if move is None:
        if agent.turns.taken(order.fence.migration_id):
            raise OperationInProgress(f"instance/{order.instance_id}", ["its own rollback"])
        move = begin(agent, order)
    else:
        await _join(agent, move, order)
    async for report in move.follow():
        yield report


def begin(agent: Agent, order: MoveOrder) -> Move:
    """Carry out a move apart from whoever asks for it."""
    return agent.moves.begin(order, lambda move: moving.carry_out(agent, move))


async def _join(agent: Agent, move: Move, order: MoveOrder) -> None:
    if move.order.fence.migration_id != order.fence.migration_id:
        raise OperationInProgress(f"instance/{order.instance_id}", ["another migration"])
    if order.fence.epoch > move.order.fence.epoch:
        vm = await look.vm(agent, order.instance_id)
        await marks.put(agent.client, vm, order.fence)


def _same_host(order: MoveOrder) -> Finding:
    return refused(
        Reason.DEST_IS_SOURCE,
        f"host/{order.dest_host_id}",
        "the destination is the host that the instance would leave",
        "choose another destination",
    )
