"""The part of a fake agent that carries floating IPs."""

import asyncio
from typing import Any

from chassis.errors import Conflict, ServiceError
from xenferry.common.v1 import fence_pb2
from xenferry.hostagent.v1 import floating_ips_pb2, host_agent_pb2_grpc

Bindings = dict[str, floating_ips_pb2.FloatingIpBinding]


class FakeCarrier(host_agent_pb2_grpc.HostAgentServicer):
    """Remembers what it is to carry; `unfit_address` is one that its machine does not take."""

    def __init__(self) -> None:
        self.floating_ips: Bindings = {}
        self.floating_revision = 0
        self.unfit_address = ""
        self._told = asyncio.Event()
        self.answers = asyncio.Event()
        """Cleared: it does what it is told, and its answers wait."""
        self.answers.set()

    def forget_floating_ips(self) -> None:
        """Be a machine that was started anew."""
        self.floating_ips, self.floating_revision = {}, 0

    async def carries(self, *addresses: str, within_s: float = 8.0) -> None:
        """Wait until it carries exactly these; raises TimeoutError."""
        async with asyncio.timeout(within_s):
            while set(self.floating_ips) != set(addresses):
                self._told.clear()
                await self._told.wait()

    async def ApplyFloatingIps(
        self, request: floating_ips_pb2.ApplyFloatingIpsRequest, _: Any
    ) -> floating_ips_pb2.ApplyFloatingIpsResponse:
        """Carry exactly these, less the one that the machine does not take."""
        lost = await self._enter("ApplyFloatingIps")
        if request.host_id != self.host_id:
            raise ServiceError("WRONG_HOST", f"this is {self.host_id}")
        if request.revision < self.floating_revision:
            raise Conflict("STALE_REVISION", f"{self.floating_revision} was applied")
        self.floating_revision = request.revision
        answer = floating_ips_pb2.ApplyFloatingIpsResponse(revision=request.revision)
        wanted = {one.address: one for one in request.bindings}
        self.floating_ips = {key: one for key, one in wanted.items() if key != self.unfit_address}
        answer.carried.extend(self.floating_ips.values())
        if self.unfit_address in wanted:
            failed = floating_ips_pb2.FLOATING_IP_ACTION_FAILED
            answer.items.add(address=self.unfit_address, action=failed, why="no such interface")
        self._told.set()
        await self.answers.wait()
        self._reply(lost)
        return answer

    @property
    def host_id(self) -> str:
        """The host's uuid."""
        raise NotImplementedError

    async def _enter(self, method: str, fence: fence_pb2.Fence | None = None) -> bool:
        raise NotImplementedError

    def _reply(self, lost: bool) -> None:
        raise NotImplementedError
