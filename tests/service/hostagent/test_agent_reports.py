"""What agents tell the controller, and what they do when it is away."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import pytest

from chassis.lifetime import Lifetime
from hostagent.assembly import assemble
from hostagent.model.settings import ControllerSettings, XapiSettings
from hostagent.settings import Settings
from tests.service.hostagent.fake_registry import FakeRegistry, serving_registry
from tests.service.hostagent.pool import ARRIVED, GUESTS, Bench
from xenferry.common.v1 import inventory_pb2

pytestmark = pytest.mark.asyncio(loop_scope="session")

ADDRESS = "127.0.0.1:7001"


@asynccontextmanager
async def reporting(bench: Bench, host: str, controller: str) -> AsyncIterator[None]:
    """Run the agent of a host as far as it reports."""
    simulator = bench.simulator
    settings = Settings(
        xapi=XapiSettings(url=simulator.endpoints[host], password=simulator.password, host=host),
        controller=ControllerSettings(address=controller),
    )
    async with assemble(settings, Lifetime()) as application:
        await application.on_serving(ADDRESS)
        yield


async def test_an_agent_registers_with_its_host_and_every_instance_there(bench: Bench) -> None:
    registry = FakeRegistry()
    async with serving_registry(registry) as address, reporting(bench, "xs1", address):
        await registry.until(lambda: registry.heartbeats)

    (told,) = registry.registrations
    names = {instance.name for instance in told.instances}
    assert told.agent_address == ADDRESS
    assert told.host.name == "xs1"
    assert told.host.coordinator
    assert {sr.name for sr in told.host.storage_repositories} == {"nfs-1", "xs1-local"}
    assert {network.name for network in told.host.networks if network.available} >= {"lan", "dmz"}
    assert {"local-1", "dmz-1", "parked-1"} <= names
    assert not any("Control domain" in name for name in names)
    assert registry.heartbeats[0].sequence == 1
    assert not registry.heartbeats[0].changed_instances


async def test_the_agents_of_a_pool_report_each_instance_once(bench: Bench) -> None:
    first, second = FakeRegistry(), FakeRegistry()
    async with AsyncExitStack() as stack:
        for registry, host in ((first, "xs1"), (second, "xs2")):
            address = await stack.enter_async_context(serving_registry(registry))
            await stack.enter_async_context(reporting(bench, host, address))
            await registry.until(lambda registry=registry: registry.registrations)

    assert not first.instances.keys() & second.instances.keys()
    assert len(first.instances) + len(second.instances) >= GUESTS


async def test_a_move_is_reported_at_once_by_both_hosts(bench: Bench) -> None:
    guest = bench.guest()
    source, dest = FakeRegistry(heartbeat_s=30), FakeRegistry(heartbeat_s=30)
    async with AsyncExitStack() as stack:
        for registry, host in ((source, "xs1"), (dest, "xs2")):
            address = await stack.enter_async_context(serving_registry(registry))
            await stack.enter_async_context(reporting(bench, host, address))
            await registry.until(lambda registry=registry: registry.registrations)
        free = dest.host.memory_free_bytes

        assert (await bench.move(guest))[-1].outcome == ARRIVED

        await source.until(lambda: guest.uuid not in source.instances)
        await dest.until(lambda: guest.uuid in dest.instances)
        await dest.until(lambda: dest.host.memory_free_bytes < free)
        await dest.until(lambda: not dest.instances[guest.uuid].current_operations)
    assert dest.instances[guest.uuid].host_id == bench.dest.host.host_id
    assert [beat.sequence for beat in dest.heartbeats] == list(range(1, len(dest.heartbeats) + 1))


async def test_a_guest_that_is_shut_down_stays_known(bench: Bench) -> None:
    guest = bench.guest()
    registry = FakeRegistry(heartbeat_s=30)
    async with serving_registry(registry) as address, reporting(bench, "xs1", address):
        await registry.until(lambda: registry.registrations)

        bench.xapi.VM.hard_shutdown(guest.ref)

        halted = inventory_pb2.POWER_STATE_HALTED
        await registry.until(lambda: registry.instances[guest.uuid].power_state == halted)
    assert not registry.instances[guest.uuid].host_id


async def test_an_agent_that_is_asked_registers_again(bench: Bench) -> None:
    registry = FakeRegistry()
    registry.forgetful = True
    async with serving_registry(registry) as address, reporting(bench, "xs1", address):
        await registry.until(lambda: len(registry.registrations) == 2)
        await registry.until(lambda: len(registry.heartbeats) == 2)

    first, second = registry.registrations
    assert first.agent_session_id == second.agent_session_id
    assert registry.heartbeats[-1].sequence == 1


async def test_a_heartbeat_without_an_answer_is_sent_again_as_it_was(bench: Bench) -> None:
    guest = bench.guest()
    registry = FakeRegistry(heartbeat_s=30)
    async with serving_registry(registry) as address, reporting(bench, "xs1", address):
        await registry.until(lambda: registry.registrations)
        registry.away = True
        bench.xapi.VM.hard_shutdown(guest.ref)
        await registry.until(lambda: len(registry.refused) >= 2)

        registry.away = False

        await registry.until(lambda: registry.heartbeats)
    assert registry.refused[0] == registry.refused[1] == registry.heartbeats[0]
    assert len(registry.registrations) == 1


async def test_an_agent_whose_controller_comes_late_registers_then(bench: Bench) -> None:
    registry = FakeRegistry()
    registry.away = True
    async with serving_registry(registry) as address, reporting(bench, "xs1", address):
        await registry.until(lambda: registry.refused)

        registry.away = False

        await registry.until(lambda: registry.heartbeats)
    assert len(registry.registrations) == 1
