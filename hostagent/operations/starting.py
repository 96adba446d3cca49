"""Starts a move: the last look, the place, the marks, and one call that is never sent twice."""

from dataclasses import dataclass
from typing import Protocol

from hostagent.model.checks import Kind
from hostagent.model.errors import MoveRefused, TooManyMoves
from hostagent.model.finding import Finding, Reason, errors, refused
from hostagent.model.move import Fence, Sizes
from hostagent.model.records import VmRecord
from hostagent.operations import capacity, fences, marks, refusals, situation
from hostagent.operations.agent import Agent
from hostagent.operations.block import sending
from hostagent.operations.checks import guest
from hostagent.operations.moves import Move
from hostagent.operations.trips import Trip
from hostagent.xapi import vms
from hostagent.xapi.errors import XapiOutcomeUnknown, XapiRefused, XapiTransient


class Way(Protocol):
    """One of the two ways to move: what is written before the call, and the call."""

    @property
    def sizes(self) -> Sizes:
        """What there is to send."""

    async def mark(self, agent: Agent) -> None:
        """Write down what is about to be done."""

    async def start(self, agent: Agent) -> str:
        """Do it, once; return the task's reference."""

    async def take_back(self, agent: Agent) -> None:
        """Remove what `mark` wrote."""


@dataclass(frozen=True, slots=True)
class Sharing:
    """The memory alone: every disk is on storage that both hosts have attached."""

    vm: VmRecord
    fence: Fence
    there: str

    @property
    def sizes(self) -> Sizes:
        """What there is to send."""
        return Sizes(memory=self.vm.memory_static_max or self.vm.memory_dynamic_min)

    async def mark(self, agent: Agent) -> None:
        """Mark the VM."""
        await marks.put(agent.client, self.vm, self.fence)

    async def start(self, agent: Agent) -> str:
        """Send, and return the task's reference; raises XapiError."""
        task_marks = {marks.MIGRATION: self.fence.migration_id}
        return await vms.pool_migrate(agent.client, self.vm.ref, self.there, task_marks)

    async def take_back(self, agent: Agent) -> None:
        """Remove the marks."""
        await marks.take_back(agent.client, self.vm)


@dataclass(frozen=True, slots=True)
class Started:
    """`way` for who has to take it back; `task_ref` is empty when the call got no reply."""

    way: Way
    task_ref: str = ""
    never: bool = False


async def start(agent: Agent, move: Move, vm: VmRecord, trip: Trip) -> Started:
    """Return how it began; raises AgentError when nothing was begun, or XapiError."""
    order = move.order
    _refuse_what_must_stay(agent, vm, order.kind)
    fences.refuse_ended(order.fence, vm.other_config)
    capacity.admit(agent, order, trip)
    way: Way = Sharing(vm, order.fence, trip.there)
    if order.kind is Kind.BLOCK:
        way = await sending.prepare(agent, order, vm, trip)
    move.sizes = way.sizes
    await _mark(agent, way)
    if move.abort.is_set():
        return Started(way, never=True)
    try:
        return Started(way, await way.start(agent))
    except XapiTransient as transient:
        await way.take_back(agent)
        raise _busy(transient.error) or transient from transient
    except XapiRefused as refusal:
        await way.take_back(agent)  # nothing was begun, so a repeat may begin it
        raise MoveRefused(refusals.finding(f"instance/{vm.name}", refusal.error)) from refusal
    except XapiOutcomeUnknown:
        return Started(way)


async def _mark(agent: Agent, way: Way) -> None:
    """Write all marks or none: one that stays alone would tell a repeat that a move has begun."""
    try:
        await way.mark(agent)
    except (XapiTransient, XapiRefused):
        await way.take_back(agent)
        raise


async def turned_away(agent: Agent, started: Started, error: tuple[str, ...]) -> None:
    """Raise TooManyMoves if XAPI began nothing because too many run; the marks go first."""
    busy = _busy(error)
    if busy is not None:
        await started.way.take_back(agent)
        raise busy


def never_started(vm: VmRecord) -> Finding:
    """Say that the move was stopped before it began."""
    return refused(
        Reason.MIGRATION_CANCELLED,
        f"instance/{vm.name}",
        f"the move of {vm.name} was cancelled before it began",
        "migrate again",
    )


def _refuse_what_must_stay(agent: Agent, vm: VmRecord, kind: Kind) -> None:
    """Look once more at what XAPI would not tell, or would tell only after queueing."""
    settings = agent.settings
    operation = situation.MIGRATE_SEND if kind is Kind.BLOCK else situation.POOL_MIGRATE
    found = [
        *guest.unprotected(vm, settings.own_vm, settings.protected_tag),
        guest.unblocked(vm, operation),
    ]
    if errors(found):
        raise MoveRefused(*errors(found))


def _busy(error: tuple[str, ...]) -> TooManyMoves | None:
    if error[:1] != (capacity.TOO_MANY,):
        return None
    told = error[1] if len(error) > 1 and error[1].isdecimal() else "3"
    return TooManyMoves(int(told), int(told), "block migrations")
