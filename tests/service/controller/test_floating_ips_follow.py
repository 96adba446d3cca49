"""Floating IPs are where their instance is: invariant I6, whatever fails on the way."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from prometheus_client import REGISTRY

from tests.support import floating_world
from tests.support.controller_world import CALL_S, World
from tests.support.floating_world import ACTIVE, FIXED, IDLE, PENDING, SECOND, Floating, a_service
from xenferry.controller.v1 import migration_pb2

SUCCEEDED = migration_pb2.MIGRATION_STATE_SUCCEEDED
ROLLED_BACK = migration_pb2.MIGRATION_STATE_ROLLED_BACK
ADDRESS, OTHER = "203.0.113.1", "203.0.113.2"
# Each passes, or is tried again until it has passed.
FAULTS = ("unavailable", "lost_reply", "refused", "broken")


@pytest_asyncio.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """Return two agents and a guest with addresses, without a controller."""
    async with floating_world.a_floating_world(tmp_path) as world:
        yield world


@pytest_asyncio.fixture
async def floating(world: World) -> AsyncIterator[Floating]:
    """Return the service of a controller with a pool."""
    async with a_service(world) as service:
        await service.pool()
        yield service


async def migrate(floating: Floating) -> migration_pb2.Migration:
    """Move the guest to the second host, or try to."""
    guest = floating.world.guest.instance_id
    begun = await floating.controller.migrate(guest, floating.world.two.host_id)
    return await floating.controller.ended(begun.migration_id)


async def test_an_associated_address_is_carried_by_the_host_of_the_instance(
    floating: Floating,
) -> None:
    led = await floating.associated()

    one = floating.world.one
    assert (led.state, led.host_id, led.wanted_host_id) == (ACTIVE, one.host_id, one.host_id)
    binding = one.floating_ips[led.address]
    assert (binding.fixed_address, binding.prefix_length) == (FIXED, 32)
    assert binding.instance_id == floating.world.guest.instance_id
    assert floating.world.two.calls["ApplyFloatingIps"] == 0


async def test_a_disassociated_address_is_carried_by_nobody(floating: Floating) -> None:
    led = await floating.associated()

    free = await floating.ask("DisassociateFloatingIp", floating_ip=led.floating_ip_id)
    again = await floating.ask("DisassociateFloatingIp", floating_ip=led.address)

    assert (free.state, free.host_id, free.instance_id, free.fixed_address) == (IDLE, "", "", "")
    assert again == free
    assert not floating.world.one.floating_ips


async def test_all_addresses_of_an_instance_move_with_it(floating: Floating) -> None:
    led = [await floating.associated(), await floating.associated(SECOND)]

    migration = await migrate(floating)

    assert migration.state == SUCCEEDED
    assert not floating.world.one.floating_ips
    assert set(floating.world.two.floating_ips) == {one.address for one in led}
    now = await floating.get(led[0].address)
    assert (now.state, now.host_id) == (ACTIVE, floating.world.two.host_id)


async def test_a_migration_that_rolls_back_leaves_the_addresses_where_they_are(
    floating: Floating,
) -> None:
    led = await floating.associated()
    floating.world.pool.fail_moves_with = ("INTERNAL_ERROR", "no luck")
    calls = floating.world.one.calls["ApplyFloatingIps"]

    migration = await migrate(floating)

    assert migration.state == ROLLED_BACK
    assert set(floating.world.one.floating_ips) == {led.address}
    assert not floating.world.two.floating_ips
    assert floating.world.one.calls["ApplyFloatingIps"] == calls


@pytest.mark.parametrize("side", ["one", "two"])
@pytest.mark.parametrize(("fault", "times"), [*((fault, 1) for fault in FAULTS), ("refused", 6)])
async def test_addresses_arrive_although_telling_a_host_fails_for_a_while(
    floating: Floating, side: str, fault: str, times: int
) -> None:
    led = await floating.associated()
    agent = {"one": floating.world.one, "two": floating.world.two}[side]
    agent.fail("ApplyFloatingIps", *[fault] * times)

    migration = await migrate(floating)

    assert migration.state == SUCCEEDED
    assert set(floating.world.two.floating_ips) == {led.address}
    assert not floating.world.one.floating_ips
    assert (await floating.get(led.address)).state == ACTIVE


async def test_the_destination_carries_an_address_before_a_silent_source_lets_go(
    floating: Floating,
) -> None:
    led = await floating.associated()
    floating.world.one.fail("ApplyFloatingIps", "silent")
    guest = floating.world.guest.instance_id

    await floating.controller.migrate(guest, floating.world.two.host_id)
    await floating.world.two.carries(led.address)

    assert set(floating.world.one.floating_ips) == {led.address}


async def test_an_address_whose_host_does_not_answer_is_pending_and_says_why(
    floating: Floating,
) -> None:
    floating.world.one.fail("ApplyFloatingIps", *["refused"] * 1_000)

    led = await floating.associated()

    assert (led.state, led.host_id) == (PENDING, "")
    assert led.wanted_host_id == floating.world.one.host_id
    assert "VM_REQUIRES_SR" in led.problem


async def test_a_host_that_is_behind_is_counted_until_it_is_not(floating: Floating) -> None:
    floating.world.one.fail("ApplyFloatingIps", *["refused"] * 1_000)
    led = await floating.associated()
    behind = REGISTRY.get_sample_value("xenferry_floating_ip_hosts_behind")
    floating.world.one.lift("ApplyFloatingIps")
    await floating.world.one.carries(led.address)
    await floating.ask("DisassociateFloatingIp", floating_ip=led.address)

    assert behind == 1
    assert REGISTRY.get_sample_value("xenferry_floating_ip_hosts_behind") == 0


async def test_an_address_that_a_host_can_not_put_up_is_pending_and_the_others_are_not(
    floating: Floating,
) -> None:
    floating.world.one.unfit_address = ADDRESS

    led, other = await floating.associated(), await floating.associated(SECOND)

    assert (led.state, led.problem) == (PENDING, f"{ADDRESS}: no such interface")
    assert (other.address, other.state) == (OTHER, ACTIVE)
    floating.world.one.unfit_address = ""
    await floating.world.one.carries(ADDRESS, OTHER)


async def test_a_host_that_applied_a_newer_revision_is_reported(floating: Floating) -> None:
    floating.world.one.floating_revision = 1_000_000

    led = await floating.associated()

    assert led.state == PENDING
    assert "1000000 was applied" in led.problem


async def test_an_agent_that_was_started_anew_is_told_again(floating: Floating) -> None:
    led = await floating.associated()
    floating.world.one.forget_floating_ips()

    await floating.world.register(floating.controller)

    await floating.world.one.carries(led.address)
    assert floating.world.two.calls["ApplyFloatingIps"] == 0


async def test_an_agent_that_comes_back_is_told_what_it_missed(floating: Floating) -> None:
    floating.world.one.fail("ApplyFloatingIps", *["unavailable"] * 12)
    led = await floating.associated()

    await floating.world.register(floating.controller)

    await floating.world.one.carries(led.address)


@pytest.mark.parametrize("again", [False, True], ids=["given back", "and taken again"])
async def test_an_address_that_is_given_back_while_its_instance_moves_does_not_follow_it(
    floating: Floating, again: bool
) -> None:
    led, world = await floating.associated(), floating.world

    begun = await floating.controller.migrate(world.guest.instance_id, world.two.host_id)
    await floating.ask("DisassociateFloatingIp", floating_ip=led.address)
    await floating.ask("ReleaseFloatingIp", floating_ip=led.address)
    left = [(await floating.associated(SECOND)).address] if again else []
    ended = await floating.controller.ended(begun.migration_id)

    assert ended.state == SUCCEEDED
    await world.one.carries()
    await world.two.carries(*left)
    assert [one.fixed_address for one in world.two.floating_ips.values()] == [SECOND] * again
    assert left == [led.address] * again


async def test_an_address_taken_away_before_its_host_has_answered_is_taken_down(
    floating: Floating,
) -> None:
    taken, one = await floating.allocated(), floating.world.one
    one.answers.clear()
    leading = asyncio.create_task(floating.associate(taken.address))
    await one.carries(taken.address)

    freeing = asyncio.create_task(floating.ask("DisassociateFloatingIp", floating_ip=taken.address))
    async with asyncio.timeout(CALL_S):
        while (await floating.get(taken.address)).instance_id:
            pass
    one.answers.set()

    await one.carries()
    await asyncio.gather(leading, freeing)
    assert (await floating.get(taken.address)).state == IDLE


async def test_what_one_controller_began_the_next_one_finishes(world: World) -> None:
    async with a_service(world) as floating:
        await floating.pool()
        world.one.fail("ApplyFloatingIps", *["refused"] * 1_000)
        led = await floating.associated()
        assert led.state == PENDING
    world.one.lift("ApplyFloatingIps")

    async with a_service(world):
        await world.one.carries(led.address)


async def test_what_was_taken_away_while_a_host_was_silent_is_taken_down_later(
    world: World,
) -> None:
    async with a_service(world) as floating:
        await floating.pool()
        led = await floating.associated()
        world.one.fail("ApplyFloatingIps", *["refused"] * 1_000)
        free = await floating.ask("DisassociateFloatingIp", floating_ip=led.address)
        await floating.ask("ReleaseFloatingIp", floating_ip=led.address)
        assert (free.state, free.host_id) == (PENDING, world.one.host_id)
        assert set(world.one.floating_ips) == {led.address}
    world.one.lift("ApplyFloatingIps")

    async with a_service(world):
        await world.one.carries()


async def test_addresses_follow_an_instance_that_others_moved(floating: Floating) -> None:
    led = await floating.associated()
    world = floating.world
    world.guest.host_id = world.two.host_id

    await world.two.heartbeat(floating.controller.channel, changed_instances=[world.guest])
    gone = [world.guest.instance_id]
    await world.one.heartbeat(floating.controller.channel, gone_instance_ids=gone)

    await world.two.carries(led.address)
    await world.one.carries()
