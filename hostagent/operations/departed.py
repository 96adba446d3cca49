"""A VM that is not in this pool any more: did it leave with this migration?

XAPI removes the record at the source when a move to another pool has succeeded. What is left here
is the move's task, which bears the migration's marks until PostAtSource removes it.
"""

from hostagent.model.finding import Finding, Reason, refused
from hostagent.model.move import Ending, Fence, MoveOrder, Outcome
from hostagent.model.records import TaskRecord
from hostagent.operations import marks
from hostagent.operations.agent import Agent
from hostagent.xapi import tasks
from hostagent.xapi.errors import XapiGone


async def ending(agent: Agent, order: MoveOrder) -> Ending:
    """Return ARRIVED if XAPI's task says so, else UNKNOWN; raises StaleEpoch or XapiError."""
    task = await task_of(agent, order.fence)
    if task is not None:
        agent.fences.admit_at(order.fence, task.other_config)
    if task is not None and task.status == "success":
        return Ending(Outcome.ARRIVED)
    return Ending(Outcome.UNKNOWN, _finding(order))


async def task_of(agent: Agent, fence: Fence) -> TaskRecord | None:
    """Return the migration's task if XAPI has it still; raises XapiError."""
    ref = agent.moves.task_of(fence.migration_id)
    if ref:
        try:
            return await tasks.record(agent.client, ref)
        except XapiGone:
            return None
    marked = await tasks.all_records(agent.client)
    return next((task for task in marked if marks.bears(task.other_config, fence)), None)


def _finding(order: MoveOrder) -> Finding:
    return refused(
        Reason.OUTCOME_UNKNOWN,
        f"instance/{order.instance_id}",
        f"XAPI here has no VM {order.instance_id} and no task that tells where it went",
        "ask the destination's agent: if the VM runs there, it has arrived",
    )
