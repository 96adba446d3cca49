"""Agents that are away: what is asked of them waits, and goes on when they are back."""

import asyncio
from pathlib import Path

from chassis.lifetime import Lifetime
from chassis.server import Server
from chassis.tls import TlsSettings
from tests.support.controller_world import World, a_world
from tests.support.fake_agent import FakeAgent
from tests.support.serving import untranslated
from xenferry.controller.v1 import migration_pb2

SUCCEEDED = migration_pb2.MIGRATION_STATE_SUCCEEDED


async def serve(agent: FakeAgent, address: str) -> Server:
    server = Server([agent.service()], Lifetime(), untranslated)
    await server.start(address, TlsSettings())
    return server


async def a_free_address(agent: FakeAgent) -> str:
    server = Server([agent.service()], Lifetime(), untranslated)
    address = await server.start("127.0.0.1:0", TlsSettings())
    await server.stop(0)
    return address


def move_address(world: World, agent_address: str) -> None:
    world.addresses = (world.addresses[0], agent_address)


async def test_step_waits_for_an_agent_that_restarts(tmp_path: Path) -> None:
    async with a_world(tmp_path, move_s=0.3) as world:
        address = await a_free_address(world.two)
        move_address(world, address)
        server = await serve(world.two, address)
        async with world.controller() as controller:
            asked = await controller.migrate(world.guest.instance_id, "xs2")
            await controller.reached(asked.migration_id, (migration_pb2.MIGRATION_STATE_MOVING,))
            await server.stop(0)
            await asyncio.sleep(0.6)
            server = await serve(world.two, address)

            ended = await controller.ended(asked.migration_id)

            assert ended.state == SUCCEEDED
        await server.stop(0)


async def test_agent_that_registers_elsewhere_is_found_there(tmp_path: Path) -> None:
    async with a_world(tmp_path) as world:
        good = world.addresses[1]
        move_address(world, "127.0.0.1:1")
        async with world.controller() as controller:
            move_address(world, good)
            await world.register(controller)

            asked = await controller.migrate(world.guest.instance_id, "xs2")

            assert (await controller.ended(asked.migration_id)).state == SUCCEEDED
