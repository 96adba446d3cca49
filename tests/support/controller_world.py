"""A whole controller in this process over real gRPC, with two fake agents in one pool."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import grpc.aio

from chassis.lifetime import Lifetime
from chassis.server import Server
from chassis.tls import TlsSettings
from controller.assembly import assemble
from controller.clients.settings import AgentSettings
from controller.saga.settings import SagaSettings
from controller.settings import InventorySettings, Settings
from tests.support import sqlite
from tests.support.fake_agent import FakeAgent
from tests.support.fake_pool import GIB, FakePool
from tests.support.serving import serving
from xenferry.common.v1 import inventory_pb2 as common
from xenferry.controller.v1 import (
    inventory_pb2_grpc,
    migration_pb2,
    scheduler_pb2,
    scheduler_pb2_grpc,
)

CALL_S = 10.0
ENDED = (
    migration_pb2.MIGRATION_STATE_SUCCEEDED,
    migration_pb2.MIGRATION_STATE_ROLLED_BACK,
    migration_pb2.MIGRATION_STATE_CANCELLED,
)
IMPATIENT = SagaSettings(
    prepare_timeout_s=5.0,
    retry_first_s=0.02,
    retry_cap_s=0.1,
    refused_retry_s=0.1,
    settle_first_s=0.02,
    settle_cap_s=0.1,
    settle_quiet_s=0.1,
    queue_retry_s=0.05,
    settle_slowest_mib_per_s=1_000_000.0,
    crash_retry_s=0.1,
)


def settings_for(directory: Path) -> Settings:
    """Return settings with which nothing is waited for longer than a test needs."""
    return Settings(
        store=sqlite.store_at(directory / "controller.db"),
        saga=IMPATIENT,
        agents=AgentSettings(first_pause_s=0.01, busy_pause_s=0.05),
    )


@dataclass(frozen=True, slots=True)
class Controller:
    """A running controller and stubs to it."""

    channel: grpc.aio.Channel
    server: Server
    address: str

    async def stop(self) -> None:
        """Stop serving, as on SIGTERM."""
        await self.server.stop(0.2)

    @property
    def scheduler(self) -> "scheduler_pb2_grpc.SchedulerAsyncStub":
        """The Scheduler service."""
        return scheduler_pb2_grpc.SchedulerStub(self.channel)

    @property
    def inventory(self) -> "inventory_pb2_grpc.InventoryAsyncStub":
        """The Inventory service."""
        return inventory_pb2_grpc.InventoryStub(self.channel)

    async def migrate(self, instance: str, dest: str, **more: Any) -> migration_pb2.Migration:
        """Ask for a migration."""
        request = scheduler_pb2.LiveMigrationRequest(instance_id=instance, dest=dest, **more)
        return await self.scheduler.LiveMigration(request, timeout=CALL_S)

    async def get(self, migration_id: str) -> migration_pb2.Migration:
        """Return a migration with its journal."""
        request = scheduler_pb2.GetMigrationRequest(migration_id=migration_id)
        return await self.scheduler.GetMigration(request, timeout=CALL_S)

    async def ended(self, migration_id: str, within_s: float = 8.0) -> migration_pb2.Migration:
        """Wait for a migration to end and return it with its journal."""
        return await self.reached(migration_id, ENDED, within_s)

    async def reached(
        self, migration_id: str, states: tuple[int, ...], within_s: float = 8.0
    ) -> migration_pb2.Migration:
        """Wait for a migration to come to one of these states; raises TimeoutError."""
        which = scheduler_pb2.MigrationFilter(migration_id=migration_id)
        request = scheduler_pb2.WatchMigrationsRequest(filter=which)
        call = self.scheduler.WatchMigrations(request, timeout=CALL_S)
        try:
            async with asyncio.timeout(within_s):
                async for told in call:
                    if told.HasField("migration") and told.migration.state in states:
                        return await self.get(migration_id)
        finally:
            call.cancel()
        raise TimeoutError(f"the watch of migration {migration_id} ended early")


@asynccontextmanager
async def running(settings: Settings, grace_s: float = 0.2) -> AsyncIterator[Controller]:
    """Run a controller; on the way out it stops as on SIGTERM, or with no grace at all."""
    lifetime = Lifetime()
    async with assemble(settings, lifetime) as application:
        server = Server(application.services, lifetime, application.translate)
        address = await server.start("127.0.0.1:0", TlsSettings())
        channel = grpc.aio.insecure_channel(address)
        try:
            yield Controller(channel, server, address)
        finally:
            await channel.close()
            await server.stop(grace_s)


@dataclass(slots=True)
class World:
    """Two hosts of one pool, and one guest on the first."""

    settings: Settings
    pool: FakePool
    one: FakeAgent
    two: FakeAgent
    guest: common.InstanceFacts
    addresses: tuple[str, str]

    @asynccontextmanager
    async def controller(self) -> AsyncIterator[Controller]:
        """Run a controller that both agents have registered with."""
        async with running(self.settings) as controller:
            await self.register(controller)
            yield controller

    async def register(self, controller: Controller) -> None:
        """Let both agents register."""
        await self.one.register(controller.channel, self.addresses[0])
        await self.two.register(controller.channel, self.addresses[1])

    def silent_after(self, seconds: float) -> None:
        """Change after how long without a heartbeat a host no longer counts as alive."""
        inventory = InventorySettings(heartbeat_s=seconds / 2, alive_after_s=seconds)
        self.settings = replace(self.settings, inventory=inventory)

    def patient_for(self, **agents: float) -> None:
        """Change how long agents may take."""
        given: dict[str, Any] = dict(agents)
        changed: AgentSettings = replace(self.settings.agents, **given)
        self.settings = replace(self.settings, agents=changed)


@asynccontextmanager
async def a_world(directory: Path, move_s: float = 0.0) -> AsyncIterator[World]:
    """Serve the two agents until the block ends."""
    pool = FakePool(move_s)
    one, two = FakeAgent(pool, "xs1"), FakeAgent(pool, "xs2")
    guest = one.guest("web-1")
    async with serving([one.service()]) as first, serving([two.service()]) as second:
        yield World(settings_for(directory), pool, one, two, guest, (first, second))


@asynccontextmanager
async def two_pools(directory: Path, move_s: float = 0.0) -> AsyncIterator[World]:
    """Serve two agents of a pool each; the guest on the first has a disk of 10 GiB."""
    here, there = FakePool(move_s), FakePool(move_s, pool_id="5ea1ab1e-0000-4000-8000-000000000002")
    here.others, there.others = [there], [here]
    one, two = FakeAgent(here, "xs1"), FakeAgent(there, "xs2")
    guest = one.guest("web-1", disk_bytes=10 * GIB)
    async with serving([one.service()]) as first, serving([two.service()]) as second:
        yield World(settings_for(directory), here, one, two, guest, (first, second))
