"""What the store keeps of floating IPs, and what it works out of where instances are."""

import ipaddress
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
import pytest_asyncio

from controller.model.floating_ips import Binding, Carried, FloatingIp, FloatingIpState, Load, Range
from controller.ports.floating_ips import Allocation, FixedAddressInUse, PoolExhausted
from controller.store.floating_ip_loads import SqlLoads
from controller.store.floating_ips import SqlFloatingIps
from controller.store.settings import StoreSettings
from tests.support.store_world import Agent, Store, a_uuid, an_agent, open_store

ADDRESSES = Range(
    "203.0.113.0/29",
    ipaddress.ip_address("203.0.113.1"),
    ipaddress.ip_address("203.0.113.2"),
    32,
)


@dataclass(frozen=True, slots=True)
class Kept:
    """A store with two hosts, an instance on the first, and a pool of two addresses."""

    store: Store
    floating: SqlFloatingIps
    loads: SqlLoads
    one: Agent
    two: Agent
    instance_id: str

    async def led(self, fixed_address: str = "10.0.0.5") -> FloatingIp:
        """Take an address and lead it to the instance."""
        taken = await self.floating.allocate(Allocation("public"))
        return await self.floating.associate(taken.floating_ip_id, self.instance_id, fixed_address)

    async def settled(self, agent: Agent) -> Load:
        """Let a host say that it carries what it shall."""
        load = await self.loads.load(agent.host_id)
        await self.loads.told(load, Carried(tuple(one.address for one in load.bindings)))
        return load

    async def moved(self) -> None:
        """Let the second host's agent tell that the instance runs there."""
        there = self.two.runs("web-1", self.instance_id)
        await self.store.inventory.register(self.two.registration(there))
        await self.store.inventory.register(self.one.registration())


@pytest_asyncio.fixture
async def kept(where: StoreSettings) -> AsyncIterator[Kept]:
    """Return the store, empty but for hosts, instance and pool."""
    async with open_store(where) as store:
        one, two, instance_id = an_agent("xs1"), an_agent("xs2"), a_uuid()
        await store.inventory.register(one.registration(one.runs("web-1", instance_id)))
        await store.inventory.register(two.registration())
        floating = SqlFloatingIps(store.database, store.clock)
        await floating.create_pool("public", ADDRESSES)
        yield Kept(store, floating, SqlLoads(store.database), one, two, instance_id)


async def test_a_host_shall_carry_what_leads_to_its_instances(kept: Kept) -> None:
    led = await kept.led()

    load = await kept.loads.load(kept.one.host_id)

    assert load.bindings == (Binding(led.address, 32, kept.instance_id, "10.0.0.5"),)
    assert not load.settled
    assert (await kept.loads.load(kept.two.host_id)).bindings == ()
    assert await kept.loads.load(kept.one.host_id) == load, "an unchanged set has its revision"


async def test_what_a_host_said_is_kept_until_it_shall_carry_something_else(kept: Kept) -> None:
    led = await kept.led()
    first = await kept.settled(kept.one)
    assert (await kept.floating.find(led.address)).state is FloatingIpState.ACTIVE
    assert await kept.loads.unsettled() == set()

    await kept.led("10.0.1.5")

    second = await kept.loads.load(kept.one.host_id)
    assert second.revision > first.revision
    assert second.applied_revision == first.revision
    assert await kept.loads.unsettled() == {kept.one.host_id}


async def test_an_instance_that_moved_unsettles_both_hosts(kept: Kept) -> None:
    led = await kept.led()
    await kept.settled(kept.one)

    await kept.moved()

    assert await kept.loads.unsettled() == {kept.one.host_id, kept.two.host_id}
    assert (await kept.floating.find(led.address)).state is FloatingIpState.PENDING
    await kept.settled(kept.two)
    await kept.settled(kept.one)
    now = await kept.floating.find(led.address)
    assert (now.host_id, now.state) == (kept.two.host_id, FloatingIpState.ACTIVE)
    assert await kept.loads.unsettled() == set()


async def test_a_late_word_of_a_host_does_not_settle_what_it_did_not_hear_of(kept: Kept) -> None:
    await kept.led()
    old = await kept.loads.load(kept.one.host_id)
    await kept.led("10.0.1.5")
    await kept.loads.load(kept.one.host_id)

    await kept.loads.told(old, Carried(tuple(one.address for one in old.bindings)))

    assert await kept.loads.unsettled() == {kept.one.host_id}


async def test_the_late_answer_of_the_host_that_was_left_takes_nothing_from_the_new_one(
    kept: Kept,
) -> None:
    led = await kept.led()
    late = await kept.loads.load(kept.one.host_id)
    await kept.moved()
    await kept.settled(kept.two)

    await kept.loads.told(late, Carried((led.address,)))
    await kept.settled(kept.one)

    found = await kept.floating.find(led.address)
    assert found.host_id == kept.two.host_id
    assert found.state is FloatingIpState.ACTIVE
    assert await kept.loads.unsettled() == set()


async def test_a_problem_is_kept_and_unsettles(kept: Kept) -> None:
    led = await kept.led()
    load = await kept.loads.load(kept.one.host_id)

    await kept.loads.told(load, Carried((), "no such interface"))

    now = await kept.floating.find(led.address)
    assert (now.state, now.problem) == (FloatingIpState.PENDING, "no such interface")
    assert await kept.loads.unsettled() == {kept.one.host_id}
    await kept.loads.silent(kept.one.host_id, "no answer")
    assert (await kept.floating.find(led.address)).problem == "no answer"


async def test_revisions_grow_over_all_hosts(kept: Kept) -> None:
    await kept.led()
    first = await kept.loads.load(kept.one.host_id)
    await kept.moved()

    later = [await kept.loads.load(agent.host_id) for agent in (kept.two, kept.one)]

    assert first.revision < later[0].revision < later[1].revision


async def test_what_is_refused_writes_nothing(kept: Kept) -> None:
    led = await kept.led()
    second = await kept.floating.allocate(Allocation("public"))

    with pytest.raises(FixedAddressInUse):
        await kept.floating.associate(second.floating_ip_id, kept.instance_id, "10.0.0.5")
    with pytest.raises(PoolExhausted):
        await kept.floating.allocate(Allocation("public"))

    assert await kept.floating.find(second.address) == second
    listed = await kept.floating.page("public", "", 10, None)
    assert [one.address for one in listed] == [led.address, second.address]
    (pool,) = await kept.floating.pools(10, ("a", ""))
    assert pool.allocated == 2


async def test_only_hosts_that_have_to_do_with_floating_ips_are_known(kept: Kept) -> None:
    await kept.led()

    assert await kept.loads.known(kept.one.host_id)
    assert not await kept.loads.known(kept.two.host_id)
    assert await kept.loads.leads_to([kept.instance_id])
    assert not await kept.loads.leads_to([a_uuid()])
