"""The FloatingIps service: addresses of the public network that lead to instances."""

import ipaddress
from dataclasses import dataclass
from typing import Any

import grpc.aio
import structlog

from controller.api import errors, paging
from controller.api import floating_ip_arguments as arguments
from controller.api import render_floating_ips as render
from controller.api.validation import Violations
from controller.floating import choosing
from controller.floating.reconciler import Reconciler
from controller.model.floating_ips import FloatingIp, sort_key
from controller.model.inventory import Instance
from controller.ports.floating_ips import FloatingIpNotFound, FloatingIpStore, PoolNotFound
from controller.ports.registry import Registry
from xenferry.controller.v1 import floating_ips_pb2, floating_ips_pb2_grpc

log = structlog.get_logger()

Context = grpc.aio.ServicerContext[Any, Any]


@dataclass(frozen=True, slots=True)
class FloatingIps(floating_ips_pb2_grpc.FloatingIpsServicer):
    """Writes what is wanted; the reconciler makes hosts carry it."""

    store: FloatingIpStore
    registry: Registry
    reconciler: Reconciler

    async def CreateFloatingIpPool(
        self, request: floating_ips_pb2.CreateFloatingIpPoolRequest, _: Context
    ) -> floating_ips_pb2.FloatingIpPool:
        """Make a pool of addresses."""
        name, addresses = arguments.new_pool(request)
        return render.pool(await self.store.create_pool(name, addresses))

    async def GetFloatingIpPool(
        self, request: floating_ips_pb2.GetFloatingIpPoolRequest, _: Context
    ) -> floating_ips_pb2.FloatingIpPool:
        """Return one pool."""
        return render.pool(await self.store.pool(arguments.pool(request.pool)))

    async def ListFloatingIpPools(
        self, request: floating_ips_pb2.ListFloatingIpPoolsRequest, _: Context
    ) -> floating_ips_pb2.ListFloatingIpPoolsResponse:
        """List the pools by name, in pages."""
        violations = Violations()
        bound_to = paging.binding("floating_ip_pools")
        after = paging.decode_names(violations, bound_to, request.page_token)
        size = violations.page_size(request.page_size)
        violations.raise_any()
        found = await self.store.pools(size + 1, after)
        shown, more = found[:size], len(found) > size
        last = (shown[-1].name, shown[-1].pool_id) if more else None
        return floating_ips_pb2.ListFloatingIpPoolsResponse(
            pools=[render.pool(pool) for pool in shown],
            next_page_token=paging.encode(bound_to, *last) if last else "",
        )

    async def DeleteFloatingIpPool(
        self, request: floating_ips_pb2.DeleteFloatingIpPoolRequest, _: Context
    ) -> floating_ips_pb2.DeleteFloatingIpPoolResponse:
        """Delete a pool that has no address allocated."""
        try:
            await self.store.delete_pool(arguments.pool(request.pool))
        except PoolNotFound:
            if not request.allow_missing:
                raise
        return floating_ips_pb2.DeleteFloatingIpPoolResponse()

    async def AllocateFloatingIp(
        self, request: floating_ips_pb2.AllocateFloatingIpRequest, _: Context
    ) -> floating_ips_pb2.FloatingIp:
        """Take an address from a pool."""
        return render.floating_ip(await self.store.allocate(arguments.allocation(request)))

    async def AssociateFloatingIp(
        self, request: floating_ips_pb2.AssociateFloatingIpRequest, _: Context
    ) -> floating_ips_pb2.FloatingIp:
        """Lead a floating IP to an address of an instance."""
        wanted = arguments.association(request)
        known = await self.store.find(wanted.floating_ip)
        instance = await self._instance(wanted.instance)
        address = ipaddress.ip_address(known.address)
        fixed = choosing.fixed_address(instance, address, wanted.fixed_address, wanted.unverified)
        led = await self.store.associate(known.floating_ip_id, instance.instance_id, fixed)
        log.info("floating_ip.associated", address=led.address, instance_id=led.instance_id)
        return await self._settled(led)

    async def DisassociateFloatingIp(
        self, request: floating_ips_pb2.DisassociateFloatingIpRequest, _: Context
    ) -> floating_ips_pb2.FloatingIp:
        """Lead a floating IP nowhere."""
        known = await self.store.find(arguments.floating_ip(request.floating_ip))
        free = await self.store.disassociate(known.floating_ip_id)
        log.info("floating_ip.disassociated", address=free.address, instance_id=known.instance_id)
        return await self._settled(free, known)

    async def ReleaseFloatingIp(
        self, request: floating_ips_pb2.ReleaseFloatingIpRequest, _: Context
    ) -> floating_ips_pb2.ReleaseFloatingIpResponse:
        """Give an address back to its pool."""
        try:
            known = await self.store.find(arguments.floating_ip(request.floating_ip))
            await self.store.release(known.floating_ip_id)
        except FloatingIpNotFound:
            if not request.allow_missing:
                raise
        return floating_ips_pb2.ReleaseFloatingIpResponse()

    async def GetFloatingIp(
        self, request: floating_ips_pb2.GetFloatingIpRequest, _: Context
    ) -> floating_ips_pb2.FloatingIp:
        """Return one floating IP."""
        named = arguments.floating_ip(request.floating_ip)
        return render.floating_ip(await self.store.find(named))

    async def ListFloatingIps(
        self, request: floating_ips_pb2.ListFloatingIpsRequest, _: Context
    ) -> floating_ips_pb2.ListFloatingIpsResponse:
        """List floating IPs by address, in pages."""
        violations = Violations()
        instance_id = violations.optional_uuid("instance_id", request.instance_id)
        pool = arguments.of_pool(violations, request.pool)
        bound_to = paging.binding(f"floating_ips/{pool}/{instance_id}")
        after = paging.decode_names(violations, bound_to, request.page_token)
        size = violations.page_size(request.page_size)
        violations.raise_any()
        found = await self.store.page(pool, instance_id, size + 1, after)
        shown, more = found[:size], len(found) > size
        last = sort_key(ipaddress.ip_address(shown[-1].address)) if more else ""
        return floating_ips_pb2.ListFloatingIpsResponse(
            floating_ips=[render.floating_ip(each) for each in shown],
            next_page_token=paging.encode(bound_to, last, "") if last else "",
        )

    async def _settled(self, *known: FloatingIp) -> floating_ips_pb2.FloatingIp:
        """Have the hosts told, and return what has become of it.

        `known` is how it is, and how it was: a host may carry what it has not answered for.
        """
        hosts = {host_id for one in known for host_id in (one.host_id, one.wanted_host_id)}
        await self.reconciler.settle(hosts - {""})
        return render.floating_ip(await self.store.find(known[0].floating_ip_id))

    async def _instance(self, name: str) -> Instance:
        found = await self.registry.instance(name)
        if found is not None:
            return found
        named = await self.registry.instances_named(name)
        if not named:
            raise errors.instance_not_found(name)
        if len(named) > 1:
            raise errors.ambiguous("instance", name, sorted(each.instance_id for each in named))
        return named[0]
