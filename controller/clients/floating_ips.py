"""The call that makes a host carry its floating IPs, and the agents whose moves they follow."""

from collections.abc import Callable
from typing import Any

from controller.clients import calling
from controller.clients.connections import Connections
from controller.clients.host_agents import HostAgents
from controller.clients.settings import AgentSettings
from controller.floating.pusher import Pusher
from controller.model.floating_ips import Carried, Load
from controller.ports.agents import Order
from controller.ports.clock import Clock
from xenferry.hostagent.v1 import floating_ips_pb2


class FloatingIpAgents:
    """Implements ports.floating_ips.CarryingAgents; raises AgentError and nothing else."""

    def __init__(self, connections: Connections, settings: AgentSettings, clock: Clock) -> None:
        self._connections = connections
        self._settings = settings
        self._clock = clock

    async def apply_floating_ips(self, load: Load) -> Carried:
        """Make a host carry exactly this; safe to repeat."""
        method: Callable[..., Any] = self._connections.stub(load.host_id).ApplyFloatingIps
        answer = await calling.call(
            method,
            _request(load),
            load.host_id,
            self._settings.check_timeout_s,
            self._settings,
            self._clock,
        )
        return _carried(answer)


class FollowedAgents(HostAgents):
    """Host agents to the saga, with the step that brings an instance's floating IPs along."""

    def __init__(
        self, connections: Connections, settings: AgentSettings, clock: Clock, pusher: Pusher
    ) -> None:
        super().__init__(connections, settings, clock)
        self._pusher = pusher

    async def has_floating_ips(self, order: Order) -> bool:
        """Tell whether a floating IP leads to the instance; asks no agent."""
        return await self._pusher.concerns(order.instance_id)

    async def move_floating_ips(self, order: Order) -> None:
        """Take them down at the source and put them up at the destination."""
        await self._pusher.follow(order.source_host_id, order.dest_host_id)


def _request(load: Load) -> floating_ips_pb2.ApplyFloatingIpsRequest:
    return floating_ips_pb2.ApplyFloatingIpsRequest(
        host_id=load.host_id,
        revision=load.revision,
        bindings=[
            floating_ips_pb2.FloatingIpBinding(
                address=binding.address,
                prefix_length=binding.prefix_length,
                instance_id=binding.instance_id,
                fixed_address=binding.fixed_address,
            )
            for binding in load.bindings
        ],
    )


def _carried(answer: floating_ips_pb2.ApplyFloatingIpsResponse) -> Carried:
    failed = [
        f"{item.address}: {item.why}"
        for item in answer.items
        if item.action
        not in (
            floating_ips_pb2.FLOATING_IP_ACTION_ADDED,
            floating_ips_pb2.FLOATING_IP_ACTION_REMOVED,
        )
    ]
    return Carried(tuple(binding.address for binding in answer.carried), "; ".join(failed))
