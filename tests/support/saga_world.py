"""A world of two hosts in which one guest moves, as it is and as XAPI shows it.

What is (which host runs the guest) and what XAPI shows (the record) are kept apart, because the
hard cases are those where the two differ. Time is a clock that jumps from event to event.
"""

import asyncio
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Protocol

from controller.model.inventory import PowerState
from controller.model.migration import MigrationKind
from controller.ports.agents import Observation, Order, TaskObservation
from controller.ports.clock import Clock

POOL = "pool"
MOVE_S = 3.0
START = datetime(2026, 1, 1, tzinfo=UTC)


class WorldClock(Clock, Protocol):
    """A clock on which a world's story can be laid out."""

    def at(self, seconds: float, happen: Callable[[], None]) -> None:
        """Let something happen so many seconds from now."""


class JumpingClock:
    """A clock on which a wait takes no time, and what was due during it happens in order."""

    def __init__(self) -> None:
        self._now = START
        self._due: list[tuple[datetime, int, Callable[[], None]]] = []

    def now(self) -> datetime:
        """Return the time."""
        return self._now

    def monotonic(self) -> float:
        """Return seconds that pass like the time."""
        return (self._now - START).total_seconds()

    def at(self, seconds: float, happen: Callable[[], None]) -> None:
        """Let something happen so many seconds from now."""
        self._due.append((self._now + timedelta(seconds=seconds), len(self._due), happen))

    async def sleep(self, seconds: float) -> None:
        """Let that time pass."""
        until = self._now + timedelta(microseconds=math.ceil(seconds * 1_000_000))
        while due := sorted((event for event in self._due if event[0] <= until), key=_order):
            self._due.remove(due[0])
            self._now = max(self._now, due[0][0])
            due[0][2]()
        self._now = until
        await asyncio.sleep(0)


@dataclass
class Guest:
    """What XAPI's record of the guest shows; `domains` is where it really runs."""

    source: str
    dest: str
    domains: list[str] = field(default_factory=list)
    resident: str = ""
    power_state: PowerState = PowerState.RUNNING
    scheduled: str = ""
    operations: tuple[str, ...] = ()
    tagged: bool = False
    task: TaskObservation | None = None
    leased: bool = False
    carried_by: str = ""  # the host that carries its floating IPs
    attached_at: set[str] = field(default_factory=set)  # the hosts that have its volumes


class World:
    """The two hosts, the guest, and a story of what a move does: `arrives`, `stays`, …

    `moving` is whether the guest's memory is on its way, whatever XAPI shows.
    """

    def __init__(self, clock: WorldClock, order: Order, story: str = "arrives") -> None:
        self.clock = clock
        self.guest = Guest(order.source_host_id, order.dest_host_id)
        self.guest.domains = [order.source_host_id]
        self.guest.resident = self.guest.carried_by = order.source_host_id
        self.guest.attached_at = {order.source_host_id}
        self.story = story
        self.move_s = MOVE_S
        self.moves = 0
        self.moving = False
        self.aborted = False
        self.doubled = False
        self.block = order.kind is MigrationKind.BLOCK
        self.damage: list[str] = []

    def begin_move(self) -> None:
        """Start XAPI's move of the guest."""
        guest = self.guest
        self.moves += 1
        self.moving = True
        guest.task = TaskObservation("task-1", "PENDING")
        guest.operations = ("migrate_send",) if self.block else ("pool_migrate",)
        guest.scheduled = guest.dest
        STORIES[self.story](self)

    def arrive(self) -> None:
        """The guest runs at the destination, if its place there still exists."""
        if self.aborted:
            return
        guest = self.guest
        self.moving = False
        if not guest.leased:
            self.damage.append("the guest arrived where nothing was prepared for it")
        guest.domains = [guest.dest]

    def show_arrived(self) -> None:
        """XAPI shows the guest at the destination."""
        if self.aborted:
            return
        guest = self.guest
        guest.resident, guest.power_state = guest.dest, PowerState.RUNNING
        guest.operations, guest.scheduled = (), ""
        if guest.task is not None and guest.task.status == "PENDING":
            guest.task = TaskObservation("task-1", "SUCCESS")

    def abort(self) -> None:
        """XAPI stops the move that it carries out."""
        self.aborted = True
        self.moving = False
        self.guest.operations, self.guest.scheduled = (), ""
        self.guest.task = TaskObservation("task-1", "CANCELLED", ("TASK_CANCELLED", "task-1"))

    def stay(self) -> None:
        """The move fails and XAPI tells."""
        if self.aborted:
            return
        self.moving = False
        self.guest.operations, self.guest.scheduled = (), ""
        if self.guest.task is not None:
            self.guest.task = TaskObservation("task-1", "FAILURE", ("INTERNAL_ERROR", "no luck"))

    def break_off(self) -> None:
        """The hosts lose each other: what travels does not arrive, and the task fails."""
        if self.moving:
            self.fail("VM_MIGRATE_FAILED", "OpaqueRef:1")
            self.aborted, self.moving = True, False

    def forget(self) -> None:
        """XAPI restarts: the task is gone, and the record looks as if nothing happened."""
        self.forget_task()
        self.guest.scheduled = ""

    def forget_task(self) -> None:
        """XAPI restarts, and the memory held at the destination stays held."""
        self.guest.operations, self.guest.task = (), None

    def fail(self, *error: str) -> None:
        """The task says that it failed, which proves nothing."""
        self.forget()
        self.guest.task = TaskObservation("task-1", "FAILURE", error)

    def succeed(self) -> None:
        """The task says that it succeeded, before the record shows it."""
        self.forget()
        self.guest.task = TaskObservation("task-1", "SUCCESS")

    def halt_record(self) -> None:
        """XAPI shows the guest halted, while it runs at the destination."""
        if self.aborted:
            return
        self.guest.power_state, self.guest.resident = PowerState.HALTED, ""

    def double(self) -> None:
        """Both sides show the guest running."""
        self.doubled = True

    def end_doubling(self) -> None:
        """Each side shows its own record again."""
        self.doubled = False

    def show_at_source(self) -> None:
        """XAPI shows the guest at the source, wherever it is."""
        self.guest.power_state, self.guest.resident = PowerState.RUNNING, self.guest.source

    def observe(self, host_id: str) -> Observation:
        """Return what XAPI shows, and the residue that bears the migration's mark."""
        guest = self.guest
        residue = ("sr/iscsi-1",) if guest.leased and host_id == guest.dest else ()
        if self.doubled:
            running = PowerState.RUNNING
            return Observation(host_id, host_id, True, running, host_id, residue=residue)
        if self.block and (host_id == guest.dest) != (guest.resident == guest.dest):
            task = guest.task if host_id == guest.source else None
            return Observation(host_id, host_id, present=False, task=task, residue=residue)
        return Observation(
            host_id=host_id,
            pool_id=host_id if self.block else POOL,
            present=True,
            power_state=guest.power_state,
            resident_host_id=guest.resident,
            scheduled_host_id=guest.scheduled,
            current_operations=guest.operations,
            tagged=guest.tagged,
            task=guest.task if not self.block or host_id == guest.source else None,
            residue=residue,
        )


def _arrives(world: World) -> None:
    world.clock.at(world.move_s, world.arrive)
    world.clock.at(world.move_s, world.show_arrived)


def _stays(world: World) -> None:
    world.clock.at(MOVE_S, world.stay)


def _forgotten_and_adopted(world: World) -> None:
    """A coordinator's restart in the middle; the destination's toolstack finds the guest later."""
    world.clock.at(1, world.forget)
    world.clock.at(MOVE_S, world.arrive)
    world.clock.at(9, world.halt_record)
    world.clock.at(700, world.show_arrived)


def _forgotten_long_copy(world: World) -> None:
    """A coordinator's restart in the middle of copying much memory."""
    world.clock.at(1, world.forget)
    world.clock.at(120, world.arrive)
    world.clock.at(121, world.halt_record)
    world.clock.at(1200, world.show_arrived)


def _forgotten_and_held(world: World) -> None:
    """A coordinator's restart after which the destination's memory is still held."""
    world.clock.at(1, world.forget_task)
    world.clock.at(500, world.arrive)
    world.clock.at(501, world.show_arrived)


def _failed_and_arrived(world: World) -> None:
    """The task fails because a member's toolstack died; much memory arrives all the same."""
    world.clock.at(1, lambda: world.fail("CANNOT_CONTACT_HOST", "OpaqueRef:1"))
    world.clock.at(100, world.arrive)
    world.clock.at(109, world.halt_record)
    world.clock.at(400, world.show_arrived)


def _failed_late_and_arrived(world: World) -> None:
    """The task fails when the guest is as good as there; the record tells nine seconds later."""
    world.clock.at(1, lambda: world.fail("VM_MIGRATE_FAILED", "OpaqueRef:1"))
    world.clock.at(2, world.arrive)
    world.clock.at(10, world.halt_record)
    world.clock.at(400, world.show_arrived)


def _succeeded_and_shown_late(world: World) -> None:
    """The task succeeds and the record lags."""
    world.clock.at(2, world.arrive)
    world.clock.at(2, world.succeed)
    world.clock.at(280, world.show_arrived)


def _failed_and_stayed(world: World) -> None:
    """The task fails for a reason that proves nothing; the guest did stay."""
    world.clock.at(1, world.stay)
    world.clock.at(1, lambda: world.fail("VM_MIGRATE_FAILED", "OpaqueRef:1"))


def _flickers(world: World) -> None:
    """A restart after which the record turns several times before it tells the truth."""
    world.clock.at(1, world.forget)
    for second in range(20, 400, 20):
        world.clock.at(second, world.halt_record)
        world.clock.at(second + 6, world.show_at_source)
    world.clock.at(400, world.arrive)
    world.clock.at(401, world.show_arrived)


STORIES: dict[str, Callable[[World], None]] = {
    "arrives": _arrives,
    "stays": _stays,
    "forgotten and adopted": _forgotten_and_adopted,
    "forgotten long copy": _forgotten_long_copy,
    "forgotten and held": _forgotten_and_held,
    "failed and arrived": _failed_and_arrived,
    "failed late and arrived": _failed_late_and_arrived,
    "succeeded and shown late": _succeeded_and_shown_late,
    "failed and stayed": _failed_and_stayed,
    "flickers": _flickers,
}


def _order(event: tuple[datetime, int, Callable[[], None]]) -> tuple[datetime, int]:
    return event[:2]
