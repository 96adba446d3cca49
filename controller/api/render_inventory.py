"""Hosts and instances as messages."""

from controller.model.inventory import Host, Instance
from controller.wire import hosts, instances
from controller.wire.times import timestamp
from xenferry.controller.v1 import inventory_pb2


def host(known: Host) -> inventory_pb2.Host:
    """Return the message of a host."""
    return inventory_pb2.Host(
        facts=hosts.to_message(known.facts),
        agent_address=known.agent_address,
        alive=known.alive,
        heartbeat_time=timestamp(known.heartbeat_time) if known.heartbeat_time else None,
        maintenance=known.maintenance,
        maintenance_reason=known.maintenance_reason,
        reserved_memory_bytes=known.reserved_memory_bytes,
    )


def instance(known: Instance) -> inventory_pb2.Instance:
    """Return the message of an instance."""
    return inventory_pb2.Instance(
        facts=instances.to_message(known.facts),
        task_state=known.task_state,
        migration_id=known.migration_id,
    )
