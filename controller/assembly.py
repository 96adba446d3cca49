"""Puts the controller together, lowest layer first, and takes it apart in reverse."""

import os
import socket
import uuid
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import structlog

from chassis.lifetime import Lifetime
from chassis.program import Application, StartRefused
from chassis.server import Service
from controller.aggregate_assembly import aggregates
from controller.api import errors
from controller.api.door import Door
from controller.api.host_registry import HostRegistry
from controller.api.inventory import Inventory as InventoryService
from controller.api.orders import Orders
from controller.api.placed import Placed
from controller.api.scheduler import Scheduler
from controller.clients.connections import Connections
from controller.clients.floating_ips import FollowedAgents
from controller.clock import SystemClock
from controller.floating_assembly import Floating, floating_ips
from controller.planning.planner import Planner
from controller.saga.cancelling import Canceller
from controller.saga.resolving import Resolver
from controller.saga.runner import Runner
from controller.settings import InventorySettings, Settings
from controller.store.admission import SqlAdmission
from controller.store.database import Database
from controller.store.disk_holds import DiskHolds
from controller.store.errors import DatabaseRefused
from controller.store.history import SqlHistory
from controller.store.inventory import Inventory
from controller.store.ledger import SqlLedger
from controller.store.live import LiveMigrations
from controller.store.liveness import Liveness
from controller.store.opening import open_database
from controller.store.pool_changes import PoolChanges
from controller.together import Parts, going_on
from xenferry.controller.v1 import (
    host_registry_pb2_grpc,
    inventory_pb2_grpc,
    scheduler_pb2_grpc,
)

PULSES_A_HEARTBEAT = 2
"""How often it is looked for hosts that have come alive or fallen silent."""

log = structlog.get_logger()


@asynccontextmanager
async def assemble(settings: Settings, lifetime: Lifetime) -> AsyncIterator[Application]:
    """Yield the controller's services, with every open migration under way again."""
    del lifetime
    try:
        database = await open_database(settings.store)
    except DatabaseRefused as error:
        raise StartRefused(str(error)) from error
    try:
        async with _running(settings, database) as application:
            yield application
    finally:
        await database.close()


@asynccontextmanager
async def _running(settings: Settings, database: Database) -> AsyncIterator[Application]:
    parts = await _parts(settings, database)
    async with AsyncExitStack() as exits:
        connections = Connections(parts.inventory, settings.tls)
        exits.push_async_callback(connections.close)
        floating = floating_ips(settings, database, parts.inventory, connections, parts.clock)
        changes = PoolChanges()
        pools = aggregates(
            settings, database, parts.inventory, connections, parts.clock, parts.owner, changes
        )
        scheduler, runner = _scheduling(settings, parts, floating.agents, changes)
        background = await exits.enter_async_context(going_on(parts, runner))
        floating.reconciler.start()
        exits.push_async_callback(floating.reconciler.stop)
        pools.steward.begin()
        exits.push_async_callback(pools.steward.stop)
        log.info("controller.assembled", owner=parts.owner, resumed_migrations=background.resumed)
        services = _services(scheduler, parts.inventory, settings.inventory, floating)
        yield Application(
            services=[*services, pools.service],
            trouble=lambda: database.trouble or background.trouble,
            translate=errors.translate,
        )


async def _parts(settings: Settings, database: Database) -> Parts:
    """Return what everything works on, with the inventory read from the database."""
    clock, live, owner = SystemClock(), LiveMigrations(), _owner()
    liveness = Liveness(settings.inventory.alive_after_s, clock)
    inventory = Inventory(database, live, liveness, owner)
    await inventory.load()
    pulse_s = settings.inventory.heartbeat_s / PULSES_A_HEARTBEAT
    return Parts(database, settings.store, clock, live, liveness, inventory, owner, pulse_s)


def _scheduling(
    settings: Settings, parts: Parts, agents: FollowedAgents, changes: PoolChanges
) -> tuple[Scheduler, Runner]:
    """Return the service that takes orders, and who drives the migrations."""
    database, clock, live = parts.database, parts.clock, parts.live
    ledger = SqlLedger(database, live, clock)
    limits = settings.queue.limits()
    runner = Runner(parts.owner, ledger, agents, clock, live, settings.saga, limits)
    holds = DiskHolds()
    live.listen(runner.heard)
    live.listen(holds.heard)
    scheduler = Scheduler(
        planner=Planner(parts.inventory, agents, clock, holds, changes),
        door=Door(SqlAdmission(database, live, clock), runner.start, parts.owner),
        history=SqlHistory(database),
        changes=Placed(live, runner.position),
        inventory=parts.inventory,
        orders=Orders(Canceller(ledger), Resolver(ledger, agents), live),
    )
    return scheduler, runner


def _services(
    scheduler: Scheduler, inventory: Inventory, settings: InventorySettings, floating: Floating
) -> list[Service]:
    package = "xenferry.controller.v1"
    return [
        Service(
            f"{package}.Scheduler", scheduler, scheduler_pb2_grpc.add_SchedulerServicer_to_server
        ),
        Service(
            f"{package}.Inventory",
            InventoryService(inventory),
            inventory_pb2_grpc.add_InventoryServicer_to_server,
        ),
        Service(
            f"{package}.HostRegistry",
            HostRegistry(inventory, settings.heartbeat_s, floating.reconciler),
            host_registry_pb2_grpc.add_HostRegistryServicer_to_server,
        ),
        floating.service,
    ]


def _owner() -> str:
    """Return a name that no other process ever had."""
    return f"{socket.gethostname()}/{os.getpid()}/{uuid.uuid4()}"
