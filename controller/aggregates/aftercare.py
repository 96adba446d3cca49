"""After an operation has failed: dom0 is asked until the host's agent VM is known to run.

The aggregate tells of it all the while. Whoever wants it no more cancels the operation, or deletes
the aggregate.
"""

from dataclasses import replace

from controller.aggregates import phases
from controller.aggregates.course import UNKNOWN, Course
from controller.model.aggregates import AGENT_DOWN, Operation
from controller.ports.agents import AgentError
from controller.saga.backoff import Backoff

_UNDECIDED = ("", UNKNOWN)


async def carry(course: Course) -> None:
    """Return once nothing is owed; raises OperationLost or StoreUnavailable."""
    settings = course.world.settings
    pauses = Backoff(settings.poll_s, settings.agent_retry_cap_s)
    while course.operation.agent_owed:
        if await _is_heard(course.operation, course):
            await _settle(course, "the host's agent is heard again", "running")
        elif await _is_told_by_dom0(course):
            await _settle(course, f"dom0 says of the agent VM: {course.operation.agent_state}")
        else:
            await course.pause(pauses.next_s())


async def _is_heard(operation: Operation, course: Course) -> bool:
    """Tell whether the agent has said anything since the operation ended."""
    host = await course.world.registry.host(operation.plan.host_id)
    if host is None or not host.alive or operation.end_time is None:
        return False
    return host.heartbeat_time is not None and host.heartbeat_time > operation.end_time


async def _is_told_by_dom0(course: Course) -> bool:
    """Ask dom0, which tries again whenever it is asked; tell whether nothing is owed since.

    Another coordinator's dom0, which knows nothing of it, begins anew for a host that has joined.
    """
    agents, operation = course.world.agents, course.operation
    try:
        leader = await phases.leader(course)
        told = await agents.observe(leader, operation.operation_id)
        if told.outcome == UNKNOWN and operation.in_pool:
            told = await agents.join(leader, operation)
    except AgentError:
        return False  # whoever coordinates the pool may be away: it is asked again
    if told.outcome in _UNDECIDED:
        return False
    await course.take(told)
    return course.operation.agent_state not in AGENT_DOWN


async def _settle(course: Course, note: str, state: str = "") -> None:
    known, now = course.operation, course.world.clock.now()
    settled = replace(known, agent_owed=False, agent_state=state or known.agent_state)
    await course.keep(settled.noted(now, note))
