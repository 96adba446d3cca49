"""Carries out one move from the first look at the VM to the judgement of where it is."""

from collections.abc import Awaitable
from dataclasses import replace

from hostagent.model.errors import MoveRefused, OperationInProgress
from hostagent.model.finding import Finding, Reason, errors, refused
from hostagent.model.move import Ending, MoveOrder, Outcome
from hostagent.model.records import HostRecord, TaskRecord, VmRecord
from hostagent.operations import look, lost_reply, marks, refusals, settling, situation, watching
from hostagent.operations.agent import Agent
from hostagent.operations.checks import guest
from hostagent.operations.moves import Move
from hostagent.operations.situation import Situation
from hostagent.xapi import tasks, vms
from hostagent.xapi.errors import XapiError, XapiOutcomeUnknown, XapiRefused


async def carry_out(agent: Agent, move: Move) -> None:
    """Move the VM, or join the move that is under way, and publish how it ended.

    Raises AgentError or XapiError when nothing was started.
    """
    order = move.order
    here = look.own_host(agent)
    there = destination(agent, order)
    vm = await look.vm(agent, order.instance_id)
    agent.fences.admit_at(order.fence, vm.other_config)
    found = situation.before(vm, here.ref, there.ref, order.fence)
    if found is Situation.READY:
        ending = await _start(agent, move, vm, here, there)
    elif found is Situation.UNDER_WAY:
        ending = await _join(agent, move, vm, here, there)
    elif found is Situation.ARRIVED:
        ending = Ending(Outcome.ARRIVED)
    else:
        ending = _neither(agent, vm, here, found)
    percent = 100.0 if ending.outcome is Outcome.ARRIVED else move.report.percent
    move.publish(
        replace(
            move.report,
            percent=percent,
            cancellable=False,
            outcome=ending.outcome,
            error=ending.error,
        )
    )


def destination(agent: Agent, order: MoveOrder) -> HostRecord:
    """Return the host to go to; raises MoveRefused if the pool has no such host."""
    there = look.host_by_id(agent.mirror, order.dest_host_id)
    if there is not None:
        return there
    raise MoveRefused(
        refused(
            Reason.POOLS_DIFFER,
            f"host/{order.dest_host_id}",
            f"the pool of this host has no host {order.dest_host_id}",
            "choose a destination in the source's pool",
        )
    )


async def _start(
    agent: Agent, move: Move, vm: VmRecord, here: HostRecord, there: HostRecord
) -> Ending:
    _refuse_what_must_stay(agent, vm)
    agent.moves.admit(move.order)
    await marks.put(agent.client, vm, move.order.fence)
    if move.abort.is_set():
        return Ending(Outcome.STAYED, _never_started(vm))
    try:
        task_ref = await vms.pool_migrate(
            agent.client, vm.ref, there.ref, {marks.MIGRATION: move.order.fence.migration_id}
        )
    except XapiRefused as refusal:
        raise MoveRefused(refusals.finding(f"instance/{vm.name}", refusal.error)) from refusal
    except XapiOutcomeUnknown:
        return await _truthful(vm, _search(agent, move, vm, here, there))
    return await _truthful(vm, _follow(agent, move, vm, here, there, task_ref))


async def _join(
    agent: Agent, move: Move, vm: VmRecord, here: HostRecord, there: HostRecord
) -> Ending:
    await marks.put(agent.client, vm, move.order.fence)
    task_ref = situation.moving_task(vm)
    return await _truthful(vm, _follow(agent, move, vm, here, there, task_ref))


async def _truthful(vm: VmRecord, call: Awaitable[Ending]) -> Ending:
    """Return the ending; whatever XAPI says to our questions, the move that was begun may go on."""
    try:
        return await call
    except XapiError as error:
        text = f"the move of {vm.name} was begun, and XAPI can't be asked how it ends: {error}"
        remedy = "observe the migration until both hosts tell where the instance is"
        finding = refused(Reason.OUTCOME_UNKNOWN, f"instance/{vm.name}", text, remedy)
        return Ending(Outcome.UNKNOWN, replace(finding, xapi_error=error.error))


async def _search(
    agent: Agent, move: Move, vm: VmRecord, here: HostRecord, there: HostRecord
) -> Ending:
    task_ref = await lost_reply.find(agent, vm, there.ref)
    if task_ref:
        return await _follow(agent, move, vm, here, there, task_ref)
    return await settling.settle(agent, vm, here.ref, there.ref, None)


async def _follow(
    agent: Agent,
    move: Move,
    vm: VmRecord,
    here: HostRecord,
    there: HostRecord,
    task_ref: str,
) -> Ending:
    agent.moves.remember_task(move, task_ref)
    task: TaskRecord | None = await watching.until_end(agent, move)
    ending = await settling.settle(agent, vm, here.ref, there.ref, task)
    if task is not None:
        agent.moves.errand(tasks.destroy(agent.client, task_ref))
    return ending


def _refuse_what_must_stay(agent: Agent, vm: VmRecord) -> None:
    """Look once more at what XAPI would not tell, or would tell only after queueing."""
    settings = agent.settings
    found = [
        *guest.unprotected(vm, settings.own_vm, settings.protected_tag),
        guest.unblocked(vm),
    ]
    if errors(found):
        raise MoveRefused(*errors(found))


def _neither(agent: Agent, vm: VmRecord, here: HostRecord, found: Situation) -> Ending:
    """Answer for a VM that can neither be moved nor was: by an ending or by a refusal."""
    subject = f"instance/{vm.name}"
    if found is Situation.LOST:
        text = f"{vm.name} is {vm.power_state.lower()} after this migration began to move it"
        remedy = "look at both hosts before starting the VM anywhere: it may run unseen"
        return Ending(Outcome.UNKNOWN, refused(Reason.INSTANCE_LOST, subject, text, remedy))
    if found is Situation.DOUBTFUL:
        text = f"{vm.name} shows at its source after this migration began to move it"
        remedy = "look at both sides until they have been the same for a while"
        return Ending(Outcome.UNKNOWN, refused(Reason.OUTCOME_UNKNOWN, subject, text, remedy))
    if found is Situation.BUSY:
        raise OperationInProgress(subject, sorted(set(vm.current_operations.values())))
    if found is Situation.NOT_RUNNING:
        raise MoveRefused(guest.running(vm))
    resident = agent.mirror.hosts.get(vm.resident_on)
    raise MoveRefused(*guest.here(vm, here, resident.name if resident else "an unknown host"))


def _never_started(vm: VmRecord) -> Finding:
    return refused(
        Reason.MIGRATION_FAILED,
        f"instance/{vm.name}",
        f"the move of {vm.name} was cancelled before it began",
        "migrate again",
    )
