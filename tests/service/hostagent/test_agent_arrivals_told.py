"""After a move of either kind a guest's interfaces are plugged, and its neighbours know of it."""

from collections.abc import Iterator
from typing import Any

import pytest

from deploy.demo import netlab
from deploy.demo.netlab import Lab
from hostagent.model.floating_ips import FloatingIpSettings
from tests.service.hostagent.crossing import PATIENCE, Trip, Yard
from tests.service.hostagent.pool import ARRIVED, running_agent
from xenferry.common.v1 import finding_pb2

pytestmark = pytest.mark.asyncio(loop_scope="session")

SKIP = netlab.reason_to_skip()
ADDRESS, ELSEWHERE = "10.0.0.77", "02:00:00:00:00:aa"
OK = finding_pb2.SEVERITY_OK


@pytest.fixture
def lab() -> Iterator[Lab]:
    """Return machines and wires of this test alone."""
    with netlab.a_lab() as built:
        yield built


@pytest.mark.skipif(bool(SKIP), reason=SKIP)
@pytest.mark.parametrize(("way", "name"), [(Yard.inside, "told-1"), (Yard.across, "told-2")])
async def test_a_neighbour_sends_to_the_guest_where_it_arrived(
    yard: Yard, lab: Lab, way: Any, name: str
) -> None:
    trip: Trip = way(yard, name)
    neighbour = lab.guest["one"]
    neighbour.ip(f"neigh add {ADDRESS} lladdr {ELSEWHERE} dev eth0 nud stale")
    wires = FloatingIpSettings(
        "nftables", netlab.PUBLIC, lab.one.name, instance_interface=netlab.INNER
    )
    assert (await trip.move())[-1].outcome == ARRIVED

    async with running_agent(yard.simulator, trip.host, PATIENCE, floating_ips=wires) as agent:
        found = await trip.at(dest=agent).finish()

    assert {finding.severity for finding in found} == {OK}
    vm = trip.pool.vm(trip.guest.uuid)
    assert vm is not None
    (vif,) = vm["VIFs"]
    assert neighbour.mac_of(ADDRESS) == trip.pool.api.VIF.get_MAC(vif)


@pytest.mark.parametrize("way", [Yard.sharing, Yard.inside], ids=["shared storage", "with disks"])
async def test_an_interface_that_a_move_inside_the_pool_left_detached_is_plugged(
    yard: Yard, way: Any
) -> None:
    trip: Trip = way(yard)
    assert (await trip.move())[-1].outcome == ARRIVED
    (vif,) = yard.near_pool.api.VM.get_VIFs(trip.guest.ref)
    yard.near_pool.api.VIF.unplug(vif)

    found = await trip.finish()

    assert {finding.severity for finding in found} == {OK}
    assert yard.near_pool.api.VIF.get_currently_attached(vif)
