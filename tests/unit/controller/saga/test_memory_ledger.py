"""The ledger that the saga is tested on does what every ledger must."""

import pytest

from tests.support import intervention_conformance, ledger_conformance, saga_world
from tests.support.ledger_conformance import Scenario
from tests.support.memory_ledger import MemoryLedger


@pytest.mark.parametrize(
    "scenario",
    [*ledger_conformance.SCENARIOS, *intervention_conformance.SCENARIOS],
    ids=lambda scenario: scenario.__name__,
)
async def test_the_ledger_in_memory_conforms(scenario: Scenario) -> None:
    await scenario(MemoryLedger(saga_world.JumpingClock()))
