"""The agents of both hosts of a saga's world; each call can fail in every way, by name."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TypeVar

from controller.model.findings import Finding, Reason
from controller.model.migration import CleanupAction, CleanupItem
from controller.ports.agents import MoveOutcome, MoveProgress, Observation, Order, PostReport
from tests.support import saga_failures
from tests.support.saga_failures import Fault, Killed
from tests.support.saga_links import Fences, Link, Links
from tests.support.saga_world import World

T = TypeVar("T")

SOURCE = (Link.CONTROLLER_SOURCE, Link.SOURCE_XAPI)
DEST = (Link.CONTROLLER_DEST, Link.DEST_XAPI)
AT_DEST = frozenset({"prepare_dest", "observe_dest", "post_at_dest", "rollback_at_dest"})
"""The other calls are to the source; floating IPs are taken from the one and given to the other."""
LATE_S = 5.0


class FaultyAgents:
    """The agents of both hosts; every act is safe to repeat, as the port says.

    So many times as `stubborn` says, the last step at the destination leaves something undone.
    """

    def __init__(self, world: World, faults: tuple[Fault, ...] = ()) -> None:
        self.world = world
        self.faults = faults
        self.links = Links(world.clock)
        self.fences = Fences()
        self.stubborn = 0
        self.calls: list[str] = []
        self.floating = True
        self.before_act: Callable[[str], None] = lambda _: None
        self.on_call: Callable[[str], Awaitable[None]] = _nothing

    async def verify_exports(self, order: Order) -> tuple[Finding, ...]:
        """Find all well."""
        return await self._act("verify_exports", order, lambda: (saga_failures.passed(),))

    async def prepare_dest(self, order: Order) -> None:
        """Lease what the guest will need."""
        await self._act("prepare_dest", order, self._lease)

    async def move(self, order: Order) -> AsyncIterator[MoveProgress]:
        """Move the guest once; join what is under way; say so when it has arrived."""
        kind = await self._called("move")
        if kind == "late":
            self.world.clock.at(LATE_S, lambda: self._begin_late(order))
            raise saga_failures.silence()
        self._check_ticket()
        saga_failures.raise_before(kind)
        self._admit("move", order)
        self._begin_once()
        if kind == "unavailable after":
            raise saga_failures.silence()
        if kind == "repeated":
            self._begin_once()
        yield MoveProgress("MEMORY", 10.0, cancellable=True)
        if kind == "killed":
            raise Killed
        async for percent in self._percents():
            yield MoveProgress("MEMORY", percent, cancellable=True)
            if kind == "broken":
                raise saga_failures.silence()
        await self._answered("move")
        yield self._judge()

    async def abort(self, order: Order) -> str:
        """Stop a move that XAPI shows; one that it lost sight of can't be stopped."""
        return await self._act("abort", order, self._abort)

    async def observe_source(self, order: Order) -> Observation:
        """Show XAPI's record."""
        return await self._look("observe_source", order)

    async def observe_dest(self, order: Order) -> Observation:
        """Show XAPI's record."""
        return await self._look("observe_dest", order)

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

    async def _percents(self) -> AsyncIterator[float]:
        """Tell how far the move is while XAPI shows it; ends too when XAPI can't be asked."""
        percent = 10.0
        while self.world.guest.operations and not self.links.is_cut(Link.SOURCE_XAPI):
            percent = min(90.0, percent + 10.0)
            yield percent
            await self.on_call("during move")
            await self.world.clock.sleep(1)
            if self.links.is_cut(Link.CONTROLLER_SOURCE):
                raise saga_failures.silence()

    async def _act(self, name: str, order: Order, effect: Callable[[], T]) -> T:
        kind = await self._called(name)
        saga_failures.raise_before(kind)
        self._admit(name, order)
        if kind == "bug":
            raise RuntimeError("a bug")
        answer = effect()
        if kind == "repeated":
            answer = effect()
        await asyncio.sleep(0)
        await self._answered(name)
        saga_failures.raise_after(kind)
        return answer

    async def _look(self, name: str, order: Order) -> Observation:
        kind = await self._called(name)
        saga_failures.raise_before(kind)
        self.fences.note(_side(name), order.epoch)
        host_id = order.dest_host_id if name in AT_DEST else order.source_host_id
        seen = self.world.observe(host_id)
        await self._answered(name)
        saga_failures.raise_after(kind)
        return seen

    async def _called(self, name: str) -> str:
        self.calls.append(name)
        await self.on_call(name)
        self._reach(name)
        nth = self.calls.count(name)
        for fault in self.faults:
            if fault.call == name and fault.nth in (0, nth):
                return fault.kind
        return ""

    async def _answered(self, name: str) -> None:
        """Let the answer go back, if it gets there."""
        await self.on_call(f"{name} answered")
        if name == "move":
            if self.links.is_cut(Link.CONTROLLER_SOURCE):
                raise saga_failures.silence()
        else:
            self._reach(name)

    def _reach(self, name: str) -> None:
        """Raise when the agent, or XAPI behind it, can't be reached.

        In a pool the destination's XAPI answers nothing without the coordinator, at the source.
        """
        if name == "move_floating_ips":
            cut = self.links.is_cut(Link.CONTROLLER_SOURCE, Link.CONTROLLER_DEST)
        elif name in AT_DEST and not self.world.block:
            cut = self.links.is_cut(*DEST, Link.XAPIS)
        else:
            cut = self.links.is_cut(*(DEST if name in AT_DEST else SOURCE))
        if cut:
            raise saga_failures.silence()

    def _check_ticket(self) -> None:
        if self.world.block and self.links.is_cut(*DEST):
            raise saga_failures.silence()

    def _admit(self, name: str, order: Order) -> None:
        """Refuse an epoch that is over, and to begin again what has ended."""
        side = _side(name)
        if self.fences.is_stale(side, order.epoch):
            raise saga_failures.fenced()
        self.fences.note(side, order.epoch)
        if name in ("prepare_dest", "move") and self.fences.has_ended(side):
            raise saga_failures.fenced()
        self.before_act(name)
        if name == "move":
            self.fences.write(side, order.epoch)
        if name.startswith(("post_at", "rollback_at")):
            self.fences.end(side, order.epoch)

    def _lease(self) -> None:
        guest = self.world.guest
        guest.leased = True
        guest.attached_at.add(guest.dest)

    def _begin_late(self, order: Order) -> None:
        """Begin a move that was asked for by a call which nobody waits for any more."""
        stale = self.fences.is_stale("source", order.epoch) or self.fences.has_ended("source")
        if not stale and not self.links.is_cut(Link.SOURCE_XAPI):
            self.fences.write("source", order.epoch)
            self._begin_once()

    def _begin_once(self) -> None:
        """Begin unless the guest bears the mark: one that does was moved, whatever XAPI shows."""
        guest, world = self.world.guest, self.world
        if guest.tagged or guest.resident != guest.source:
            return
        guest.tagged = True
        if self.links.is_cut(Link.XAPIS):
            world.moves += 1
            world.fail("CANNOT_CONTACT_HOST", "OpaqueRef:1")
        else:
            world.begin_move()

    def _abort(self) -> str:
        world = self.world
        if world.guest.resident == world.guest.dest:
            return MoveOutcome.ARRIVED
        if world.guest.operations:
            world.abort()
        return MoveOutcome.UNKNOWN if world.moving else MoveOutcome.STAYED

    def _judge(self) -> MoveProgress:
        guest = self.world.guest
        if self.links.is_cut(Link.SOURCE_XAPI):
            error = saga_failures.finding(Reason.XAPI_UNAVAILABLE, "XAPI does not answer")
            unknown = MoveOutcome.UNKNOWN
            return MoveProgress("MEMORY", 40.0, cancellable=False, outcome=unknown, error=error)
        if guest.resident == guest.dest:
            return MoveProgress("MEMORY", 100.0, cancellable=False, outcome=MoveOutcome.ARRIVED)
        if guest.task is not None and guest.task.status == "CANCELLED":
            error = saga_failures.finding(
                Reason.MIGRATION_CANCELLED, "stopped", guest.task.error_info
            )
            outcome = MoveOutcome.STAYED
        elif guest.task is not None and guest.task.error_info[:1] == ("INTERNAL_ERROR",):
            error = saga_failures.finding(Reason.MIGRATION_FAILED, "no luck", guest.task.error_info)
            outcome = MoveOutcome.STAYED
        else:
            error = saga_failures.finding(Reason.OUTCOME_UNKNOWN, "the task is gone")
            outcome = MoveOutcome.UNKNOWN
        return MoveProgress("MEMORY", 40.0, cancellable=False, outcome=outcome, error=error)

    def _detach_at_source(self) -> tuple[CleanupItem, ...]:
        world = self.world
        if world.guest.domains != [world.guest.dest]:
            world.damage.append("detached at the source while the guest was not away")
        world.guest.attached_at.discard(world.guest.source)
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
            return PostReport(
                (saga_failures.finding(Reason.NETWORK_NOT_AVAILABLE, "no VIF is attached"),)
            )
        guest.tagged = guest.leased = False
        return PostReport(
            (saga_failures.passed(),), (CleanupItem("mark/web-1", CleanupAction.REMOVED),)
        )

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
        self.world.guest.attached_at.discard(self.world.guest.dest)
        return (CleanupItem("sr/iscsi-1", CleanupAction.REMOVED),)

    def _hurt_traveller(self, what: str) -> None:
        world = self.world
        if world.moving or world.guest.dest in world.guest.domains:
            world.damage.append(f"{what} although the guest is on its way or has arrived")


async def _nothing(_: str) -> None:
    """Let a call be."""


def _side(name: str) -> str:
    return "dest" if name in AT_DEST else "source"
