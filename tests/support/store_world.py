"""A store in a temporary directory with hosts and instances in it, for tests of what it keeps."""

import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from controller.model.findings import Finding, Reason, Severity
from controller.model.inventory import HostFacts, Instance, InstanceFacts, PowerState
from controller.model.migration import (
    Migration,
    MigrationKind,
    MigrationPlan,
    MigrationRequest,
)
from controller.ports.registry import Delta, Registration
from controller.store.admission import SqlAdmission
from controller.store.database import Database
from controller.store.following import Follower
from controller.store.history import SqlHistory
from controller.store.inventory import Inventory
from controller.store.ledger import SqlLedger
from controller.store.live import LiveMigrations
from controller.store.liveness import Liveness
from controller.store.opening import open_database
from controller.store.settings import StoreSettings
from tests.support import sqlite

GIB = 1024**3


def a_uuid() -> str:
    """Return a new uuid."""
    return str(uuid.uuid4())


class SteppedClock:
    """Time that passes by a millisecond at each look, or by what a test adds."""

    def __init__(self) -> None:
        self._now = datetime(2026, 1, 1, tzinfo=UTC)
        self.seconds = 0.0

    def now(self) -> datetime:
        """Return the time."""
        self._now += timedelta(milliseconds=1)
        return self._now

    def monotonic(self) -> float:
        """Return seconds that only tests move."""
        return self.seconds

    async def sleep(self, seconds: float) -> None:
        """Let time pass at once."""
        self._now += timedelta(seconds=seconds)


@dataclass(frozen=True, slots=True)
class Agent:
    """What tells of a host."""

    host: HostFacts
    session_id: str = field(default_factory=a_uuid)

    @property
    def host_id(self) -> str:
        """The host's uuid."""
        return self.host.host_id

    def runs(self, name: str = "web-1", instance_id: str = "") -> InstanceFacts:
        """Return facts of an instance that runs here."""
        return InstanceFacts(
            instance_id or a_uuid(), name, self.host_id, PowerState.RUNNING, 4 * GIB
        )

    def registration(self, *instances: InstanceFacts) -> Registration:
        """Return a registration with these instances."""
        return Registration(self.host, instances, "127.0.0.1:1", self.session_id)

    def delta(
        self,
        sequence: int,
        changed: tuple[InstanceFacts, ...] = (),
        gone: tuple[str, ...] = (),
        host: HostFacts | None = None,
    ) -> Delta:
        """Return a heartbeat."""
        return Delta(self.host_id, self.session_id, sequence, host, changed, gone)


def an_agent(name: str, free_bytes: int = 64 * GIB) -> Agent:
    """Return the agent of a new host."""
    return Agent(HostFacts(a_uuid(), name, memory_free_bytes=free_bytes))


def a_plan(
    instance: InstanceFacts, source: Agent, dest: Agent, request_id: str = ""
) -> MigrationPlan:
    """Return the plan of a move."""
    return MigrationPlan(
        request=MigrationRequest(instance.instance_id, dest.host_id, request_id=request_id),
        instance_id=instance.instance_id,
        instance_name=instance.name,
        source_host_id=source.host_id,
        source_host_name=source.host.name,
        dest_host_id=dest.host_id,
        dest_host_name=dest.host.name,
        kind=MigrationKind.SHARED_STORAGE,
        memory_needed_bytes=instance.memory_needed_bytes,
        findings=(Finding(Reason.DEST_NOT_ALIVE, Severity.OK, "host/xs2", "xs2 is alive"),),
    )


@dataclass(frozen=True, slots=True)
class Store:
    """All parts of an open store; also the harness of the ledger's conformance suite."""

    database: Database
    clock: SteppedClock
    live: LiveMigrations
    liveness: Liveness
    inventory: Inventory
    ledger: SqlLedger
    admission: SqlAdmission
    history: SqlHistory

    async def admit(self, plan: MigrationPlan, owner: str) -> Migration:
        """Register the plan's hosts and instance, and admit it."""
        source = Agent(HostFacts(plan.source_host_id, plan.source_host_name))
        dest = Agent(HostFacts(plan.dest_host_id, plan.dest_host_name, memory_free_bytes=64 * GIB))
        await self.inventory.register(dest.registration())
        await self.inventory.register(
            source.registration(source.runs(plan.instance_name, plan.instance_id))
        )
        return await self.admission.admit(plan, owner, "digest")

    async def reserved_bytes(self, host_id: str) -> int:
        """Return the memory held at a host for open migrations."""
        host = await self.inventory.host(host_id)
        assert host is not None
        return host.reserved_memory_bytes

    async def instance(self, instance_id: str) -> Instance:
        """Return the instance as the planner would read it."""
        instance = await self.inventory.instance(instance_id)
        assert instance is not None
        return instance


def sqlite_in(directory: Path) -> StoreSettings:
    """Return the settings of a store in a directory."""
    return sqlite.store_at(directory / "store.db")


@asynccontextmanager
async def open_store(where: StoreSettings, owner: str = "me") -> AsyncIterator[Store]:
    """Open a store, new or as it was left."""
    database = await open_database(where)
    clock, live = SteppedClock(), LiveMigrations()
    liveness = Liveness(10.0, clock, clock.monotonic)
    inventory = Inventory(database, live, liveness, owner)
    try:
        await inventory.load()
        await Follower(database, live, 1.0).begin()
        yield Store(
            database=database,
            clock=clock,
            live=live,
            liveness=liveness,
            inventory=inventory,
            ledger=SqlLedger(database, live, clock),
            admission=SqlAdmission(database, live, clock),
            history=SqlHistory(database),
        )
    finally:
        await database.close()
