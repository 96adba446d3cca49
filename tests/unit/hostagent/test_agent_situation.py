"""Where a VM stands before its move, and how the move is judged after its task has ended."""

import pytest

from hostagent.model.move import Fence, Outcome
from hostagent.model.records import TaskRecord, VmRecord
from hostagent.operations import situation
from hostagent.operations.situation import Patience, Place, Situation
from tests.unit.hostagent.records import HERE, TASK, THERE, THIRD, a_task, a_vm

FENCE = Fence("5e0a5c46-1b0a-4b0e-b9a8-0f6f0a7e3c11", 1)
OURS = {"xenferry:migration_id": FENCE.migration_id}
THEIRS = {"xenferry:migration_id": "another"}
MOVING = {TASK: "pool_migrate"}
PATIENCE = Patience(operations_s=10, doubt_s=15)
LATE = 1000.0


@pytest.mark.parametrize(
    ("vm", "expected"),
    [
        (a_vm(), Situation.READY),
        (a_vm(other_config=OURS), Situation.DOUBTFUL),
        (a_vm(other_config=THEIRS), Situation.READY),
        (a_vm(current_operations=MOVING, other_config=OURS), Situation.UNDER_WAY),
        (a_vm(current_operations=MOVING, other_config=THEIRS), Situation.BUSY),
        (a_vm(current_operations=MOVING), Situation.BUSY),
        (a_vm(current_operations={TASK: "clean_shutdown"}), Situation.BUSY),
        (a_vm(resident_on=THERE), Situation.ARRIVED),
        (a_vm(resident_on=THERE, power_state="Paused"), Situation.ARRIVED),
        (a_vm(resident_on=THERE, current_operations={TASK: "snapshot"}), Situation.ARRIVED),
        (
            a_vm(resident_on=THERE, current_operations=MOVING, other_config=OURS),
            Situation.UNDER_WAY,
        ),
        (a_vm(resident_on=THIRD), Situation.ELSEWHERE),
        (a_vm(resident_on="", power_state="Halted"), Situation.NOT_RUNNING),
        (a_vm(resident_on="", power_state="Halted", other_config=OURS), Situation.LOST),
        (a_vm(resident_on="", power_state="Suspended"), Situation.NOT_RUNNING),
        (a_vm(power_state="Paused"), Situation.NOT_RUNNING),
    ],
)
def test_a_vm_is_judged_by_its_record_before_it_is_moved(vm: VmRecord, expected: Situation) -> None:
    assert situation.before(vm, HERE, THERE, FENCE) is expected


@pytest.mark.parametrize(
    ("vm", "expected"),
    [
        (a_vm(), Place.SOURCE),
        (a_vm(resident_on=THERE), Place.DEST),
        (a_vm(resident_on=THERE, current_operations=MOVING), Place.DEST_BUSY),
        (a_vm(current_operations=MOVING), Place.MOVING),
        (a_vm(resident_on="", power_state="Halted"), Place.NOWHERE),
        (a_vm(resident_on=THERE, power_state="Halted"), Place.NOWHERE),
        (a_vm(resident_on=THIRD), Place.NOWHERE),
        (None, Place.NOWHERE),
    ],
)
def test_a_vm_is_placed_by_its_record_after_its_task_has_ended(
    vm: VmRecord | None, expected: Place
) -> None:
    assert situation.after(vm, HERE, THERE) is expected


SUCCESS = a_task(status="success")
CANCELLED = a_task(status="cancelled")
REFUSED = a_task(status="failure", error_info=("HOST_DISABLED", THERE))
BLIND = a_task(status="failure", error_info=("CANNOT_CONTACT_HOST", HERE))
BROKE = a_task(status="failure", error_info=("VM_MIGRATE_FAILED", HERE))
GONE = None


@pytest.mark.parametrize("task", [SUCCESS, CANCELLED, REFUSED, BROKE, BLIND, GONE])
def test_a_guest_at_the_destination_has_arrived_whatever_its_task_says(
    task: TaskRecord | None,
) -> None:
    assert judged(Place.DEST, task, 0) is Outcome.ARRIVED
    assert judged(Place.DEST_BUSY, task, 0) is None
    assert judged(Place.DEST_BUSY, task, LATE) is Outcome.ARRIVED


@pytest.mark.parametrize("task", [CANCELLED, REFUSED])
def test_a_guest_that_was_refused_or_cancelled_has_stayed_at_once(task: TaskRecord | None) -> None:
    assert judged(Place.SOURCE, task, 0) is Outcome.STAYED


@pytest.mark.parametrize("task", [BROKE, BLIND, SUCCESS, GONE])
def test_an_end_that_proves_nothing_is_watched_before_it_is_judged(task: TaskRecord | None) -> None:
    assert judged(Place.SOURCE, task, 0) is None
    assert judged(Place.NOWHERE, task, 0) is None


def test_a_guest_still_at_the_source_after_a_broken_move_was_watched_has_stayed() -> None:
    assert judged(Place.SOURCE, BROKE, LATE) is Outcome.STAYED


@pytest.mark.parametrize("task", [SUCCESS, GONE, BLIND])
def test_a_guest_at_the_source_whose_task_proves_nothing_stays_unknown(
    task: TaskRecord | None,
) -> None:
    assert judged(Place.SOURCE, task, LATE) is Outcome.UNKNOWN


@pytest.mark.parametrize("task", [SUCCESS, CANCELLED, REFUSED, BROKE, BLIND, GONE])
def test_a_guest_that_runs_nowhere_is_never_said_to_have_stayed(task: TaskRecord | None) -> None:
    assert judged(Place.NOWHERE, task, LATE) is Outcome.UNKNOWN


@pytest.mark.parametrize("task", [SUCCESS, CANCELLED, REFUSED, BROKE, BLIND, GONE])
def test_an_operation_that_never_ends_is_unknown_in_the_end(task: TaskRecord | None) -> None:
    assert judged(Place.MOVING, task, 0) is None
    assert judged(Place.MOVING, task, LATE) is Outcome.UNKNOWN


def judged(place: Place, task: TaskRecord | None, waited_s: float) -> Outcome | None:
    """Judge with the patience of this module."""
    return situation.judged(place, task, waited_s, PATIENCE)
