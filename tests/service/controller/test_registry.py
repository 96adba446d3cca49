"""RegisterHost and Heartbeat: what agents tell is what clients see."""

import uuid
from pathlib import Path

import grpc
import grpc.aio
import pytest

from tests.support.answered import answer_of, violated_fields
from tests.support.controller_world import CALL_S, Controller, a_world, running
from xenferry.common.v1 import inventory_pb2 as common
from xenferry.controller.v1 import host_registry_pb2, host_registry_pb2_grpc, inventory_pb2


async def instance(controller: Controller, instance_id: str) -> inventory_pb2.Instance:
    request = inventory_pb2.GetInstanceRequest(instance=instance_id)
    return await controller.inventory.GetInstance(request, timeout=CALL_S)


async def test_registration_is_told_how_often_to_report(tmp_path: Path) -> None:
    async with a_world(tmp_path) as world, running(world.settings) as controller:
        stub = host_registry_pb2_grpc.HostRegistryStub(controller.channel)
        answer = await stub.RegisterHost(
            host_registry_pb2.RegisterHostRequest(
                host=world.one.host,
                agent_address="[::1]:1234",
                agent_session_id=str(uuid.uuid4()),
            ),
            timeout=CALL_S,
        )

        assert answer.heartbeat_interval.ToMilliseconds() == 2_000


async def test_heartbeat_of_an_unknown_host_is_asked_to_register(tmp_path: Path) -> None:
    async with a_world(tmp_path) as world, running(world.settings) as controller:
        assert await world.one.heartbeat(controller.channel)
        await world.one.register(controller.channel, world.addresses[0])
        assert not await world.one.heartbeat(controller.channel)


async def test_restarted_controller_asks_every_agent_to_register(tmp_path: Path) -> None:
    async with a_world(tmp_path) as world:
        async with world.controller() as controller:
            assert not await world.one.heartbeat(controller.channel)

        async with running(world.settings) as controller:
            request = inventory_pb2.GetHostRequest(host="xs1")
            host = await controller.inventory.GetHost(request, timeout=CALL_S)
            assert not host.alive
            assert (await instance(controller, "web-1")).facts == world.guest
            assert await world.one.heartbeat(controller.channel)


async def test_changes_and_moves_by_others_are_seen(tmp_path: Path) -> None:
    async with a_world(tmp_path) as world, world.controller() as controller:
        world.guest.power_state = common.POWER_STATE_PAUSED
        new = world.one.guest("db-1")
        await world.one.heartbeat(controller.channel, changed_instances=[world.guest, new])

        seen = await instance(controller, "web-1")
        assert seen.facts.power_state == common.POWER_STATE_PAUSED
        assert (await instance(controller, "db-1")).facts == new

        await world.one.heartbeat(controller.channel, gone_instance_ids=[new.instance_id])
        new.host_id = world.two.host_id
        await world.two.heartbeat(controller.channel, changed_instances=[new])
        assert (await instance(controller, "db-1")).facts.host_id == world.two.host_id


async def test_malformed_registration_is_refused_with_every_violation(tmp_path: Path) -> None:
    async with a_world(tmp_path) as world, running(world.settings) as controller:
        request = host_registry_pb2.RegisterHostRequest(
            instances=[common.InstanceFacts(instance_id="x", host_id="y")],
            agent_address="nowhere",
        )
        stub = host_registry_pb2_grpc.HostRegistryStub(controller.channel)

        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await stub.RegisterHost(request, timeout=CALL_S)

    assert violated_fields(answer_of(raised)) == [
        "host.name",
        "host.host_id",
        "instances[0].instance_id",
        "instances[0].host_id",
        "agent_address",
        "agent_session_id",
    ]


async def test_malformed_heartbeat_is_refused_with_every_violation(tmp_path: Path) -> None:
    async with a_world(tmp_path) as world, running(world.settings) as controller:
        request = host_registry_pb2.HeartbeatRequest(
            host_id=world.one.host_id, host=world.two.host, gone_instance_ids=["x"]
        )
        stub = host_registry_pb2_grpc.HostRegistryStub(controller.channel)

        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await stub.Heartbeat(request, timeout=CALL_S)

    assert violated_fields(answer_of(raised)) == [
        "agent_session_id",
        "sequence",
        "host.host_id",
        "gone_instance_ids[0]",
    ]
