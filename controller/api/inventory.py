"""The Inventory service: what the controller knows of hosts and instances."""

import heapq
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from typing import Any, TypeVar

import grpc.aio
import structlog

from controller.api import errors, paging, watching_inventory
from controller.api import render_inventory as render
from controller.api.validation import NAME_LENGTH, REASON_LENGTH, Violations
from controller.model.inventory import Host, Instance
from controller.ports.registry import Registry
from xenferry.controller.v1 import inventory_pb2, inventory_pb2_grpc

log = structlog.get_logger()

Context = grpc.aio.ServicerContext[Any, Any]
ItemT = TypeVar("ItemT", Host, Instance)


@dataclass(frozen=True, slots=True)
class Inventory(inventory_pb2_grpc.InventoryServicer):
    """Reads the inventory, and opens and closes hosts as destinations."""

    registry: Registry

    async def GetHost(
        self, request: inventory_pb2.GetHostRequest, _: Context
    ) -> inventory_pb2.Host:
        """Return one host."""
        violations = Violations()
        name = violations.name("host", request.host)
        violations.raise_any()
        return render.host(await self._host(name))

    async def ListHosts(
        self, request: inventory_pb2.ListHostsRequest, _: Context
    ) -> inventory_pb2.ListHostsResponse:
        """List hosts by name, in pages."""
        violations = Violations()
        bound_to = paging.binding("hosts")
        after = paging.decode_names(violations, bound_to, request.page_token)
        size = violations.page_size(request.page_size)
        violations.raise_any()
        shown, more = _page(await self.registry.hosts(), size, after)
        return inventory_pb2.ListHostsResponse(
            hosts=[render.host(host) for host in shown],
            next_page_token=paging.encode(bound_to, *_key(shown[-1])) if more else "",
        )

    async def WatchHosts(
        self, request: inventory_pb2.WatchHostsRequest, _: Context
    ) -> AsyncIterator[inventory_pb2.WatchHostsResponse]:
        """Stream hosts as they change, the present ones first."""
        del request
        async for response in watching_inventory.hosts(self.registry):
            yield response

    async def GetInstance(
        self, request: inventory_pb2.GetInstanceRequest, _: Context
    ) -> inventory_pb2.Instance:
        """Return one instance."""
        violations = Violations()
        name = violations.name("instance", request.instance)
        violations.raise_any()
        found = await self.registry.instance(name)
        if found is None:
            named = await self.registry.instances_named(name)
            found = _only("instance", name, named) if named else None
        if found is None:
            raise errors.instance_not_found(name)
        return render.instance(found)

    async def ListInstances(
        self, request: inventory_pb2.ListInstancesRequest, _: Context
    ) -> inventory_pb2.ListInstancesResponse:
        """List instances by name, in pages."""
        violations = Violations()
        host_id = violations.optional_uuid("host_id", request.host_id)
        name = violations.text("name", request.name, NAME_LENGTH)
        bound_to = paging.binding(f"instances/{host_id}/{name}")
        after = paging.decode_names(violations, bound_to, request.page_token)
        size = violations.page_size(request.page_size)
        violations.raise_any()
        matching = [
            instance
            for instance in await self.registry.instances()
            if host_id in ("", instance.host_id) and name in ("", instance.name)
        ]
        shown, more = _page(matching, size, after)
        return inventory_pb2.ListInstancesResponse(
            instances=[render.instance(instance) for instance in shown],
            next_page_token=paging.encode(bound_to, *_key(shown[-1])) if more else "",
        )

    async def WatchInstances(
        self, request: inventory_pb2.WatchInstancesRequest, _: Context
    ) -> AsyncIterator[inventory_pb2.WatchInstancesResponse]:
        """Stream instances as they change, the present ones first."""
        del request
        async for response in watching_inventory.instances(self.registry):
            yield response

    async def SetHostMaintenance(
        self, request: inventory_pb2.SetHostMaintenanceRequest, _: Context
    ) -> inventory_pb2.Host:
        """Open or close a host as a destination."""
        violations = Violations()
        name = violations.name("host", request.host)
        reason = violations.text("reason", request.reason, REASON_LENGTH)
        violations.raise_any()
        host_id = (await self._host(name)).host_id
        host = await self.registry.set_maintenance(host_id, request.maintenance, reason)
        if host is None:
            raise errors.host_not_found(name)
        log.info("host.maintenance_set", host_id=host_id, on=request.maintenance, reason=reason)
        return render.host(host)

    async def _host(self, name: str) -> Host:
        host = await self.registry.host(name)
        if host is not None:
            return host
        named = await self.registry.hosts_named(name)
        if not named:
            raise errors.host_not_found(name)
        return _only("host", name, named)


def _only(field: str, name: str, named: Iterable[ItemT]) -> ItemT:
    first, *others = named
    if others:
        raise errors.ambiguous(field, name, sorted(_key(item)[1] for item in (first, *others)))
    return first


def _page(
    items: Iterable[ItemT], size: int, after: tuple[str, str] | None
) -> tuple[list[ItemT], bool]:
    """Return a page by name and id, and whether there is more behind it."""
    behind = items if after is None else [item for item in items if _key(item) > after]
    found = heapq.nsmallest(size + 1, behind, key=_key)
    return found[:size], len(found) > size


def _key(item: Host | Instance) -> tuple[str, str]:
    return item.name, item.host_id if isinstance(item, Host) else item.instance_id
