"""A controller with two fake agents, a guest with addresses, and a pool of floating IPs."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
import pytest

from chassis import answers
from controller.floating.settings import FloatingIpSettings
from tests.support.controller_world import CALL_S, Controller, World, a_world
from xenferry.controller.v1 import floating_ips_pb2, floating_ips_pb2_grpc

FIXED, SECOND, FIXED_6 = "10.0.0.5", "10.0.1.5", "fd00::5"
IMPATIENT = FloatingIpSettings(
    retry_first_s=0.02, retry_cap_s=0.1, look_s=60.0, answer_s=2.0, release_first_s=0.2
)
IDLE = floating_ips_pb2.FLOATING_IP_STATE_IDLE
PENDING = floating_ips_pb2.FLOATING_IP_STATE_PENDING
ACTIVE = floating_ips_pb2.FLOATING_IP_STATE_ACTIVE


@dataclass(frozen=True, slots=True)
class Floating:
    """The service of one controller, with few words for what tests ask of it."""

    world: World
    controller: Controller

    @property
    def address(self) -> str:
        """host:port of the controller."""
        return self.controller.address

    @property
    def stub(self) -> Any:
        """The FloatingIps service."""
        return floating_ips_pb2_grpc.FloatingIpsStub(self.controller.channel)

    async def ask(self, call: str, **arguments: Any) -> Any:
        """Make a call of the service."""
        request = getattr(floating_ips_pb2, f"{call}Request")(**arguments)
        return await getattr(self.stub, call)(request, timeout=CALL_S)

    async def refused(self, call: str, **arguments: Any) -> answers.Answer:
        """Make a call that must be refused, and return why."""
        with pytest.raises(grpc.aio.AioRpcError) as failed:
            await self.ask(call, **arguments)
        return answers.read(failed.value)

    async def pool(self, name: str = "public", cidr: str = "203.0.113.0/24", **more: Any) -> Any:
        """Make a pool."""
        return await self.ask("CreateFloatingIpPool", name=name, cidr=cidr, **more)

    async def allocated(self, pool: str = "public", **more: Any) -> Any:
        """Take an address."""
        return await self.ask("AllocateFloatingIp", pool=pool, **more)

    async def associated(self, fixed_address: str = FIXED, **more: Any) -> Any:
        """Take an address and lead it to the guest."""
        taken = await self.allocated()
        return await self.associate(taken.address, fixed_address, **more)

    async def associate(self, address: str, fixed_address: str = FIXED, **more: Any) -> Any:
        """Lead an address to the guest."""
        arguments = {"instance": self.world.guest.instance_id, "fixed_address": fixed_address}
        return await self.ask("AssociateFloatingIp", floating_ip=address, **{**arguments, **more})

    async def get(self, address: str) -> Any:
        """Return a floating IP."""
        return await self.ask("GetFloatingIp", floating_ip=address)


@asynccontextmanager
async def a_floating_world(directory: Path) -> AsyncIterator[World]:
    """Serve two agents; the guest on the first has addresses."""
    async with a_world(directory) as world:
        world.settings = replace(world.settings, floating_ips=IMPATIENT)
        world.guest.interfaces.add(vif_id="v", network_name="lan", addresses=[FIXED, FIXED_6])
        world.guest.interfaces.add(vif_id="w", network_name="dmz", addresses=[SECOND, "fe80::1"])
        yield world


@asynccontextmanager
async def a_service(world: World) -> AsyncIterator[Floating]:
    """Run a controller that both agents have registered with."""
    async with world.controller() as controller:
        yield Floating(world, controller)
