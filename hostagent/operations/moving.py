"""Carries out one move from the first look at the VM to the judgement of where it is."""

from collections.abc import Awaitable
from dataclasses import replace

from hostagent.model.checks import Kind
from hostagent.model.errors import InstanceNotFound, MoveRefused, OperationInProgress
from hostagent.model.finding import Reason, refused
from hostagent.model.move import Ending, Outcome, Sizes
from hostagent.model.records import TaskRecord, VmRecord
from hostagent.operations import (
    departed,
    look,
    lost_reply,
    marks,
    settling,
    situation,
    starting,
    trips,
    watching,
)
from hostagent.operations.agent import Agent
from hostagent.operations.checks import guest
from hostagent.operations.moves import Move
from hostagent.operations.situation import Situation
from hostagent.operations.trips import Trip
from hostagent.xapi import tasks
from hostagent.xapi.errors import XapiError


async def carry_out(agent: Agent, move: Move) -> None:
    """Move the VM, or join the move that is under way, and publish how it ended.

    Raises AgentError or XapiError when nothing was started.
    """
    trip = trips.of(agent, move.order)
    vm = await look.vm_or_none(agent, move.order.instance_id)
    ending = await (_absent(agent, move, trip) if vm is None else _present(agent, move, vm, trip))
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


async def _absent(agent: Agent, move: Move, trip: Trip) -> Ending:
    if not trip.across:
        raise InstanceNotFound(move.order.instance_id)
    return await departed.ending(agent, move.order)


async def _present(agent: Agent, move: Move, vm: VmRecord, trip: Trip) -> Ending:
    agent.fences.admit_at(move.order.fence, vm.other_config)
    found = situation.before(vm, trip.here.ref, trip.there, move.order.fence)
    if found is Situation.READY:
        return await _start(agent, move, vm, trip)
    if found is Situation.UNDER_WAY:
        return await _join(agent, move, vm, trip)
    if found is Situation.ARRIVED:
        return Ending(Outcome.ARRIVED)
    return _neither(agent, vm, trip, found)


async def _start(agent: Agent, move: Move, vm: VmRecord, trip: Trip) -> Ending:
    started = await starting.start(agent, move, vm, trip)
    if started.never:
        return Ending(Outcome.STAYED, starting.never_started(vm))
    task_ref = started.task_ref
    if not task_ref:
        return await _truthful(vm, _search(agent, move, vm, trip))
    task = await _watched(agent, move, vm, task_ref)
    if isinstance(task, Ending):
        return task
    if task is not None:
        await starting.turned_away(agent, started, task.error_info)
    return await _truthful(vm, _settle(agent, vm, trip, task))


async def _join(agent: Agent, move: Move, vm: VmRecord, trip: Trip) -> Ending:
    task_ref = situation.moving_task(vm)
    sends = vm.current_operations[task_ref] == situation.MIGRATE_SEND
    agent.moves.hold(vm.uuid, Kind.BLOCK if sends else Kind.SHARED_STORAGE)
    move.sizes = Sizes(_disk_bytes(agent, vm) if sends else 0, vm.memory_static_max)
    await marks.put(agent.client, vm, move.order.fence)
    return await _truthful(vm, _follow(agent, move, vm, trip, task_ref))


def _disk_bytes(agent: Agent, vm: VmRecord) -> int:
    """Return the size of all disks: which of them are copied is not known any more."""
    mirror = agent.mirror
    drives = [mirror.vbds[ref] for ref in vm.vbds if ref in mirror.vbds]
    return sum(mirror.vdis[one.vdi].virtual_size for one in drives if one.vdi in mirror.vdis)


async def _watched(
    agent: Agent, move: Move, vm: VmRecord, task_ref: str
) -> TaskRecord | Ending | None:
    """Return the task once it has ended, None if its row went, or how it is when XAPI did."""
    agent.moves.remember_task(move, task_ref)
    try:
        return await watching.until_end(agent, move)
    except XapiError as error:
        return _unheard(vm, error)


async def _truthful(vm: VmRecord, call: Awaitable[Ending]) -> Ending:
    """Return the ending; whatever XAPI says to our questions, the move that was begun may go on."""
    try:
        return await call
    except XapiError as error:
        return _unheard(vm, error)


def _unheard(vm: VmRecord, error: XapiError) -> Ending:
    text = f"the move of {vm.name} was begun, and XAPI can't be asked how it ends: {error}"
    remedy = "observe the migration until both hosts tell where the instance is"
    finding = refused(Reason.OUTCOME_UNKNOWN, f"instance/{vm.name}", text, remedy)
    return Ending(Outcome.UNKNOWN, replace(finding, xapi_error=error.error))


async def _search(agent: Agent, move: Move, vm: VmRecord, trip: Trip) -> Ending:
    task_ref = await lost_reply.find(agent, vm, trip.there)
    if task_ref:
        return await _follow(agent, move, vm, trip, task_ref)
    return await settling.settle(agent, vm, trip, None)


async def _follow(agent: Agent, move: Move, vm: VmRecord, trip: Trip, task_ref: str) -> Ending:
    task = await _watched(agent, move, vm, task_ref)
    return task if isinstance(task, Ending) else await _settle(agent, vm, trip, task)


async def _settle(agent: Agent, vm: VmRecord, trip: Trip, task: TaskRecord | None) -> Ending:
    ending = await settling.settle(agent, vm, trip, task)
    if task is not None and not trip.across:
        # Across pools the task is all that a repeat has to go by: PostAtSource removes it.
        agent.moves.errand(tasks.destroy(agent.client, task.ref))
    return ending


def _neither(agent: Agent, vm: VmRecord, trip: Trip, found: Situation) -> Ending:
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
    raise MoveRefused(*guest.here(vm, trip.here, resident.name if resident else "an unknown host"))
