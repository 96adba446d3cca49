"""What the sides show counts for more than an operator's word: a guest that has left its source."""

from dataclasses import replace

import pytest

from controller.model.migration import MigrationState, Resolution
from controller.ports.agents import Observation
from controller.saga import resolving
from controller.saga.settle import Verdict, View
from tests.support.saga_trip import Trip

HALTED = Observation("xs2", "pool-2", present=True)
GONE = Observation("xs1", "pool-1", present=False)


@pytest.mark.parametrize(
    ("source", "expected"),
    [(GONE, None), (replace(GONE, present=True), Verdict.NOT_CROSSED), (None, Verdict.NOT_CROSSED)],
    ids=["gone", "halted", "silent"],
)
async def test_back_is_refused_where_the_source_has_the_guest_no_more(
    source: Observation | None, expected: Verdict | None
) -> None:
    trip = Trip("failed and stayed")
    await trip.go()
    asked = replace(
        trip.migration, state=MigrationState.STUCK, resolution=Resolution.ROLL_BACK, journal=()
    )

    assert resolving.verdict(asked, View(source, HALTED)) is expected
