"""Puts the controller together, lowest layer first, and takes it apart in reverse."""

import os
import socket
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

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
from controller.clock import SystemClock
from controller.floating_assembly import Floating, floating_ips
from controller.planning.planner import Planner
from controller.saga.cancelling import Canceller
from controller.saga.resolving import Resolver
from controller.saga.runner import Runner
from controller.settings import InventorySettings, Settings
from controller.store.admission import SqlAdmission
from controller.store.database import Database
from controller.store.errors import DatabaseRefused
from controller.store.history import SqlHistory
from controller.store.inventory import Inventory
from controller.store.ledger import SqlLedger
from controller.store.live import LiveMigrations
from controller.store.liveness import Liveness
from controller.store.opening import open_database
from controller.together import Parts, going_on
from xenferry.controller.v1 import (
    host_registry_pb2_grpc,
    inventory_pb2_grpc,
    scheduler_pb2_grpc,
)

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
    clock, live, owner = SystemClock(), LiveMigrations(), _owner()
    liveness = Liveness(settings.inventory.alive_after_s, clock)
    inventory = Inventory(database, live, liveness, owner)
    await inventory.load()
    connections = Connections(inventory, settings.tls)
    floating = floating_ips(settings, database, inventory, connections, clock)
    agents = floating.agents
    pools = aggregates(settings, database, inventory, connections, clock, owner)
    ledger = SqlLedger(database, live, clock)
    limits = settings.queue.limits()
    runner = Runner(owner, ledger, agents, clock, live, settings.saga, limits)
    live.listen(runner.heard)
    scheduler = Scheduler(
        planner=Planner(inventory, agents, clock),
        door=Door(SqlAdmission(database, live, clock), runner.start, owner),
        history=SqlHistory(database),
        changes=Placed(live, runner.position),
        inventory=inventory,
        orders=Orders(Canceller(ledger), Resolver(ledger, agents), live),
    )
    parts = Parts(database, settings.store, clock, live, liveness, inventory, owner)
    try:
        async with going_on(parts, runner) as background:
            floating.reconciler.start()
            pools.steward.begin()
            resumed = background.resumed
            log.info("controller.assembled", owner=owner, resumed_migrations=resumed)
            try:
                yield Application(
                    services=[
                        *_services(scheduler, inventory, settings.inventory, floating),
                        pools.service,
                    ],
                    trouble=lambda: database.trouble or background.trouble,
                    translate=errors.translate,
                )
            finally:
                await pools.steward.stop()
                await floating.reconciler.stop()
    finally:
        await connections.close()


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
