"""The HostRegistry service: where agents report."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import grpc.aio
import structlog
from google.protobuf.duration_pb2 import Duration

from controller.api.validation import Violations
from controller.ports.floating_ips import InventoryListener
from controller.ports.registry import Delta, Registration, Registry
from controller.wire import hosts, instances
from xenferry.common.v1 import inventory_pb2
from xenferry.controller.v1 import host_registry_pb2, host_registry_pb2_grpc

log = structlog.get_logger()

Context = grpc.aio.ServicerContext[Any, Any]


@dataclass(frozen=True, slots=True)
class HostRegistry(host_registry_pb2_grpc.HostRegistryServicer):
    """Takes registrations and heartbeats."""

    registry: Registry
    heartbeat_s: float
    listener: InventoryListener

    async def RegisterHost(
        self, request: host_registry_pb2.RegisterHostRequest, _: Context
    ) -> host_registry_pb2.RegisterHostResponse:
        """Make a host known, or known again, with all it has."""
        registration = _registration(request)
        await self.registry.register(registration)
        self.listener.registered(registration.host.host_id)
        log.info(
            "host.registered",
            host_id=registration.host.host_id,
            name=registration.host.name,
            agent=registration.agent_address,
            version=request.agent_version,
            instances=len(registration.instances),
        )
        interval = Duration()
        interval.FromMilliseconds(round(self.heartbeat_s * 1000))
        return host_registry_pb2.RegisterHostResponse(heartbeat_interval=interval)

    async def Heartbeat(
        self, request: host_registry_pb2.HeartbeatRequest, _: Context
    ) -> host_registry_pb2.HeartbeatResponse:
        """Take that a host is alive and what changed on it."""
        delta = _delta(request)
        taken = await self.registry.heartbeat(delta)
        seen = {facts.instance_id: facts.host_id for facts in delta.changed}
        self.listener.seen({**seen, **dict.fromkeys(delta.gone, "")})
        return host_registry_pb2.HeartbeatResponse(register_again=not taken)


def _registration(request: host_registry_pb2.RegisterHostRequest) -> Registration:
    violations = Violations()
    violations.name("host.name", request.host.name)
    violations.uuid("host.host_id", request.host.host_id)
    _check_instances(violations, "instances", request.instances)
    violations.address("agent_address", request.agent_address)
    violations.uuid("agent_session_id", request.agent_session_id)
    violations.raise_any()
    return Registration(
        host=hosts.from_message(request.host),
        instances=[instances.from_message(each) for each in request.instances],
        agent_address=request.agent_address,
        agent_session_id=request.agent_session_id,
    )


def _delta(request: host_registry_pb2.HeartbeatRequest) -> Delta:
    violations = Violations()
    violations.uuid("host_id", request.host_id)
    violations.uuid("agent_session_id", request.agent_session_id)
    violations.number("sequence", request.sequence, 1)
    if request.HasField("host") and request.host.host_id != request.host_id:
        violations.add("host.host_id", "must be the host_id of the heartbeat")
    _check_instances(violations, "changed_instances", request.changed_instances)
    for index, value in enumerate(request.gone_instance_ids):
        violations.uuid(f"gone_instance_ids[{index}]", value)
    violations.raise_any()
    return Delta(
        host_id=request.host_id,
        agent_session_id=request.agent_session_id,
        sequence=request.sequence,
        host=hosts.from_message(request.host) if request.HasField("host") else None,
        changed=[instances.from_message(each) for each in request.changed_instances],
        gone=tuple(request.gone_instance_ids),
    )


def _check_instances(
    violations: Violations, field: str, told: Iterable[inventory_pb2.InstanceFacts]
) -> None:
    for index, facts in enumerate(told):
        violations.uuid(f"{field}[{index}].instance_id", facts.instance_id)
        violations.optional_uuid(f"{field}[{index}].host_id", facts.host_id)
