"""Which operations on pools can still be stopped."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from controller.model.aggregates import Operation, OperationKind, OperationPlan, Phase

NOW = datetime(2026, 1, 1, tzinfo=UTC)
# Phase -> what is written when it can be stopped; a phase that is not here never can.
STOPPABLE = {
    Phase.ACCEPTED: {"untouched", "asked"},
    Phase.NAMING_POOL: {"untouched", "asked"},
    Phase.JOINING: {"untouched"},
    Phase.EJECTING: {"untouched"},
}


@pytest.mark.parametrize("kind", OperationKind)
@pytest.mark.parametrize("phase", Phase)
def test_what_dom0_may_have_begun_is_stopped_no_more(phase: Phase, kind: OperationKind) -> None:
    plan = OperationPlan(kind, "a", "rack", "h", "xs2")
    operation = Operation("o", plan, NOW, NOW).entered(phase, NOW)
    states = {
        "untouched": operation,
        "asked": replace(operation, asked=True),
        "begun": replace(operation, asked=True, begun=True),
    }
    if phase in (Phase.ACCEPTED, Phase.NAMING_POOL):
        del states["begun"]  # dom0 has no part in it

    free = {name for name, each in states.items() if not each.past_return}

    assert free == STOPPABLE.get(phase, set())


def test_a_name_that_the_pool_may_bear_is_told_when_it_is_cancelled() -> None:
    plan = OperationPlan(OperationKind.ADD_HOST, "a", "rack", "h", "xs1", first=True)
    naming = Operation("o", plan, NOW, NOW).entered(Phase.NAMING_POOL, NOW)

    untouched = naming.cancelled(NOW)
    perhaps = replace(naming, asked=True).cancelled(NOW)

    assert untouched.journal[-1].note == "before anything was touched"
    assert perhaps.journal[-1].note == "cancelled; the pool may be called rack already"
