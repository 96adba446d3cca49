"""Judges how a move ended by where the guest is.

Recorded on xapi 26.17: success comes before the VM's operation is cleared; a task that vanished or
failed for a lost connection proves nothing, and the VM's record may turn to the truth 9 s later.
"""

import asyncio

from hostagent.model.finding import Finding, Reason, Severity
from hostagent.model.move import Ending, Outcome
from hostagent.model.records import TaskRecord, VmRecord
from hostagent.operations import look, refusals, situation
from hostagent.operations.agent import Agent
from hostagent.operations.situation import Place
from hostagent.operations.trips import Trip
from hostagent.xapi import redact

FIRST_LOOK_S = 0.005
LONGEST_PAUSE_S = 0.5


async def settle(agent: Agent, vm: VmRecord, trip: Trip, task: TaskRecord | None) -> Ending:
    """Look at the VM until it can be told how its move ended; raises XapiError."""
    clock = asyncio.get_running_loop()
    began = clock.time()
    patience = situation.Patience(agent.settings.operations_s, agent.settings.doubt_s)
    pause = FIRST_LOOK_S
    while True:
        now = await look.vm_or_none(agent, vm.uuid)
        place = situation.after(now, trip.here.ref, trip.there)
        waited_s = clock.time() - began
        outcome = situation.judged(place, task, waited_s, patience, across=trip.across)
        if outcome is not None:
            return Ending(outcome, _why(vm, outcome, place, task))
        await _change(agent, vm.ref, pause)
        pause = min(LONGEST_PAUSE_S, 2 * pause)


def _why(vm: VmRecord, outcome: Outcome, place: Place, task: TaskRecord | None) -> Finding | None:
    if outcome is Outcome.ARRIVED:
        return None
    if outcome is Outcome.STAYED and task is not None:
        return _stayed(vm, task)
    error = redact.array(task.error_info) if task else ()
    if place is Place.NOWHERE:
        text = f"{vm.name} runs neither at the destination nor at the source"
        return _finding(vm, Reason.INSTANCE_LOST, text, error)
    says = f"says {task.status}" if task else "is gone"
    shows = "is in this pool no more" if place is Place.GONE else "shows at the source"
    text = f"XAPI's task {says} and {vm.name} {shows}, which proves nothing"
    return _finding(vm, Reason.OUTCOME_UNKNOWN, text, error)


def _stayed(vm: VmRecord, task: TaskRecord) -> Finding:
    error = redact.array(task.error_info)
    if task.status == "cancelled":
        text = f"the move of {vm.name} was cancelled; it runs where it was"
        return _finding(vm, Reason.MIGRATION_CANCELLED, text, error, task_status="cancelled")
    reason = refusals.reason_of(error, Reason.MIGRATION_FAILED)
    text = f"XAPI did not move {vm.name}: {' '.join(error)}; it runs where it was"
    return _finding(vm, reason, text, error, task_status=task.status)


def _finding(
    vm: VmRecord, reason: Reason, text: str, error: tuple[str, ...], **measured: str
) -> Finding:
    remedy = "see to what XAPI says, then migrate again"
    if reason in (Reason.OUTCOME_UNKNOWN, Reason.INSTANCE_LOST):
        remedy = "look at both hosts before starting the VM anywhere: it may run unseen"
    subject = f"instance/{vm.name}"
    return Finding(reason, Severity.ERROR, subject, text, remedy, error, measured)


async def _change(agent: Agent, ref: str, at_most_s: float) -> None:
    with agent.mirror.watching(ref) as changed:
        try:
            async with asyncio.timeout(at_most_s):
                await changed.wait()
        except TimeoutError:
            return
