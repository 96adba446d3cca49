"""Watches of hosts and of instances: what is there, a mark, then what has changed.

What changes several times before a watcher asks is told once, as it is then: a slow watcher is late
and never grows.
"""

from collections.abc import AsyncIterator

from controller.api import render_inventory as render
from controller.ports.registry import Registry
from xenferry.controller.v1 import inventory_pb2


async def hosts(registry: Registry) -> AsyncIterator[inventory_pb2.WatchHostsResponse]:
    """Yield every host, a response without one, and then hosts that change."""
    following = registry.follow_hosts()
    try:
        for host in await registry.hosts():
            yield inventory_pb2.WatchHostsResponse(host=render.host(host))
        yield inventory_pb2.WatchHostsResponse()
        while True:
            for host_id in await following.next():
                known = await registry.host(host_id)
                if known is not None:
                    yield inventory_pb2.WatchHostsResponse(host=render.host(known))
    finally:
        following.close()


async def instances(registry: Registry) -> AsyncIterator[inventory_pb2.WatchInstancesResponse]:
    """Yield every instance, a response without one, and then instances that change or go."""
    following = registry.follow_instances()
    try:
        for instance in await registry.instances():
            yield inventory_pb2.WatchInstancesResponse(instance=render.instance(instance))
        yield inventory_pb2.WatchInstancesResponse()
        while True:
            for instance_id in await following.next():
                known = await registry.instance(instance_id)
                if known is None:
                    yield inventory_pb2.WatchInstancesResponse(gone_instance_id=instance_id)
                else:
                    yield inventory_pb2.WatchInstancesResponse(instance=render.instance(known))
    finally:
        following.close()
