"""Neighbours are told of a floating IP until they could be told, also by a later agent."""

from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio

from deploy.demo import netlab
from deploy.demo.netlab import Lab
from hostagent.dataplane import nftables
from hostagent.dataplane.nftables import Nftables
from hostagent.model.floating_ips import Action, Binding, FloatingIpSettings

SKIP = netlab.reason_to_skip()
pytestmark = pytest.mark.skipif(bool(SKIP), reason=SKIP)

ADDRESS, ELSEWHERE = "203.0.113.100", "02:00:00:00:00:aa"
LED = [Binding(ADDRESS, 0, "guest", netlab.GUEST)]


@pytest.fixture
def lab() -> Iterator[Lab]:
    """Return machines whose client believes that the address is elsewhere."""
    with netlab.a_lab() as built:
        line = f"neigh replace {ADDRESS} lladdr {ELSEWHERE} dev eth0 nud stale"
        built.client.ip(line)
        yield built


@pytest_asyncio.fixture
async def carrier(lab: Lab) -> AsyncIterator[Nftables]:
    """Return what carries on the first machine."""
    made = await nftables.opened(settings(lab))
    yield made
    await made.close()


def settings(lab: Lab) -> FloatingIpSettings:
    """Return the settings of an agent on the first machine."""
    return FloatingIpSettings("nftables", netlab.PUBLIC, lab.one.name, True, netlab.INNER)


async def test_neighbours_that_could_not_be_told_are_told_by_the_repeat(
    lab: Lab, carrier: Nftables
) -> None:
    lab.one.ip(f"link set {netlab.PUBLIC} down")
    first = await carrier.apply(1, LED)
    lab.one.ip(f"link set {netlab.PUBLIC} up")

    again = await carrier.apply(1, LED)

    assert [item.action for item in first.items] == [Action.FAILED]
    assert again.items == ()
    assert lab.client.mac_of(ADDRESS) not in ("", ELSEWHERE)


async def test_a_new_agent_tells_of_what_it_finds_carried(lab: Lab, carrier: Nftables) -> None:
    await carrier.apply(1, LED)
    carrying = lab.client.mac_of(ADDRESS)
    lab.client.ip(f"neigh replace {ADDRESS} lladdr {ELSEWHERE} dev eth0 nud stale")
    later = await nftables.opened(settings(lab))

    again = await later.apply(1, LED)
    await later.close()

    assert again.items == ()
    assert lab.client.mac_of(ADDRESS) == carrying
    assert carrying not in ("", ELSEWHERE)
