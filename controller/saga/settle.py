"""Where is the guest, really? A decision over what both sides show, without doing anything.

What XAPI says of a broken move is believed in one direction only. "Runs at the destination" is the
commit point and final. "Runs at the source" is what the database says for seconds, or as long as
memory is still being copied, after a toolstack restart lost the task; "halted" is what it says
after that, while the guest runs at the destination. So nothing here ever means "failed", and
`quiet_s` says how long a claim to be at the source must hold before it is believed.
"""

import enum
from collections.abc import Iterable
from dataclasses import dataclass

from controller.model.inventory import PowerState
from controller.model.migration import MigrationKind, Whereabouts
from controller.ports.agents import Observation, Order, TaskObservation
from controller.saga.settings import SagaSettings

MOVES = frozenset({"pool_migrate", "migrate_send"})
ENDED_WITHOUT = frozenset({"FAILURE", "CANCELLED"})
# A task that failed with one of these lost sight of the move; the move itself may go on.
LOST_SIGHT = frozenset(
    {
        "CANNOT_CONTACT_HOST",
        "HANDLE_INVALID",
        "HOST_OFFLINE",
        "SESSION_INVALID",
        "VM_MIGRATE_CONTACT_REMOTE_SERVICE_FAILED",
    }
)


class Verdict(enum.StrEnum):
    """What a look at both sides says of a move."""

    CROSSED = "CROSSED"
    IN_FLIGHT = "IN_FLIGHT"
    NOT_CROSSED = "NOT_CROSSED"
    NEVER_BEGUN = "NEVER_BEGUN"
    UNKNOWN = "UNKNOWN"


@dataclass(frozen=True, slots=True)
class View:
    """What the two sides showed; None for a side that did not answer."""

    source: Observation | None
    dest: Observation | None

    @property
    def answers(self) -> tuple[Observation, ...]:
        """The sides that answered."""
        return tuple(side for side in (self.source, self.dest) if side is not None)

    @property
    def complete(self) -> bool:
        """Whether both sides answered."""
        return len(self.answers) == 2

    @property
    def tasks(self) -> tuple[TaskObservation, ...]:
        """XAPI's tasks of this migration."""
        return tuple(side.task for side in self.answers if side.task is not None)


def at_source(view: View, order: Order) -> bool:
    """Whether a side that can tell shows the guest running at the source."""
    return any(_runs(side, order.source_host_id) for side in _seeing_source(view, order))


def at_dest(view: View, order: Order) -> bool:
    """Whether a side that can tell shows the guest running at the destination."""
    return any(_runs(side, order.dest_host_id) for side in _seeing_dest(view, order))


def whereabouts(view: View, order: Order) -> Whereabouts:
    """Return where the guest is by what the sides show."""
    source, dest = at_source(view, order), at_dest(view, order)
    if source and dest:
        return Whereabouts.BOTH
    if dest:
        return Whereabouts.DEST
    if not view.complete:
        return Whereabouts.UNKNOWN
    if source:
        return Whereabouts.SOURCE
    runs_elsewhere = any(side.resident_host_id for side in view.answers)
    return Whereabouts.UNKNOWN if runs_elsewhere else Whereabouts.NOWHERE


def decide(view: View, order: Order) -> Verdict:
    """Return what one look says; what does not fit any row is UNKNOWN.

    One side's word is enough for CROSSED, which the destination's pool alone can tell; "at the
    source" takes both.
    """
    where = whereabouts(view, order)
    if where is Whereabouts.DEST:
        return Verdict.CROSSED
    if where is Whereabouts.BOTH:
        return Verdict.UNKNOWN
    if in_flight(view):
        return Verdict.IN_FLIGHT
    if where is not Whereabouts.SOURCE or _between(view, order):
        return Verdict.UNKNOWN
    if any(side.tagged for side in view.answers) or view.tasks:
        return Verdict.NOT_CROSSED
    idle = not any(side.current_operations for side in view.answers)
    return Verdict.NEVER_BEGUN if idle else Verdict.UNKNOWN


def in_flight(view: View) -> bool:
    """Whether XAPI shows a move that can be joined: the operation, and nothing less."""
    return any(name in MOVES for side in view.answers for name in side.current_operations)


def _between(view: View, order: Order) -> bool:
    """Whether XAPI shows traces of a move but not the operation: about to begin, or just over.

    Such a move is not joined, because there may be nothing to join and a new one would be begun:
    after a restart the place held at the destination can outlive the task.
    """
    held = any(side.scheduled_host_id == order.dest_host_id for side in view.answers)
    return held or any(task.status in ("PENDING", "SUCCESS") for task in view.tasks)


def quiet_s(verdict: Verdict, view: View, memory_bytes: int, settings: SagaSettings) -> float:
    """Return how long a verdict must hold before it is believed.

    Where a move had begun and no task tells how it ended, the guest's memory may still be
    travelling unseen: the longer, the more of it there is.
    """
    if verdict in (Verdict.CROSSED, Verdict.IN_FLIGHT):
        return 0.0
    if verdict is Verdict.NEVER_BEGUN or _ended_in_sight(view.tasks):
        return settings.settle_quiet_s
    copying_s = memory_bytes / (1024 * 1024) / settings.settle_slowest_mib_per_s
    return settings.settle_quiet_s + copying_s


def _ended_in_sight(tasks: Iterable[TaskObservation]) -> bool:
    return any(
        task.status in ENDED_WITHOUT and LOST_SIGHT.isdisjoint(task.error_info[:1])
        for task in tasks
    )


def _runs(side: Observation, host_id: str) -> bool:
    running = side.present and side.power_state is PowerState.RUNNING
    return running and side.resident_host_id == host_id


def _seeing_source(view: View, order: Order) -> tuple[Observation, ...]:
    if order.kind is MigrationKind.SHARED_STORAGE:
        return view.answers
    return () if view.source is None else (view.source,)


def _seeing_dest(view: View, order: Order) -> tuple[Observation, ...]:
    if order.kind is MigrationKind.SHARED_STORAGE:
        return view.answers
    return () if view.dest is None else (view.dest,)
