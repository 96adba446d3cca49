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
from controller.api import errors
from controller.api.door import Door
from controller.api.host_registry import HostRegistry
from controller.api.inventory import Inventory as InventoryService
from controller.api.scheduler import Scheduler
from controller.clients.connections import Connections
from controller.clients.host_agents import HostAgents
from controller.clock import SystemClock
from controller.planning.planner import Planner
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
        database = await Database.open(settings.store.url)
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
    inventory = Inventory(database, live, liveness)
    await inventory.load()
    connections = Connections(inventory, settings.tls)
    agents = HostAgents(connections, settings.agents, clock)
    ledger = SqlLedger(database, live, clock)
    runner = Runner(owner, ledger, agents, clock, live, settings.saga)
    scheduler = Scheduler(
        planner=Planner(inventory, agents, clock),
        door=Door(SqlAdmission(database, live, clock), runner.start, owner),
        history=SqlHistory(database),
        changes=live,
        inventory=inventory,
    )
    resumed = await runner.resume()
    log.info("controller.assembled", owner=owner, resumed_migrations=resumed)
    try:
        yield Application(
            services=_services(scheduler, inventory, settings.inventory),
            trouble=lambda: database.trouble,
            translate=errors.translate,
        )
    finally:
        await runner.stop()
        await connections.close()


def _services(
    scheduler: Scheduler, inventory: Inventory, settings: InventorySettings
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
            HostRegistry(inventory, settings.heartbeat_s),
            host_registry_pb2_grpc.add_HostRegistryServicer_to_server,
        ),
    ]


def _owner() -> str:
    """Return a name that no other process ever had."""
    return f"{socket.gethostname()}/{os.getpid()}/{uuid.uuid4()}"
