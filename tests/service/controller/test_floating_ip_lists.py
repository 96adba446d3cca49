"""Pools and floating IPs are listed in pages, over real gRPC."""

from tests.support.floating_world import Floating


async def test_floating_ips_are_listed_by_number_in_pages(floating: Floating) -> None:
    for address in ("203.0.113.10", "203.0.113.9", "203.0.113.100"):
        await floating.allocated(address=address)
    await floating.associate("203.0.113.9")

    first = await floating.ask("ListFloatingIps", page_size=2)
    rest = await floating.ask("ListFloatingIps", page_size=2, page_token=first.next_page_token)
    of_guest = await floating.ask("ListFloatingIps", instance_id=floating.world.guest.instance_id)

    assert [one.address for one in first.floating_ips] == ["203.0.113.9", "203.0.113.10"]
    assert [one.address for one in rest.floating_ips] == ["203.0.113.100"]
    assert not rest.next_page_token
    assert [one.address for one in of_guest.floating_ips] == ["203.0.113.9"]


async def test_pools_are_listed_by_name_in_pages(floating: Floating) -> None:
    await floating.pool("edge", "198.51.100.0/29")

    first = await floating.ask("ListFloatingIpPools", page_size=1)
    rest = await floating.ask("ListFloatingIpPools", page_size=1, page_token=first.next_page_token)

    assert [pool.name for pool in (*first.pools, *rest.pools)] == ["edge", "public"]
