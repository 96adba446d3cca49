"""A controller as far as agents report to it: remembers what it was told, and can be away."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from chassis.errors import Unavailable
from chassis.server import Service
from tests.support.serving import serving
from xenferry.controller.v1 import host_registry_pb2, host_registry_pb2_grpc

NAME = "xenferry.controller.v1.HostRegistry"


class FakeRegistry(host_registry_pb2_grpc.HostRegistryServicer):
    """Knows instances by uuid as a controller would; `away` and `forgetful` are its faults."""

    def __init__(self, heartbeat_s: float = 0.2) -> None:
        self.heartbeat_s = heartbeat_s
        self.away = False
        self.forgetful = False
        self.registrations: list[Any] = []
        self.heartbeats: list[Any] = []
        self.refused: list[Any] = []
        self.instances: dict[str, Any] = {}
        self.host: Any = None
        self._told = asyncio.Event()

    async def RegisterHost(
        self, request: host_registry_pb2.RegisterHostRequest, _context: Any
    ) -> host_registry_pb2.RegisterHostResponse:
        self._answer(request)
        self.registrations.append(request)
        self.host = request.host
        self.instances = {one.instance_id: one for one in request.instances}
        reply = host_registry_pb2.RegisterHostResponse()
        reply.heartbeat_interval.FromMilliseconds(round(self.heartbeat_s * 1000))
        return reply

    async def Heartbeat(
        self, request: host_registry_pb2.HeartbeatRequest, _context: Any
    ) -> host_registry_pb2.HeartbeatResponse:
        self._answer(request)
        self.heartbeats.append(request)
        if request.HasField("host"):
            self.host = request.host
        self.instances.update({one.instance_id: one for one in request.changed_instances})
        for gone in request.gone_instance_ids:
            self.instances.pop(gone, None)
        forgetful, self.forgetful = self.forgetful, False
        return host_registry_pb2.HeartbeatResponse(register_again=forgetful)

    async def until(self, holds: Any, timeout_s: float = 10.0) -> None:
        """Wait until something is so; it is looked at after every call of an agent."""
        async with asyncio.timeout(timeout_s):
            while not holds():
                self._told.clear()
                await self._told.wait()

    def _answer(self, request: Any) -> None:
        self._told.set()
        if self.away:
            self.refused.append(request)
            raise Unavailable("STORE_UNAVAILABLE", "the database does not answer")


@asynccontextmanager
async def serving_registry(registry: FakeRegistry) -> AsyncIterator[str]:
    """Serve it; yields host:port."""
    service = Service(NAME, registry, host_registry_pb2_grpc.add_HostRegistryServicer_to_server)
    async with serving([service]) as address:
        yield address
