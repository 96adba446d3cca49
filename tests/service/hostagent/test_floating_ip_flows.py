"""Flows of a floating IP on a machine that has many others."""

import pytest

from deploy.demo import netlab
from hostagent.dataplane import flows, nftables
from hostagent.model.floating_ips import Binding, FloatingIpSettings
from tests.service.hostagent import lines

SKIP = netlab.reason_to_skip()
pytestmark = pytest.mark.skipif(bool(SKIP), reason=SKIP)

ADDRESS, OTHER = "203.0.113.100", "203.0.113.101"
V4 = Binding(ADDRESS, 0, "guest", netlab.GUEST)


async def test_of_many_flows_those_of_an_address_end_and_no_others() -> None:
    with netlab.a_lab() as lab:
        carrier = await nftables.opened(FloatingIpSettings("nftables", netlab.PUBLIC, lab.one.name))
        await carrier.apply(1, [V4])
        lab.one.run(lambda: lines.crowd(ADDRESS, 3))
        lab.one.run(lambda: lines.crowd(OTHER, flows.FLOWS_A_WALK))

        await carrier.apply(2, [])
        await carrier.close()

        assert not lab.one.run(lambda: lines.flows_of(ADDRESS))
        assert len(lab.one.run(lambda: lines.flows_of(OTHER))) == 250, "one for each who sends"
