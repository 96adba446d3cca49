"""Where a VM stands for a migration: pure tables, decided by the VM's record and nothing else."""

import re
from dataclasses import dataclass
from enum import Enum, auto

from hostagent.model.move import Fence, Outcome
from hostagent.model.records import TaskRecord, VmRecord
from hostagent.operations import marks
from hostagent.xapi import classify

POOL_MIGRATE = "pool_migrate"
MIGRATE_SEND = "migrate_send"
MOVES = frozenset({POOL_MIGRATE, MIGRATE_SEND})
ALIVE = frozenset({"Running", "Paused"})
# What migrate_send says without translation (XAPI A11); these come before the guest is suspended.
_BEFORE_SUSPEND = re.compile(
    r"Cannot_free_this_much_memory|Vms_failed_to_cooperate|Storage_error|Sr_not_attached"
)


class Situation(Enum):
    """What a call to move the VM finds."""

    READY = auto()  # runs here, nothing is done to it, and nothing was for this migration
    DOUBTFUL = auto()  # runs here by its record, after this migration began to move it
    UNDER_WAY = auto()  # XAPI is moving it for this migration
    ARRIVED = auto()  # runs at the destination
    BUSY = auto()  # XAPI does something else to it
    ELSEWHERE = auto()  # runs on a third host
    NOT_RUNNING = auto()  # and was not ours to move
    LOST = auto()  # runs nowhere although this migration moved it


class Place(Enum):
    """Where the VM is after its task has ended."""

    SOURCE = auto()
    DEST = auto()
    DEST_BUSY = auto()  # there, and the operation is still on it
    NOWHERE = auto()  # halted, on a third host, or no record
    GONE = auto()  # no record in this pool, and the destination is in another
    MOVING = auto()  # not there, and the operation is still on it


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait for XAPI to tell the truth, as in MigrationSettings."""

    operations_s: float
    doubt_s: float


def before(vm: VmRecord, here: str, there: str, fence: Fence) -> Situation:
    """Judge a VM that is to be moved from host `here` to host `there` (references).

    An empty `there` is a host of another pool: of an arrival there, nothing is seen here.
    """
    ours = marks.bears(vm.other_config, fence)
    if moving_task(vm):
        return Situation.UNDER_WAY if ours else Situation.BUSY
    if there and vm.resident_on == there and vm.power_state in ALIVE:
        return Situation.ARRIVED
    if vm.current_operations:
        return Situation.BUSY
    if not vm.running:
        return Situation.LOST if ours else Situation.NOT_RUNNING
    if vm.resident_on != here:
        return Situation.ELSEWHERE
    # After the coordinator's toolstack restarted, a VM that is still being moved shows as running
    # at its source with no operation (recorded on xapi 26.17): a second move must not begin.
    return Situation.DOUBTFUL if ours else Situation.READY


def after(vm: VmRecord | None, here: str, there: str) -> Place:
    """Judge a VM whose move has ended, as far as its task goes; `there` as in `before`."""
    if vm is None:
        return Place.NOWHERE if there else Place.GONE
    arrived = bool(there) and vm.resident_on == there and vm.power_state in ALIVE
    if moving_task(vm):
        return Place.DEST_BUSY if arrived else Place.MOVING
    if arrived:
        return Place.DEST
    at_source = vm.resident_on == here and vm.power_state in ALIVE
    return Place.SOURCE if at_source else Place.NOWHERE


def judged(
    place: Place,
    task: TaskRecord | None,
    waited_s: float,
    patience: Patience,
    *,
    across: bool = False,
) -> Outcome | None:
    """Return how the move ended, or None while it is too early to tell.

    A task that is gone, or says success, or failed for a lost connection proves nothing of a VM
    that is not at the destination: its record may turn to the truth later. `across` pools it does
    not: this pool's record says "runs here" also of a guest that arrived there and was not cleared
    away here. Nor does a task with which XAPI lost sight of a copy: how long that may take, unseen,
    the controller reckons.
    """
    if place is Place.DEST:
        return Outcome.ARRIVED
    if place is Place.GONE:  # XAPI removes the source's record at the very end
        succeeded = task is not None and task.status == "success"
        return Outcome.ARRIVED if succeeded else Outcome.UNKNOWN
    if place in (Place.DEST_BUSY, Place.MOVING):
        if waited_s < patience.operations_s:
            return None
        return Outcome.ARRIVED if place is Place.DEST_BUSY else Outcome.UNKNOWN
    certain = task is not None and _certain(task, across=across)
    if not certain and waited_s < patience.doubt_s:
        return None
    failed = task is not None and task.status != "success"
    blind = across or (task is not None and classify.lost_sight(task.error_info))
    failed = failed and (certain or not blind)
    return Outcome.STAYED if place is Place.SOURCE and failed else Outcome.UNKNOWN


def _certain(task: TaskRecord, *, across: bool) -> bool:
    """Tell whether the task failed in a way that leaves no doubt about the guest."""
    if task.status == "success" or classify.proves_nothing(task.error_info):
        return False
    if not across or task.error_info[:1] != ("INTERNAL_ERROR",):
        return True
    return any(_BEFORE_SUSPEND.search(text) for text in task.error_info[1:])


def moving_task(vm: VmRecord) -> str:
    """Return the reference of the task that moves the VM, or an empty text."""
    tasks = (task for task, name in vm.current_operations.items() if name in MOVES)
    return next(tasks, "")
