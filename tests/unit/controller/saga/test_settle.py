"""What one look at both sides says of a move."""

from dataclasses import replace
from typing import Any

import pytest

from controller.model.inventory import PowerState
from controller.model.migration import MigrationKind, Whereabouts
from controller.ports.agents import Observation, Order, TaskObservation
from controller.saga import settle
from controller.saga.settings import SagaSettings
from controller.saga.settle import Verdict, View

ORDER = Order("m", 1, "vm", "xs1", "xs2", MigrationKind.SHARED_STORAGE)
BLOCK = replace(ORDER, kind=MigrationKind.BLOCK)
GIB = 1024**3


def shows(resident: str, **seen: Any) -> Observation:
    """Return what a side shows of a guest that runs on a host, or is halted on none."""
    state = PowerState.RUNNING if resident else PowerState.HALTED
    shown = Observation("agent", "pool", True, state, resident, tagged=True)
    return replace(shown, **seen)


def task(status: str, *error: str) -> TaskObservation:
    return TaskObservation("task-1", status, error)


AT_SOURCE, AT_DEST, HALTED = shows("xs1"), shows("xs2"), shows("")
UNTAGGED = shows("xs1", tagged=False)
MOVING = shows("xs1", current_operations=("pool_migrate",), scheduled_host_id="xs2")


@pytest.mark.parametrize(
    ("source", "dest", "verdict"),
    [
        (AT_DEST, AT_DEST, Verdict.CROSSED),
        (None, AT_DEST, Verdict.CROSSED),
        (AT_DEST, None, Verdict.CROSSED),
        (shows("xs2", current_operations=("pool_migrate",)), AT_DEST, Verdict.CROSSED),
        (shows("xs2", power_state=PowerState.PAUSED), HALTED, Verdict.UNKNOWN),
        (MOVING, MOVING, Verdict.IN_FLIGHT),
        (MOVING, None, Verdict.IN_FLIGHT),
        (AT_SOURCE, AT_SOURCE, Verdict.NOT_CROSSED),
        (shows("xs1", task=task("FAILURE")), AT_SOURCE, Verdict.NOT_CROSSED),
        (shows("xs1", task=task("FAILURE"), tagged=False), UNTAGGED, Verdict.NOT_CROSSED),
        (UNTAGGED, UNTAGGED, Verdict.NEVER_BEGUN),
        (shows("xs1", tagged=False, current_operations=("snapshot",)), UNTAGGED, Verdict.UNKNOWN),
        (AT_SOURCE, None, Verdict.UNKNOWN),
        (None, AT_SOURCE, Verdict.UNKNOWN),
        (None, None, Verdict.UNKNOWN),
        (HALTED, HALTED, Verdict.UNKNOWN),
        (AT_SOURCE, AT_DEST, Verdict.UNKNOWN),
        (shows("xs3"), shows("xs3"), Verdict.UNKNOWN),
        (shows("xs1", task=task("SUCCESS")), AT_SOURCE, Verdict.UNKNOWN),
        (shows("xs1", task=task("PENDING")), AT_SOURCE, Verdict.UNKNOWN),
        (shows("xs1", scheduled_host_id="xs2"), AT_SOURCE, Verdict.UNKNOWN),
        (shows("xs1", present=False), shows("xs1", present=False), Verdict.UNKNOWN),
    ],
    ids=str,
)
def test_one_look_on_shared_storage_says(
    source: Observation | None, dest: Observation | None, verdict: Verdict
) -> None:
    assert settle.decide(View(source, dest), ORDER) is verdict


@pytest.mark.parametrize(
    ("source", "dest", "where"),
    [
        (AT_DEST, None, Whereabouts.DEST),
        (AT_SOURCE, AT_SOURCE, Whereabouts.SOURCE),
        (AT_SOURCE, None, Whereabouts.UNKNOWN),
        (AT_SOURCE, AT_DEST, Whereabouts.BOTH),
        (HALTED, HALTED, Whereabouts.NOWHERE),
        (HALTED, None, Whereabouts.UNKNOWN),
        (shows("xs3"), shows("xs3"), Whereabouts.UNKNOWN),
    ],
    ids=str,
)
def test_the_guest_is(
    source: Observation | None, dest: Observation | None, where: Whereabouts
) -> None:
    assert settle.whereabouts(View(source, dest), ORDER) is where


def test_between_pools_only_the_destination_can_tell_that_the_guest_arrived() -> None:
    assert settle.decide(View(AT_DEST, None), BLOCK) is Verdict.UNKNOWN
    assert settle.decide(View(None, AT_DEST), BLOCK) is Verdict.CROSSED


def test_between_pools_a_guest_that_runs_on_both_sides_is_no_arrival() -> None:
    assert settle.decide(View(AT_SOURCE, AT_DEST), BLOCK) is Verdict.UNKNOWN
    assert settle.whereabouts(View(AT_SOURCE, AT_DEST), BLOCK) is Whereabouts.BOTH


@pytest.mark.parametrize(
    ("seen", "seconds"),
    [
        (AT_SOURCE, 15 + 4096 / 20),
        (shows("xs1", task=task("FAILURE", "CANNOT_CONTACT_HOST", "x")), 15 + 4096 / 20),
        (shows("xs1", task=task("FAILURE", "INTERNAL_ERROR", "x")), 15),
        (shows("xs1", task=task("CANCELLED")), 15),
    ],
    ids=str,
)
def test_a_guest_at_the_source_must_stay_there_for(seen: Observation, seconds: float) -> None:
    view = View(seen, seen)

    quiet = settle.quiet_s(Verdict.NOT_CROSSED, view, 4 * GIB, SagaSettings())

    assert quiet == pytest.approx(seconds)


def test_an_arrival_is_believed_at_once() -> None:
    view = View(AT_DEST, AT_DEST)

    assert settle.quiet_s(Verdict.CROSSED, view, 4 * GIB, SagaSettings()) == 0
