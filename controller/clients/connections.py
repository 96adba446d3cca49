"""A channel to each agent, opened at the first call and kept."""

import grpc.aio

from chassis import channels
from chassis.tls import PlaintextRefused, TlsSettings
from controller.clients import failures
from controller.ports.registry import AgentDirectory
from xenferry.hostagent.v1 import host_agent_pb2_grpc


class Connections:
    """Finds the agent of a host; an agent that moved to another address gets a new channel."""

    def __init__(self, directory: AgentDirectory, tls: TlsSettings) -> None:
        self._directory = directory
        self._tls = tls
        self._open: dict[str, tuple[grpc.aio.Channel, host_agent_pb2_grpc.HostAgentStub]] = {}

    def stub(self, host_id: str) -> host_agent_pb2_grpc.HostAgentStub:
        """Return the stub of a host's agent; raises AgentUnavailable if there is no way."""
        address = self._directory.agent_address(host_id)
        if not address:
            raise failures.unreachable(host_id, "the agent of this host never registered")
        if address not in self._open:
            try:
                channel = channels.open_channel(address, self._tls)
            except PlaintextRefused as error:
                raise failures.unreachable(host_id, str(error)) from error
            self._open[address] = channel, host_agent_pb2_grpc.HostAgentStub(channel)
        return self._open[address][1]

    async def close(self) -> None:
        """Close every channel; calls under way fail."""
        for channel, _ in self._open.values():
            await channel.close()
        self._open.clear()
