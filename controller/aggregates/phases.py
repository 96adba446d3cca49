"""What is done in each phase of an operation; each can be begun again at any point."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace

from controller.aggregates.course import GAVE_UP, UNKNOWN, Course
from controller.model.aggregates import AGENT_DOWN, OperationKind, Phase
from controller.model.findings import Finding, Reason, Severity
from controller.planning import pool_checks
from controller.ports.agents import AgentError, AgentUnavailable
from controller.ports.aggregates import PoolProgress

_BUSY = "XENFERRY_BUSY"


async def carry(course: Course) -> None:
    """Take an operation to its end; raises OperationLost or StoreUnavailable."""
    while not course.operation.phase.ended:
        await _ACTS[course.operation.phase](course)


async def _begin(course: Course) -> None:
    plan = course.operation.plan
    if plan.needless:
        await course.keep(replace(course.operation, in_pool=plan.kind is OperationKind.ADD_HOST))
        await course.enter(Phase.SUCCEEDED, "XAPI shows it so already")
    elif plan.kind is OperationKind.REMOVE_HOST:
        await course.enter(Phase.EJECTING)
    else:
        await course.enter(Phase.NAMING_POOL if plan.first else Phase.JOINING)


async def _name_pool(course: Course) -> None:
    plan = course.operation.plan
    try:
        await _heard_of(course)
        await course.keep(replace(course.operation, asked=True))
        pool_id = await course.world.agents.name_pool(plan.host_id, plan.aggregate_name)
    except AgentError as error:
        await _bear(course, error)
        return
    named = replace(course.operation, plan=replace(plan, pool_id=pool_id), in_pool=True)
    await course.keep(named)
    await course.enter(Phase.SUCCEEDED)


async def _join(course: Course) -> None:
    progress = await _asked(course)
    if progress is None:
        return
    await course.take(progress)
    if progress.outcome == "DONE":
        await course.keep(replace(course.operation, in_pool=True))
        await course.enter(Phase.WAITING_AGENT)
    elif progress.outcome == "FAILED":
        await _fail(course, progress)
    else:
        await course.pause()


async def _eject(course: Course) -> None:
    progress = await _asked(course)
    if progress is None:
        return
    await course.take(progress)
    if progress.outcome == "DONE":
        await course.enter(Phase.WAITING_AGENT, "waiting until the host is told of no more")
    elif progress.outcome == "FAILED":
        await _fail(course, progress)
    else:
        await course.pause()


async def _wait_for_agent(course: Course) -> None:
    """Wait until the inventory shows it: the agent of a host that joined, or none of one that left.

    The agent comes back by itself; what dom0 could not start, it tries again when asked.
    """
    plan = course.operation.plan
    host = await course.world.registry.host(plan.host_id)
    there = host is not None and host.alive and host.facts.pool_id == plan.pool_id
    if there is (plan.kind is OperationKind.ADD_HOST):
        state = course.operation.agent_state
        heard = "running" if state in AGENT_DOWN else state
        await course.keep(replace(course.operation, error=None, agent_state=heard))
        await course.enter(Phase.SUCCEEDED)
        return
    if _waited_s(course) > course.world.settings.agent_wait_s:
        await _stop_waiting(course)
        return
    if course.operation.agent_state in AGENT_DOWN:
        await _start_agent_again(course)
    await course.pause()


async def _stop_waiting(course: Course) -> None:
    """A host that dom0 ejected is out, whoever still tells of it."""
    if course.operation.plan.kind is OperationKind.REMOVE_HOST:
        await course.enter(Phase.SUCCEEDED, "the host's agent still tells of the pool")
    else:
        await course.enter(Phase.FAILED, error=_unheard(course))


async def _fail(course: Course, progress: PoolProgress) -> None:
    """dom0 gave up; that the agent VM runs again comes before the end."""
    settings = course.world.settings
    if progress.agent_state in AGENT_DOWN and _waited_s(course) <= settings.agent_wait_s:
        await course.pause()
        return
    await course.enter(Phase.FAILED)


async def _start_agent_again(course: Course) -> None:
    """Have dom0 of whoever coordinates the pool by now start the agent VM of the new member."""
    try:
        told = await course.world.agents.join(await leader(course), course.operation)
    except AgentError:
        return  # the pool's agents may be restarting as well: the time limit is the caller's
    if told.outcome:  # until then another dom0 has only begun, and the agent VM is as it was
        await course.take(told)


async def _asked(course: Course) -> PoolProgress | None:
    """Have dom0 begin or carry on, and return how far it is; None: it is to be asked again.

    Before it is first told to begin, it is looked whether it could: as long as it could not, the
    operation can be cancelled.
    """
    agents = course.world.agents
    try:
        asked = await leader(course)
        if not course.operation.asked:
            await agents.observe(asked, course.operation.operation_id)
            await course.keep(replace(course.operation, asked=True))
        if course.operation.plan.kind is OperationKind.ADD_HOST:
            return await agents.join(asked, course.operation)
        return await agents.leave(asked, course.operation)
    except AgentError as error:
        await _bear(course, error)
        return None


async def _bear(course: Course, error: AgentError) -> None:
    """Tell what is in the way; wait if it may pass, and end the operation if it does not.

    What dom0 has begun it carries to an end, whatever an agent says meanwhile.
    """
    finding = error.findings[0]
    if not _passes(error) and not await _has_begun(course):
        await course.enter(Phase.FAILED, finding.message, finding)
        return
    if course.silent_s() > course.world.settings.give_up_s:
        told = _unknown(course, finding) if course.operation.asked else finding
        await course.enter(Phase.FAILED, finding.message, told)
        return
    await course.keep(replace(course.operation, error=finding))
    await course.pause()


async def _has_begun(course: Course) -> bool:
    """Tell whether dom0 has the operation: a refusal may follow on an answer that was lost."""
    operation = course.operation
    if operation.begun or not operation.asked or operation.phase is Phase.NAMING_POOL:
        return operation.begun
    try:
        told = await course.world.agents.observe(await leader(course), operation.operation_id)
    except AgentError:
        return False
    if told.outcome != UNKNOWN:
        await course.take(told)
    return course.operation.begun


def _passes(error: AgentError) -> bool:
    """Tell whether asking again may help: another coordinator, or dom0 at other work."""
    finding = error.findings[0]
    if isinstance(error, AgentUnavailable) or finding.reason is Reason.NOT_COORDINATOR:
        return True
    return finding.xapi_error[:1] == (_BUSY,)


async def leader(course: Course) -> str:
    """Return the host that coordinates the pool now; raises AgentUnavailable if none is heard."""
    plan = course.operation.plan
    found = pool_checks.coordinator(await course.world.registry.hosts(), plan.pool_id)
    if found is not None and found.alive:
        return found.host_id
    text = f"no agent is heard that coordinates the pool of {plan.aggregate_name}"
    raise _unavailable(f"aggregate/{plan.aggregate_name}", text)


async def _heard_of(course: Course) -> None:
    """Raise AgentUnavailable unless the agent of the operation's host is heard."""
    plan = course.operation.plan
    host = await course.world.registry.host(plan.host_id)
    if host is None or not host.alive:
        raise _unavailable(f"host/{plan.host_name}", f"the agent of {plan.host_name} is not heard")


def _unavailable(subject: str, text: str) -> AgentUnavailable:
    remedy = "see that the agent runs and reaches the controller"
    finding = Finding(Reason.AGENT_UNAVAILABLE, Severity.ERROR, subject, text, remedy)
    return AgentUnavailable([finding])


def _waited_s(course: Course) -> float:
    """Return the seconds since the phase was entered, or since dom0 gave up in it."""
    operation = course.operation
    rows = [row for row in operation.journal if row.phase == operation.phase.value]
    since = next((row.time for row in rows if row.note.startswith(GAVE_UP)), rows[0].time)
    return (course.world.clock.now() - since).total_seconds()


def _unheard(course: Course) -> Finding:
    plan = course.operation.plan
    return Finding(
        Reason.AGENT_NOT_RESTARTED,
        Severity.ERROR,
        f"host/{plan.host_name}",
        f"{plan.host_name} is in the pool and its agent is not heard "
        f"after {course.world.settings.agent_wait_s:g} s",
        f"start its agent VM {plan.agent_instance_id} (xe vm-start) and look at its log",
    )


def _unknown(course: Course, finding: Finding) -> Finding:
    plan = course.operation.plan
    return Finding(
        Reason.OUTCOME_UNKNOWN,
        Severity.ERROR,
        f"host/{plan.host_name}",
        f"nobody could be asked for {course.world.settings.give_up_s:g} s: {finding.message}",
        "bring the pool's coordinator back; what XAPI shows then is told as drift",
    )


_ACTS: Mapping[Phase, Callable[[Course], Awaitable[None]]] = {
    Phase.ACCEPTED: _begin,
    Phase.NAMING_POOL: _name_pool,
    Phase.JOINING: _join,
    Phase.EJECTING: _eject,
    Phase.WAITING_AGENT: _wait_for_agent,
}
