"""The Aggregates service: hosts that form one pool."""

from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Any

import grpc.aio
import structlog

from controller.aggregates.planner import PoolPlanner
from controller.aggregates.settling import Settler
from controller.aggregates.steward import Steward
from controller.api import aggregate_arguments as arguments
from controller.api import errors, paging
from controller.api import render_aggregates as render
from controller.api.aggregate_views import Views
from controller.api.validation import Violations
from controller.model.aggregates import Aggregate, Operation, OperationPlan
from controller.model.inventory import Host
from controller.ports.aggregates import AggregateStore, OperationLedger
from controller.ports.clock import Clock
from controller.ports.registry import Registry
from xenferry.controller.v1 import aggregates_pb2, aggregates_pb2_grpc

log = structlog.get_logger()

Context = grpc.aio.ServicerContext[Any, Any]


@dataclass(frozen=True, slots=True)
class Aggregates(aggregates_pb2_grpc.AggregatesServicer):
    """Writes what is wanted; the steward makes pools so."""

    store: AggregateStore
    ledger: OperationLedger
    registry: Registry
    planner: PoolPlanner
    steward: Steward
    settler: Settler
    views: Views
    clock: Clock

    async def CreateAggregate(
        self, request: aggregates_pb2.CreateAggregateRequest, _: Context
    ) -> aggregates_pb2.Aggregate:
        """Make an aggregate without hosts."""
        wanted = arguments.new_aggregate(request)
        return await self._shown(await self.store.create(wanted.name, wanted.zone, wanted.request))

    async def GetAggregate(
        self, request: aggregates_pb2.GetAggregateRequest, _: Context
    ) -> aggregates_pb2.Aggregate:
        """Return one aggregate."""
        return await self._shown(await self.store.find(arguments.aggregate(request.aggregate)))

    async def ListAggregates(
        self, request: aggregates_pb2.ListAggregatesRequest, _: Context
    ) -> aggregates_pb2.ListAggregatesResponse:
        """List aggregates by name, in pages."""
        violations = Violations()
        bound_to = paging.binding("aggregates")
        after = paging.decode_names(violations, bound_to, request.page_token)
        size = violations.page_size(request.page_size)
        violations.raise_any()
        found = await self.store.page(size + 1, after)
        shown, more = found[:size], len(found) > size
        hosts = await self.registry.hosts()
        last = shown[-1] if more else None
        return aggregates_pb2.ListAggregatesResponse(
            aggregates=[render.aggregate(each, hosts) for each in shown],
            next_page_token=paging.encode(bound_to, last.name, last.aggregate_id) if last else "",
        )

    async def DeleteAggregate(
        self, request: aggregates_pb2.DeleteAggregateRequest, _: Context
    ) -> aggregates_pb2.DeleteAggregateResponse:
        """Forget an aggregate that has no hosts."""
        await self.store.delete(arguments.aggregate(request.aggregate))
        return aggregates_pb2.DeleteAggregateResponse()

    async def AddHost(
        self, request: aggregates_pb2.AddHostRequest, _: Context
    ) -> aggregates_pb2.AggregateOperation:
        """Check, admit and start the joining of a host."""
        wanted = arguments.membership(request)
        known = await self.ledger.replayed(wanted.request)
        if known is not None:
            return render.operation(known)
        aggregate = await self.store.find(wanted.aggregate)
        host = await self._host(wanted.host)
        plan = await self.planner.joining(aggregate, host, force=request.force)
        plan = replace(plan, again=False)
        return render.operation(await self._admitted(wanted, plan))

    async def RemoveHost(
        self, request: aggregates_pb2.RemoveHostRequest, _: Context
    ) -> aggregates_pb2.AggregateOperation:
        """Check, admit and start the ejection of a host."""
        wanted = arguments.membership(request)
        known = await self.ledger.replayed(wanted.request)
        if known is not None:
            return render.operation(known)
        aggregate = await self.store.find(wanted.aggregate)
        host = await self._host(wanted.host)
        plan = await self.planner.leaving(aggregate, host, confirm_wipe=request.confirm_wipe)
        return render.operation(await self._admitted(wanted, plan))

    async def GetAggregateOperation(
        self, request: aggregates_pb2.GetAggregateOperationRequest, _: Context
    ) -> aggregates_pb2.AggregateOperation:
        """Return one operation with its journal."""
        wanted = arguments.operation_id(request.operation_id)
        return render.operation(await self.store.operation(wanted))

    async def CancelAggregateOperation(
        self, request: aggregates_pb2.CancelAggregateOperationRequest, _: Context
    ) -> aggregates_pb2.AggregateOperation:
        """Stop an operation before anything is touched."""
        wanted = arguments.operation_id(request.operation_id)
        return render.operation(await self.ledger.cancel(wanted))

    async def SettleDrift(
        self, request: aggregates_pb2.SettleDriftRequest, _: Context
    ) -> aggregates_pb2.Aggregate:
        """Adopt what XAPI shows, or bring about what is wanted."""
        name, how = arguments.settlement(request)
        return await self._shown(await self.settler.settle(await self.store.find(name), how))

    async def WatchAggregates(
        self, request: aggregates_pb2.WatchAggregatesRequest, _: Context
    ) -> AsyncIterator[aggregates_pb2.WatchAggregatesResponse]:
        """Stream aggregates as they change, the present ones first."""
        del request
        async with aclosing(self.views.watch()) as responses:
            async for response in responses:
                yield response

    async def _shown(self, known: Aggregate) -> aggregates_pb2.Aggregate:
        return render.aggregate(known, await self.registry.hosts())

    async def _admitted(self, wanted: arguments.Membership, plan: OperationPlan) -> Operation:
        if wanted.validate_only:
            await self.ledger.consider(plan)
            now = self.clock.now()
            return Operation("", plan, now, now)
        driven = await self.ledger.admit(plan, wanted.request, self.steward.owner)
        self.steward.start(driven)
        log.info(
            "aggregate.operation",
            kind=str(plan.kind),
            aggregate=plan.aggregate_name,
            host=plan.host_name,
            operation_id=driven.operation.operation_id,
        )
        return driven.operation

    async def _host(self, name: str) -> Host:
        found = await self.registry.host(name)
        if found is not None:
            return found
        named = await self.registry.hosts_named(name)
        if not named:
            raise errors.host_not_found(name)
        if len(named) > 1:
            raise errors.ambiguous("host", name, sorted(each.host_id for each in named))
        return named[0]
