"""The Scheduler service: plan, admit, run; and what there is to read of it afterwards."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import grpc.aio

from chassis import peers
from controller.api import arguments, errors, matrix, render
from controller.api.door import Door
from controller.api.orders import Orders
from controller.api.summaries import Encoded, Summaries
from controller.api.watching import Watch
from controller.planning.planner import Planner
from controller.ports.changes import Changes
from controller.ports.history import History, Position
from controller.ports.inventory import InventoryReader
from xenferry.controller.v1 import migration_pb2, scheduler_pb2, scheduler_pb2_grpc

# How long a cancellation waits for the word of the source, before it answers that it was asked.
CANCEL_ANSWER_S = 5.0

Context = grpc.aio.ServicerContext[Any, Any]


@dataclass(frozen=True, slots=True)
class Scheduler(scheduler_pb2_grpc.SchedulerServicer):
    """Moves instances between hosts."""

    planner: Planner
    door: Door
    history: History
    changes: Changes
    inventory: InventoryReader
    orders: Orders
    summaries: Summaries = field(default_factory=Summaries)

    async def LiveMigration(
        self, request: scheduler_pb2.LiveMigrationRequest, context: Context
    ) -> migration_pb2.Migration:
        """Plan, admit and start a live migration, and return it at once."""
        wanted = arguments.live_migration(request, peers.name(context))
        if wanted.validate_only:
            return render.validated(await self.planner.plan(wanted))
        digest = arguments.digest(wanted)
        migration = await self.door.first_answer(wanted.request_id, digest)
        if migration is None:
            plan = await self.planner.plan(wanted)
            migration = await self.door.admit_and_run(plan, digest)
        return render.whole(self.changes.overlay(migration))

    async def CheckLiveMigration(
        self, request: scheduler_pb2.CheckLiveMigrationRequest, _: Context
    ) -> scheduler_pb2.CheckLiveMigrationResponse:
        """Tell for every instance and destination whether a move would be accepted."""
        hosts = sorted(await self.inventory.hosts(), key=lambda host: host.name)
        wanted = arguments.matrix(request, [host.host_id for host in hosts])
        cells = await matrix.check(self.planner, wanted, len(request.instance_ids))
        return scheduler_pb2.CheckLiveMigrationResponse(cells=[render.cell(cell) for cell in cells])

    async def GetMigration(
        self, request: scheduler_pb2.GetMigrationRequest, _: Context
    ) -> migration_pb2.Migration:
        """Return one migration with its findings and journal."""
        migration_id = arguments.migration_id(request.migration_id)
        migration = await self.history.find(migration_id)
        if migration is None:
            raise errors.migration_not_found(migration_id)
        return render.whole(self.changes.overlay(migration))

    async def ListMigrations(
        self, request: scheduler_pb2.ListMigrationsRequest, _: Context
    ) -> scheduler_pb2.ListMigrationsResponse:
        """List migrations, newest first, in pages, as summaries."""
        page = arguments.page(request)
        found = await self.history.page(page.which, page.size + 1, page.after)
        shown, more = found[: page.size], len(found) > page.size
        last = Position(shown[-1].create_time, shown[-1].migration_id) if more else None
        return scheduler_pb2.ListMigrationsResponse(
            migrations=[render.summary(self.changes.overlay(each)) for each in shown],
            next_page_token=page.token(last) if last else "",
        )

    async def WatchMigrations(
        self, request: scheduler_pb2.WatchMigrationsRequest, _: Context
    ) -> AsyncIterator[Encoded]:
        """Stream every change of the migrations that match, from a revision on."""
        newest = await self.history.revision() if request.start_revision else 0
        which, start = arguments.watch(request, newest)
        watch = Watch(
            self.history,
            self.changes,
            self.summaries,
            which,
            start,
            bookmarks=request.bookmarks,
        )
        async for response in watch.stream():
            yield response

    async def CancelMigration(
        self, request: scheduler_pb2.CancelMigrationRequest, context: Context
    ) -> migration_pb2.Migration:
        """Ask for a migration to be stopped, and tell truthfully what comes of it."""
        migration_id, reason = arguments.cancel(request)
        left_s = context.time_remaining() or CANCEL_ANSWER_S
        within_s = min(CANCEL_ANSWER_S, left_s / 2)
        migration = await self.orders.cancel(migration_id, reason, within_s)
        return render.whole(self.changes.overlay(migration))

    async def ResolveMigration(
        self, request: scheduler_pb2.ResolveMigrationRequest, _: Context
    ) -> migration_pb2.Migration:
        """Settle a STUCK migration by an operator's decision, unless XAPI contradicts it."""
        migration_id, asked, reason = arguments.resolve(request)
        migration = await self.orders.resolve(migration_id, asked, reason)
        return render.whole(self.changes.overlay(migration))
