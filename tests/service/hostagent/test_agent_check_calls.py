"""What a check asks of XAPI does not grow with the pool."""

import pytest

from tests.service.hostagent.crossing import Yard
from tests.service.hostagent.pool import Bench
from tests.service.hostagent.quayside import Staged
from tests.service.hostagent.rpc_rows import check_dest
from tests.support.sim import Simulator

pytestmark = pytest.mark.asyncio(loop_scope="session")


def asked(simulator: Simulator, since: int, host: str) -> list[str]:
    """Return the calls that the agent of a host made, without those that wait for events."""
    return [
        call["method"]
        for call in simulator.trace(since)
        if call["originator"] == f"xenferry-hostagent/{host}" and call["method"] != "event.from"
    ]


async def test_a_check_at_the_destination_makes_two_calls_in_pools_of_any_size(
    bench: Bench, yard: Yard
) -> None:
    guest, trip = bench.guest("vm-01"), yard.sharing()
    small, large = (one.trace()[-1]["number"] for one in (bench.simulator, yard.simulator))

    await bench.check_dest(guest)
    await check_dest(Staged(trip))

    expected = ["host.compute_free_memory", "VM.assert_can_boot_here"]
    assert asked(bench.simulator, small, "xs2") == expected
    assert asked(yard.simulator, large, "n2") == expected
