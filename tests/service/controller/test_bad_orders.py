"""Bad orders to Aggregates and FloatingIps: each a clear refusal, and nothing of it is done."""

import ipaddress
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

import grpc
import pytest
import pytest_asyncio

from chassis import answers
from tests.support import aggregate_world, floating_world
from tests.support.aggregate_world import Aggregates
from tests.support.floating_world import FIXED, SECOND, Floating
from xenferry.common.v1 import finding_pb2

pytestmark = pytest.mark.asyncio(loop_scope="module")

BAD = grpc.StatusCode.INVALID_ARGUMENT
MISSING = grpc.StatusCode.NOT_FOUND
REFUSED = grpc.StatusCode.FAILED_PRECONDITION
NOBODY = "0f0f0f0f-0000-4000-8000-00000000dead"
LONG = "\U0001f6a2" * 1_000
HOSTILE = ["a\0b", "n" * 1_001, "  ", NOBODY.upper()]
"""No name of anything new: NUL, too long, blank, or what would be taken for another's uuid."""


@dataclass(frozen=True, slots=True)
class Services:
    """Both services, of a controller each."""

    rack: Aggregates
    floating: Floating

    def of(self, call: str) -> Aggregates | Floating:
        """Return the service that a call is of."""
        return self.floating if "Floating" in call else self.rack

    async def state(self) -> Sequence[Any]:
        """Return all that the lists tell, and what the agents carry and were asked."""
        lists = [
            *(await self.rack.ask("ListAggregates")).aggregates,
            *(await self.floating.ask("ListFloatingIpPools")).pools,
            *(await self.floating.ask("ListFloatingIps")).floating_ips,
        ]
        agents = self.rack.ring.agents.values()
        changed = [agent.calls[call] for agent in agents for call in CHANGING]
        world = self.floating.world
        return [*lists, *changed, dict(world.one.floating_ips), dict(world.two.floating_ips)]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def services(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Services]:
    """Two aggregates, one with a host; two pools, with one address led to the guest's first."""
    async with AsyncExitStack() as stack:
        enter = stack.enter_async_context
        ring = await enter(aggregate_world.a_ring(tmp_path_factory.mktemp("rack")))
        rack = await enter(ring.service())
        world = await enter(floating_world.a_floating_world(tmp_path_factory.mktemp("ips")))
        floating = await enter(floating_world.a_service(world))
        await rack.added("xs1")
        for name in ("shelf", LONG):
            await rack.ask("CreateAggregate", name=name)
        await floating.pool()
        await floating.pool("six", "2001:db8:6::/64")
        await floating.pool(LONG, "198.51.100.0/30")
        await floating.associated()
        await floating.allocated()
        yield Services(rack, floating)


Case = tuple[str, dict[str, Any], grpc.StatusCode, str]
CHANGING = ("NamePool", "JoinPool", "LeavePool", "DesignateCoordinator")
CASES: list[Case] = [
    ("CreateAggregate", {"name": "rack"}, REFUSED, "AGGREGATE_NAME_TAKEN"),
    ("CreateAggregate", {"name": LONG}, REFUSED, "AGGREGATE_NAME_TAKEN"),
    *(("CreateAggregate", {"name": name}, BAD, "BAD_ARGUMENT") for name in HOSTILE),
    ("CreateAggregate", {"name": "a", "availability_zone": "\0"}, BAD, "BAD_ARGUMENT"),
    ("AddHost", {"aggregate": "shelf", "host": "xs9"}, MISSING, "HOST_NOT_FOUND"),
    ("AddHost", {"aggregate": "shelf", "host": NOBODY}, MISSING, "HOST_NOT_FOUND"),
    ("AddHost", {"aggregate": "shelf", "host": LONG}, MISSING, "HOST_NOT_FOUND"),
    ("AddHost", {"aggregate": "none", "host": "xs2"}, MISSING, "AGGREGATE_NOT_FOUND"),
    ("AddHost", {"aggregate": "shelf", "host": "xs1"}, REFUSED, "AGGREGATE_MEMBERSHIP"),
    ("AddHost", {"aggregate": LONG, "host": "xs1"}, REFUSED, "AGGREGATE_MEMBERSHIP"),
    ("AddHost", {"aggregate": "rack", "host": "xs1"}, REFUSED, "AGGREGATE_MEMBERSHIP"),
    ("AddHost", {"aggregate": "shelf", "host": "a\0b"}, BAD, "BAD_ARGUMENT"),
    ("AddHost", {"aggregate": "shelf", "host": "xs2", "request_id": "1"}, BAD, "BAD_ARGUMENT"),
    ("RemoveHost", {"aggregate": "rack", "host": "xs2"}, REFUSED, "AGGREGATE_MEMBERSHIP"),
    ("RemoveHost", {"aggregate": "shelf", "host": "xs1"}, REFUSED, "AGGREGATE_MEMBERSHIP"),
    ("RemoveHost", {"aggregate": "rack", "host": "xs9"}, MISSING, "HOST_NOT_FOUND"),
    ("DeleteAggregate", {"aggregate": "rack"}, REFUSED, "AGGREGATE_NOT_EMPTY"),
    ("DeleteAggregate", {"aggregate": LONG + "x"}, BAD, "BAD_ARGUMENT"),
    ("SettleDrift", {"aggregate": "rack", "settlement": 99}, BAD, "BAD_ARGUMENT"),
    ("SettleDrift", {"aggregate": "rack", "settlement": -1}, BAD, "BAD_ARGUMENT"),
    ("CancelAggregateOperation", {"operation_id": NOBODY}, MISSING,
     "AGGREGATE_OPERATION_NOT_FOUND"),
    ("CancelAggregateOperation", {"operation_id": "1' OR '1'='1"}, BAD, "BAD_ARGUMENT"),
    *(("ListAggregates", {"page_token": token}, BAD, "BAD_ARGUMENT")
      for token in ("x", "\0", "W10", "bm9uZQ==", LONG)),
    ("CreateFloatingIpPool", {"name": "public", "cidr": "192.0.2.0/24"}, REFUSED,
     "FLOATING_IP_POOL_EXISTS"),
    ("CreateFloatingIpPool", {"name": "new", "cidr": "203.0.113.128/25"}, REFUSED,
     "FLOATING_IP_POOL_OVERLAPS"),
    ("CreateFloatingIpPool", {"name": LONG, "cidr": "192.0.2.0/24"}, REFUSED,
     "FLOATING_IP_POOL_EXISTS"),
    *(("CreateFloatingIpPool", {"name": name, "cidr": "192.0.2.0/24"}, BAD, "BAD_ARGUMENT")
      for name in HOSTILE),
    *(("CreateFloatingIpPool", {"name": "new", "cidr": cidr}, BAD, "BAD_ARGUMENT")
      for cidr in ("", "999.0.0.0/8", "192.0.2.0/33", "127.0.0.0/8", "224.0.0.0/4", "::1/128",
                   "fe80::/64", "fe80::1%eth0/128", "ff02::/64", "0.0.0.0/32", "\0")),
    ("CreateFloatingIpPool", {"name": "new", "cidr": "2001:db8:7::/64",
                              "first_address": "2001:db8:7::5%eth0"}, BAD, "BAD_ARGUMENT"),
    ("DeleteFloatingIpPool", {"pool": "public"}, REFUSED, "FLOATING_IP_POOL_IN_USE"),
    ("DeleteFloatingIpPool", {"pool": "none"}, MISSING, "FLOATING_IP_POOL_NOT_FOUND"),
    ("AllocateFloatingIp", {"pool": "public", "address": "192.0.2.7"}, REFUSED,
     "ADDRESS_OUTSIDE_POOL"),
    ("AllocateFloatingIp", {"pool": LONG, "address": "192.0.2.7"}, REFUSED,
     "ADDRESS_OUTSIDE_POOL"),
    ("AllocateFloatingIp", {"pool": "public", "address": "203.0.113.1"}, REFUSED, "ADDRESS_TAKEN"),
    *(("AllocateFloatingIp", {"pool": "six", "address": address}, BAD, "BAD_ARGUMENT")
      for address in ("2001:db8:6::5%eth0", "2001:db8:6::5; reboot", "\0", "0x7f.1")),
    ("AssociateFloatingIp", {"floating_ip": "203.0.113.1", "instance": "web-1",
                             "fixed_address": SECOND}, REFUSED, "FLOATING_IP_ASSOCIATED"),
    ("AssociateFloatingIp", {"floating_ip": "203.0.113.2", "instance": "web-1",
                             "fixed_address": FIXED}, REFUSED, "FIXED_ADDRESS_IN_USE"),
    ("AssociateFloatingIp", {"floating_ip": "203.0.113.2", "instance": "web-1",
                             "fixed_address": "10.9.9.9"}, REFUSED, "FIXED_ADDRESS_NOT_FOUND"),
    ("AssociateFloatingIp", {"floating_ip": "203.0.113.2", "instance": "web-1"}, REFUSED,
     "FIXED_ADDRESS_NOT_FOUND"),
    ("AssociateFloatingIp", {"floating_ip": "203.0.113.2", "instance": "none"}, MISSING,
     "INSTANCE_NOT_FOUND"),
    ("AssociateFloatingIp", {"floating_ip": "203.0.113.99", "instance": "web-1"}, MISSING,
     "FLOATING_IP_NOT_FOUND"),
    *(("AssociateFloatingIp", {"floating_ip": "203.0.113.2", "instance": "web-1",
                               "fixed_address": fixed, "unverified": True}, BAD, "BAD_ARGUMENT")
      for fixed in ("127.0.0.1", "0.0.0.0", "224.0.0.5", "169.254.0.9", "255.255.255.255",
                    "::", "fe80::1%eth0", "10.9.9.9 dport 1", "")),
    ("ReleaseFloatingIp", {"floating_ip": "203.0.113.1"}, REFUSED, "FLOATING_IP_ASSOCIATED"),
    ("ReleaseFloatingIp", {"floating_ip": NOBODY}, MISSING, "FLOATING_IP_NOT_FOUND"),
    ("DisassociateFloatingIp", {"floating_ip": "203.0.113.99"}, MISSING, "FLOATING_IP_NOT_FOUND"),
    *(("ListFloatingIps", given, BAD, "BAD_ARGUMENT")
      for given in ({"pool": "a\0b"}, {"pool": "n" * 1_001}, {"instance_id": "web-1"},
                    {"page_token": "bm9uZQ=="}, {"page_size": -(2**31)})),
    ("ListFloatingIpPools", {"page_token": "\0"}, BAD, "BAD_ARGUMENT"),
]  # fmt: skip


def name(case: Case) -> str:
    """Return what to call a case."""
    call, given, _, reason = case
    return f"{call}-{ascii(given)[:50]}-{reason}"


@pytest.mark.parametrize(
    ("call", "given", "code", "reason"), CASES, ids=[name(case) for case in CASES]
)
async def test_a_bad_order_is_refused_with_its_reason_and_changes_nothing(
    services: Services, call: str, given: dict[str, Any], code: grpc.StatusCode, reason: str
) -> None:
    before = await services.state()

    answer = await services.of(call).refused(call, **given)

    assert (answer.code, answer.reason) == (code, reason), answer.message
    assert _is_explained(answer)
    assert await services.state() == before


def _is_explained(answer: answers.Answer) -> bool:
    """Tell whether a refusal says what to do; a bad argument and a missing thing do in words."""
    if answer.code in (BAD, MISSING):
        return bool(answer.message)
    told = answer.find(finding_pb2.Findings)
    return told is not None and all(one.remedy for one in told.findings if one.severity == 3)


async def test_a_fixed_address_may_be_any_that_an_instance_can_have(services: Services) -> None:
    floating = services.floating
    taken = await floating.allocated()

    led = await floating.associate(taken.address, "192.168.7.7", unverified=True)

    assert ipaddress.ip_address(led.fixed_address).is_private
    await floating.ask("DisassociateFloatingIp", floating_ip=taken.address)
    await floating.ask("ReleaseFloatingIp", floating_ip=taken.address)
