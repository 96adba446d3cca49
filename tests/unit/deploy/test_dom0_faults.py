"""dom0's plug-in: whatever breaks at whichever call, and wherever it is killed, it ends truthfully.

The cells are made from what an undisturbed operation does: a new call or a new row of its record is
in the table at once.
"""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.support import dom0_code
from tests.support.dom0_code import Dom0
from tests.support.fake_xapis import FAULTS, PASSWORD, Xapis

KINDS = ("join", "leave")


@pytest.fixture(scope="module")
def dom0() -> Iterator[Dom0]:
    """Return the plug-in's code."""
    with dom0_code.loaded() as dom0:
        yield dom0


def assert_truthful(dom0: Dom0, operation_id: str, xapis: Xapis, cell: object) -> None:
    """What the record says is so, nothing is left down, and a retry succeeds."""
    record = dom0.record(operation_id)
    joins = record.kind == "join"
    assert (record.phase, record.unfinished) == ("ended", False), cell
    assert (record.outcome == "done") == (xapis.member is joins), (cell, record.values)
    assert bool(record.error) == (record.outcome == "failed"), (cell, record.values)
    if record.outcome == "done" and not joins:
        assert record.agent == "gone", (cell, record.values)
        return
    assert xapis.power == "Running", (cell, record.values)
    if record.outcome == "done":
        return
    xapis.fault = None
    again = dom0.run(dom0.begin(record.kind))
    assert (again.outcome, again.agent) == ("done", "running" if joins else "gone"), cell


def undisturbed(dom0: Dom0, kind: str) -> tuple[Any, Xapis]:
    """Return what an operation comes to that nothing disturbs."""
    xapis = dom0.xapis(kind)
    return dom0.run(dom0.begin(kind)), xapis


@pytest.mark.parametrize("kind", KINDS)
def test_an_operation_that_nothing_disturbs_is_done(dom0: Dom0, kind: str) -> None:
    record, xapis = undisturbed(dom0, kind)

    assert (record.outcome, record.error, record.agent_error) == ("done", [], [])
    assert xapis.member is (kind == "join")
    assert record.agent == ("running" if kind == "join" else "gone")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("fault", FAULTS)
def test_whatever_breaks_at_any_call_is_told_or_overcome(dom0: Dom0, kind: str, fault: str) -> None:
    _, clean = undisturbed(dom0, kind)

    for number, method in enumerate(clean.calls, 1):
        xapis = dom0.xapis(kind)
        xapis.fault = (number, fault)
        operation_id = dom0.begin(kind)
        dom0.run(operation_id)
        assert_truthful(dom0, operation_id, xapis, (kind, fault, number, method))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("before", [True, False])
def test_wherever_it_is_killed_it_is_begun_again_and_ends(
    dom0: Dom0, kind: str, before: bool
) -> None:
    record, _ = undisturbed(dom0, kind)

    for write in range(1, len(record.notes) + 1):
        xapis = dom0.xapis(kind)
        operation_id = dom0.begin(kind)
        dom0.run_dying(operation_id, write, before=before)
        dom0.run(operation_id)
        assert_truthful(dom0, operation_id, xapis, (kind, write, before))
        assert dom0.record(operation_id).outcome == "done"


@pytest.mark.parametrize("kind", KINDS)
def test_an_agent_vm_that_was_down_already_runs_after_a_refused_operation(
    dom0: Dom0, kind: str
) -> None:
    _, clean = undisturbed(dom0, kind)

    for number in range(1, len(clean.calls) + 1):
        xapis = dom0.xapis(kind)
        xapis.power, xapis.fault = "Halted", (number, "refused")
        operation_id = dom0.begin(kind)
        record = dom0.run(operation_id)
        if record.agent != "untouched":
            assert_truthful(dom0, operation_id, xapis, number)


@pytest.mark.parametrize("kind", KINDS)
def test_a_wrong_password_touches_nothing(dom0: Dom0, kind: str) -> None:
    xapis = dom0.xapis(kind)
    dom0.believe("wrong")
    operation_id = dom0.begin(kind)
    record = dom0.run(operation_id)
    dom0.believe(PASSWORD)

    assert (record.outcome, record.error) == ("failed", ["SESSION_AUTHENTICATION_FAILED"])
    assert (record.agent, xapis.power) == ("untouched", "Running")
    assert_truthful(dom0, operation_id, xapis, kind)
