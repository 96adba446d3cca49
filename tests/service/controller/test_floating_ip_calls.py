"""Pools and floating IPs over real gRPC: what is given out, and what is refused."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import grpc
import pytest
import pytest_asyncio
from google.rpc import error_details_pb2

from tests.support import floating_world
from tests.support.floating_world import FIXED, FIXED_6, IDLE, SECOND, Floating

NOT_FOUND = grpc.StatusCode.NOT_FOUND
REFUSED = grpc.StatusCode.FAILED_PRECONDITION


SHARED = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Floating]:
    """Return a service with a pool for tests that leave it as they found it."""
    async with (
        floating_world.a_floating_world(tmp_path_factory.mktemp("shared")) as world,
        floating_world.a_service(world) as service,
    ):
        await service.pool()
        yield service


@SHARED
@pytest.mark.parametrize(
    ("given", "first", "last", "size", "length"),
    [
        ({"cidr": "198.51.100.0/29"}, "198.51.100.1", "198.51.100.6", "6", 32),
        ({"cidr": "198.51.100.0/31"}, "198.51.100.0", "198.51.100.1", "2", 32),
        ({"cidr": "198.51.100.9/32"}, "198.51.100.9", "198.51.100.9", "1", 32),
        ({"cidr": "2001:db8:1::/64"}, "2001:db8:1::1", "2001:db8:1:0:ffff:ffff:ffff:ffff",
         str(2**64 - 1), 128),
        ({"cidr": "198.51.100.0/24", "first_address": "198.51.100.10",
          "last_address": "198.51.100.19", "prefix_length": 24},
         "198.51.100.10", "198.51.100.19", "10", 24),
    ],
)  # fmt: skip
async def test_a_pool_has_the_addresses_that_hosts_may_have(
    shared: Floating, given: dict[str, Any], first: str, last: str, size: str, length: int
) -> None:
    pool = await shared.ask("CreateFloatingIpPool", name="other", **given)

    assert (pool.first_address, pool.last_address) == (first, last)
    assert (pool.size, pool.prefix_length, pool.allocated) == (size, length, 0)
    assert await shared.ask("GetFloatingIpPool", pool=pool.pool_id) == pool
    await shared.ask("DeleteFloatingIpPool", pool="other")


async def test_a_pool_that_is_made_twice_is_one_pool(floating: Floating) -> None:
    first = await floating.pool("other", "198.51.100.0/29")

    assert await floating.pool("other", "198.51.100.0/29") == first


@SHARED
@pytest.mark.parametrize(
    ("given", "fields"),
    [
        ({"name": "", "cidr": "no network"}, {"name", "cidr"}),
        ({"name": "a", "cidr": "203.0.114.1/24"}, {"cidr"}),
        ({"name": "a", "cidr": "198.51.100.0/24", "first_address": "10.0.0.1",
          "last_address": "x", "prefix_length": 33},
         {"first_address", "last_address", "prefix_length"}),
        ({"name": "a", "cidr": "198.51.100.0/24", "first_address": "198.51.100.9",
          "last_address": "198.51.100.8"}, {"last_address"}),
        ({"name": "a", "cidr": "198.51.100.0/24", "first_address": "2001:db8::1"},
         {"first_address"}),
    ],
)  # fmt: skip
async def test_a_malformed_pool_is_refused_with_every_field(
    shared: Floating, given: dict[str, Any], fields: set[str]
) -> None:
    answer = await shared.refused("CreateFloatingIpPool", **given)

    assert answer.code is grpc.StatusCode.INVALID_ARGUMENT
    assert all(field in answer.message for field in fields)
    assert len((await shared.ask("ListFloatingIpPools")).pools) == 1


@SHARED
@pytest.mark.parametrize(
    ("call", "given", "reason", "code"),
    [
        ("CreateFloatingIpPool", {"name": "public", "cidr": "198.51.100.0/24"},
         "FLOATING_IP_POOL_EXISTS", REFUSED),
        ("CreateFloatingIpPool", {"name": "other", "cidr": "203.0.113.128/25"},
         "FLOATING_IP_POOL_OVERLAPS", REFUSED),
        ("GetFloatingIpPool", {"pool": "none"}, "FLOATING_IP_POOL_NOT_FOUND", NOT_FOUND),
        ("DeleteFloatingIpPool", {"pool": "none"}, "FLOATING_IP_POOL_NOT_FOUND", NOT_FOUND),
        ("ListFloatingIps", {"pool": "none"}, "FLOATING_IP_POOL_NOT_FOUND", NOT_FOUND),
        ("AllocateFloatingIp", {"pool": "none"}, "FLOATING_IP_POOL_NOT_FOUND", NOT_FOUND),
        ("AllocateFloatingIp", {"pool": "public", "address": "198.51.100.1"},
         "ADDRESS_OUTSIDE_POOL", REFUSED),
        ("AllocateFloatingIp", {"pool": "public", "address": "2001:db8::1"},
         "ADDRESS_OUTSIDE_POOL", REFUSED),
        ("GetFloatingIp", {"floating_ip": "203.0.113.9"}, "FLOATING_IP_NOT_FOUND", NOT_FOUND),
        ("DisassociateFloatingIp", {"floating_ip": str(uuid4())},
         "FLOATING_IP_NOT_FOUND", NOT_FOUND),
        ("ReleaseFloatingIp", {"floating_ip": "203.0.113.9"}, "FLOATING_IP_NOT_FOUND", NOT_FOUND),
        ("AssociateFloatingIp", {"floating_ip": "203.0.113.9", "instance": "web-1"},
         "FLOATING_IP_NOT_FOUND", NOT_FOUND),
    ],
)  # fmt: skip
async def test_what_does_not_exist_or_is_taken_is_refused_by_name(
    shared: Floating, call: str, given: dict[str, Any], reason: str, code: grpc.StatusCode
) -> None:
    answer = await shared.refused(call, **given)

    assert (answer.reason, answer.code) == (reason, code)
    assert len((await shared.ask("ListFloatingIpPools")).pools) == 1
    assert not (await shared.ask("ListFloatingIps")).floating_ips


@SHARED
@pytest.mark.parametrize(
    ("call", "given", "fields"),
    [
        ("AllocateFloatingIp", {"address": "203.0.113.300", "request_id": "x"},
         ("pool", "address", "request_id")),
        ("AssociateFloatingIp", {"fixed_address": "10.0.0", "unverified": True},
         ("floating_ip", "instance", "fixed_address")),
        ("AssociateFloatingIp", {"floating_ip": "203.0.113.1", "instance": "web-1",
                                 "unverified": True}, ("unverified",)),
        ("DisassociateFloatingIp", {}, ("floating_ip",)),
        ("ReleaseFloatingIp", {}, ("floating_ip",)),
        ("ListFloatingIps", {"instance_id": "web-1", "page_size": -1, "page_token": "x"},
         ("instance_id", "page_size", "page_token")),
    ],
)  # fmt: skip
async def test_a_malformed_call_is_refused_with_every_field(
    shared: Floating, call: str, given: dict[str, Any], fields: tuple[str, ...]
) -> None:
    answer = await shared.refused(call, **given)

    assert answer.code is grpc.StatusCode.INVALID_ARGUMENT
    refused = answer.find(error_details_pb2.BadRequest)
    assert refused is not None
    assert {each.field for each in refused.field_violations} == set(fields)
    assert not (await shared.ask("ListFloatingIps")).floating_ips


@SHARED
@pytest.mark.parametrize("call", ["DeleteFloatingIpPool", "ReleaseFloatingIp"])
async def test_what_is_gone_may_be_missing_where_the_caller_allows_it(
    shared: Floating, call: str
) -> None:
    field = "pool" if call.endswith("Pool") else "floating_ip"

    await shared.ask(call, **{field: str(uuid4())}, allow_missing=True)


async def test_addresses_are_given_out_from_the_lowest_until_there_is_none(
    floating: Floating,
) -> None:
    await floating.pool("small", "198.51.100.0/30")

    taken = [await floating.allocated("small") for _ in range(2)]
    answer = await floating.refused("AllocateFloatingIp", pool="small")

    assert [one.address for one in taken] == ["198.51.100.1", "198.51.100.2"]
    assert {one.state for one in taken} == {IDLE}
    assert answer.reason == "FLOATING_IP_POOL_EXHAUSTED"
    assert answer.code is grpc.StatusCode.RESOURCE_EXHAUSTED
    await floating.ask("ReleaseFloatingIp", floating_ip="198.51.100.1")
    assert (await floating.allocated("small")).address == "198.51.100.1"


async def test_an_address_is_given_to_one_only(floating: Floating) -> None:
    await floating.allocated(address="203.0.113.77")

    answer = await floating.refused("AllocateFloatingIp", pool="public", address="203.0.113.77")

    assert (answer.reason, answer.code) == ("ADDRESS_TAKEN", REFUSED)


async def test_a_repeated_request_gets_the_first_answer_and_another_body_is_refused(
    floating: Floating,
) -> None:
    request_id = str(uuid4())
    first = await floating.allocated(request_id=request_id)

    again = await floating.allocated(request_id=request_id)
    other = await floating.refused(
        "AllocateFloatingIp", pool="public", address="203.0.113.9", request_id=request_id
    )

    assert again == first
    assert other.reason == "REQUEST_ID_REUSED"
    assert len((await floating.ask("ListFloatingIps")).floating_ips) == 1


async def test_a_pool_is_deleted_only_when_nothing_of_it_is_allocated(floating: Floating) -> None:
    taken = await floating.allocated()

    answer = await floating.refused("DeleteFloatingIpPool", pool="public")
    await floating.ask("ReleaseFloatingIp", floating_ip=taken.floating_ip_id)
    await floating.ask("DeleteFloatingIpPool", pool="public")

    assert (answer.reason, answer.code) == ("FLOATING_IP_POOL_IN_USE", REFUSED)
    assert not (await floating.ask("ListFloatingIpPools")).pools


@pytest.mark.parametrize(
    ("fixed", "said"),
    [
        ("10.9.9.9", "10.9.9.9 is none of its addresses"),
        ("", "it has 2 addresses of IPv4"),
        (FIXED_6, "is not of IPv4"),
    ],
)
async def test_a_fixed_address_that_the_instance_does_not_have_is_refused(
    floating: Floating, fixed: str, said: str
) -> None:
    taken = await floating.allocated()

    answer = await floating.refused(
        "AssociateFloatingIp", floating_ip=taken.address, instance="web-1", fixed_address=fixed
    )

    assert (answer.reason, answer.code) == ("FIXED_ADDRESS_NOT_FOUND", REFUSED)
    assert said in answer.message
    assert FIXED in answer.message
    assert (await floating.get(taken.address)) == taken
    assert not floating.world.one.floating_ips


async def test_an_instance_without_guest_tools_can_be_led_to_on_the_callers_word(
    floating: Floating,
) -> None:
    led = await floating.associated("10.9.9.9", unverified=True)

    assert led.fixed_address == "10.9.9.9"


async def test_the_only_address_of_the_family_needs_no_naming(floating: Floating) -> None:
    await floating.pool("six", "2001:db8::/120")
    taken = await floating.allocated("six")

    led = await floating.associate(taken.address, "")

    assert led.fixed_address == FIXED_6


async def test_an_unknown_instance_is_refused(floating: Floating) -> None:
    taken = await floating.allocated()

    answer = await floating.refused(
        "AssociateFloatingIp", floating_ip=taken.address, instance="nobody", fixed_address=FIXED
    )

    assert (answer.reason, answer.code) == ("INSTANCE_NOT_FOUND", NOT_FOUND)
    assert (await floating.get(taken.address)) == taken


async def test_a_floating_ip_leads_to_one_place_and_a_place_has_one_floating_ip(
    floating: Floating,
) -> None:
    first, second = await floating.associated(), await floating.allocated()
    web_1 = floating.world.guest.instance_id

    elsewhere = await floating.refused(
        "AssociateFloatingIp", floating_ip=first.address, instance=web_1, fixed_address=SECOND
    )
    twice = await floating.refused(
        "AssociateFloatingIp", floating_ip=second.address, instance=web_1, fixed_address=FIXED
    )
    held = await floating.refused("ReleaseFloatingIp", floating_ip=first.address)

    assert elsewhere.reason == held.reason == "FLOATING_IP_ASSOCIATED"
    assert twice.reason == "FIXED_ADDRESS_IN_USE"
    assert first.address in twice.message
    assert (await floating.associate(first.address)) == first
    assert set(floating.world.one.floating_ips) == {first.address}
