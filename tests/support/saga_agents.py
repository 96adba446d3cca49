"""The agents of both hosts of a saga's world; each call can fail in every way, by name."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from controller.model.findings import Finding, Reason, Severity
from controller.model.migration import CleanupAction, CleanupItem
from controller.ports.agents import (
    AgentBusy,
    AgentUnavailable,
    Fenced,
    MoveOutcome,
    MoveProgress,
    Observation,
    Order,
    PostReport,
    StepRefused,
)
from tests.support.saga_world import World

T = TypeVar("T")


class Killed(BaseException):
    """The controller's process dies here; nothing in it may catch this."""


@dataclass(frozen=True)
class Fault:
    """What goes wrong at the nth time (from 1) that a call is made; `nth` 0 means every time."""

    call: str
    kind: str
    nth: int = 1


KINDS = (
    "refused",
    "unavailable before",
    "unavailable after",
    "busy",
    "killed",
    "repeated",
    "fenced",
    "broken",
)


class FaultyAgents:
    """The agents of both hosts; every act is safe to repeat, as the port says.

    So many times as `stubborn` says, the last step at the destination leaves something undone.
    """

    def __init__(self, world: World, faults: tuple[Fault, ...] = ()) -> None:
        self.world = world
        self.faults = faults
        self.stubborn = 0
        self.calls: list[str] = []
        self.floating = True
        self.before_act: Callable[[str], None] = lambda _: None
        self.on_call: Callable[[str], Awaitable[None]] = _nothing

    async def verify_exports(self, order: Order) -> tuple[Finding, ...]:
        """Find all well."""
        return await self._act("verify_exports", order, lambda: (_pass(),))

    async def prepare_dest(self, order: Order) -> None:
        """Lease what the guest will need."""
        await self._act("prepare_dest", order, self._lease)

    async def move(self, order: Order) -> AsyncIterator[MoveProgress]:
        """Move the guest once; join what is under way; say so when it has arrived."""
        kind = await self._called("move")
        _raise_before(kind)
        self._fence(order)
        self._begin_once()
        if kind == "unavailable after":
            raise AgentUnavailable([_unavailable()])
        if kind == "repeated":
            self._begin_once()
        yield MoveProgress("MEMORY", 10.0, cancellable=True)
        if kind == "killed":
            raise Killed
        percent = 10.0
        while self.world.guest.operations:
            percent = min(90.0, percent + 10.0)
            yield MoveProgress("MEMORY", percent, cancellable=True)
            await self._during("move")
            await self.world.clock.sleep(1)
            if kind == "broken":
                raise AgentUnavailable([_unavailable()])
        yield self._judge()

    async def abort(self, order: Order) -> str:
        """Stop a move that XAPI shows; one that it lost sight of can't be stopped."""
        return await self._act("abort", order, self._abort)

    async def observe_source(self, order: Order) -> Observation:
        """Show XAPI's record."""
        return await self._look("observe_source", order.source_host_id)

    async def observe_dest(self, order: Order) -> Observation:
        """Show XAPI's record."""
        return await self._look("observe_dest", order.dest_host_id)

    async def has_floating_ips(self, order: Order) -> bool:
        """Tell what the test says."""
        del order
        return self.floating

    async def move_floating_ips(self, order: Order) -> None:
        """Let the guest's floating IPs follow it."""
        await self._act("move_floating_ips", order, self._follow)

    async def post_at_source(self, order: Order) -> tuple[CleanupItem, ...]:
        """Detach, which is only right when the guest has arrived."""
        return await self._act("post_at_source", order, self._detach_at_source)

    async def post_at_dest(self, order: Order) -> PostReport:
        """Verify, and clear the marks."""
        return await self._act("post_at_dest", order, self._clear_at_dest)

    async def rollback_at_source(self, order: Order) -> tuple[CleanupItem, ...]:
        """Clear the mark."""
        return await self._act("rollback_at_source", order, self._clear_at_source)

    async def rollback_at_dest(self, order: Order) -> tuple[CleanupItem, ...]:
        """Release what is leased; a guest that needs it is hurt."""
        return await self._act("rollback_at_dest", order, self._release)

    async def _act(self, name: str, order: Order, effect: Callable[[], T]) -> T:
        kind = await self._called(name)
        _raise_before(kind)
        self._fence(order)
        if kind == "bug":
            raise RuntimeError("a bug")
        answer = effect()
        if kind == "repeated":
            answer = effect()
        await asyncio.sleep(0)
        if kind == "unavailable after":
            raise AgentUnavailable([_unavailable()])
        if kind == "killed":
            raise Killed
        return answer

    async def _look(self, name: str, host_id: str) -> Observation:
        kind = await self._called(name)
        _raise_before(kind)
        if kind == "unavailable after":
            raise AgentUnavailable([_unavailable()])
        if kind == "killed":
            raise Killed
        return self.world.observe(host_id)

    async def _during(self, name: str) -> None:
        await self.on_call(f"during {name}")

    async def _called(self, name: str) -> str:
        self.calls.append(name)
        await self.on_call(name)
        if not name.startswith("observe"):
            self.before_act(name)
        nth = self.calls.count(name)
        for fault in self.faults:
            if fault.call == name and fault.nth in (0, nth):
                return fault.kind
        return ""

    def _fence(self, order: Order) -> None:
        guest = self.world.guest
        if order.epoch < guest.seen_epoch:
            raise Fenced([_finding(Reason.STALE_EPOCH, "a higher epoch was seen")])
        guest.seen_epoch = order.epoch

    def _lease(self) -> None:
        self.world.guest.leased = True

    def _begin_once(self) -> None:
        guest = self.world.guest
        guest.tagged = True
        if guest.resident == guest.source and not guest.operations:
            self.world.begin_move()

    def _abort(self) -> str:
        world = self.world
        if world.guest.resident == world.guest.dest:
            return MoveOutcome.ARRIVED
        if world.guest.operations:
            world.abort()
        return MoveOutcome.UNKNOWN if world.moving else MoveOutcome.STAYED

    def _judge(self) -> MoveProgress:
        guest = self.world.guest
        if guest.resident == guest.dest:
            return MoveProgress("MEMORY", 100.0, cancellable=False, outcome=MoveOutcome.ARRIVED)
        if guest.task is not None and guest.task.status == "CANCELLED":
            error = _finding(Reason.MIGRATION_CANCELLED, "stopped", guest.task.error_info)
            outcome = MoveOutcome.STAYED
        elif guest.task is not None and guest.task.error_info[:1] == ("INTERNAL_ERROR",):
            error = _finding(Reason.MIGRATION_FAILED, "no luck", guest.task.error_info)
            outcome = MoveOutcome.STAYED
        else:
            error = _finding(Reason.OUTCOME_UNKNOWN, "the task is gone")
            outcome = MoveOutcome.UNKNOWN
        return MoveProgress("MEMORY", 40.0, cancellable=False, outcome=outcome, error=error)

    def _detach_at_source(self) -> tuple[CleanupItem, ...]:
        world = self.world
        if world.guest.domains != [world.guest.dest]:
            world.damage.append("detached at the source while the guest was not away")
        return (CleanupItem("sr/iscsi-1 at source", CleanupAction.REMOVED),)

    def _follow(self) -> None:
        guest = self.world.guest
        if guest.domains != [guest.dest]:
            self.world.damage.append("floating IPs went where the guest is not")
        guest.carried_by = guest.dest

    def _clear_at_dest(self) -> PostReport:
        guest = self.world.guest
        if self.stubborn > 0:
            self.stubborn -= 1
            return PostReport((_finding(Reason.NETWORK_NOT_AVAILABLE, "no VIF is attached"),))
        guest.tagged = guest.leased = False
        return PostReport((_pass(),), (CleanupItem("mark/web-1", CleanupAction.REMOVED),))

    def _clear_at_source(self) -> tuple[CleanupItem, ...]:
        self._hurt_traveller("cleared the mark")
        self.world.guest.tagged = False
        return (CleanupItem("mark/web-1", CleanupAction.REMOVED),)

    def _release(self) -> tuple[CleanupItem, ...]:
        self._hurt_traveller("released the destination")
        if self.stubborn > 0:
            self.stubborn -= 1
            return (CleanupItem("sr/iscsi-1", CleanupAction.FAILED, "in use", ("SR_IN_USE", "x")),)
        self.world.guest.leased = False
        return (CleanupItem("sr/iscsi-1", CleanupAction.REMOVED),)

    def _hurt_traveller(self, what: str) -> None:
        world = self.world
        if world.moving or world.guest.dest in world.guest.domains:
            world.damage.append(f"{what} although the guest is on its way or has arrived")


async def _nothing(_: str) -> None:
    """Let a call be."""


def _raise_before(kind: str) -> None:
    if kind == "refused":
        raise StepRefused([_finding(Reason.XAPI_REFUSED, "XAPI says no")])
    if kind == "busy":
        raise AgentBusy([_finding(Reason.TOO_MANY_MIGRATIONS, "4 of 4 moves run")])
    if kind == "unavailable before":
        raise AgentUnavailable([_unavailable()])
    if kind == "fenced":
        raise Fenced([_finding(Reason.STALE_EPOCH, "a higher epoch was seen")])


def _unavailable() -> Finding:
    return _finding(Reason.AGENT_UNAVAILABLE, "the agent does not answer")


def _finding(reason: Reason, message: str, xapi_error: tuple[str, ...] = ()) -> Finding:
    return Finding(reason, Severity.ERROR, "host/xs1", message, xapi_error=xapi_error)


def _pass() -> Finding:
    return Finding(Reason.DEST_NOT_ALIVE, Severity.OK, "host/xs1", "all is well")
