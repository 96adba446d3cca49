"""Replicas of one database in a held world: store, runner and engine, each as it is assembled."""

from dataclasses import dataclass

import sqlalchemy as sa

from controller.model.migration import Migration, MigrationPlan, Progress
from controller.model.slots import Limits
from controller.ports.agents import Order
from controller.saga.cancelling import Canceller
from controller.saga.resolving import Resolver
from controller.saga.runner import Runner
from controller.store import claims, metrics, records, schema
from controller.store.admission import SqlAdmission
from controller.store.following import Follower
from controller.store.ledger import SqlLedger
from controller.store.live import LiveMigrations
from tests.support.held_world import Busy, Gate, HeldAgents, HeldClock, HeldLedger, HeldSleep
from tests.support.saga_agents import FaultyAgents
from tests.support.saga_world import World

CLAIM_S = 10.0 * 365 * 86_400
"""A claim runs out when a test says so."""


@dataclass(frozen=True, slots=True)
class Stage:
    """What replicas share: the time, the database, and the worlds of all migrations."""

    clock: HeldClock
    database: Busy
    worlds: dict[str, FaultyAgents]
    limits: Limits


class Replica:
    """One process among several; one that stands still keeps what it believes."""

    def __init__(self, stage: Stage, name: str) -> None:
        self.name = name
        self.stage = stage
        self.gate = Gate()
        self.live = LiveMigrations()
        self.ledger = SqlLedger(stage.database, self.live, stage.clock)
        held = HeldLedger(stage.database, self.live, stage.clock)
        held.gate = self.gate
        self.runner = Runner(
            name,
            held,
            HeldAgents(stage.worlds, self.gate),
            HeldSleep(stage.clock, self.gate),
            _Silent(),
            limits=stage.limits,
        )
        self.live.listen(self.runner.heard)
        self._follower = Follower(stage.database, self.live, 1.0)
        self._awake_agents = HeldAgents(stage.worlds, Gate())

    @property
    def stands_still(self) -> bool:
        """Whether it does nothing."""
        return not self.gate.awake.is_set()

    async def begin(self) -> None:
        """Show that it lives, and take up what was left."""
        await self._renew()
        await self._follower.begin()
        await self.runner.resume()

    async def admit(self, plan: MigrationPlan, story: str) -> Migration:
        """Admit a plan and drive it; raises AdmissionRefused."""
        admission = SqlAdmission(self.stage.database, self.live, self.stage.clock)
        migration = await admission.admit(plan, self.name, "digest")
        self.stage.worlds[migration.migration_id] = _world(self.stage, migration, story)
        self.runner.start(migration)
        return migration

    async def beat(self) -> None:
        """Renew its claims, and take what others have left."""
        await self._renew()
        await self.runner.resume()

    async def follow(self) -> None:
        """Hear what others have written."""
        await self._follower.catch_up()

    async def cancel(self, migration_id: str) -> Migration:
        """Cancel on behalf of a caller; raises InterventionRefused."""
        return await Canceller(self.ledger).cancel(migration_id, "enough")

    def resolver(self, agents: FaultyAgents) -> Resolver:
        """Return what settles a migration for an operator."""
        return Resolver(self.ledger, agents)

    async def die(self) -> None:
        """End at once, standing still or not; its claims run out."""
        self.gate.awake.set()
        await self.runner.stop()
        await self.run_out()

    async def run_out(self) -> None:
        """Let its claims run out, whether it lives or not."""
        await self.stage.database.write(
            metrics.INVENTORY, lambda connection: claims.give_up(connection, self.name)
        )

    async def _renew(self) -> None:
        here = records.to_micros(self.stage.clock.now())

        def body(connection: sa.Connection) -> None:
            now = claims.now_micros(connection, here)
            claims.renew(connection, self.name, now, CLAIM_S)

        await self.stage.database.write(metrics.INVENTORY, body)


class _Silent:
    """Takes progress and tells nobody."""

    def publish(self, migration_id: str, progress: Progress) -> None:
        """Take it."""
        del migration_id, progress


def _world(stage: Stage, migration: Migration, story: str) -> FaultyAgents:
    plan = migration.plan
    order = Order(
        migration.migration_id,
        migration.epoch,
        plan.instance_id,
        plan.source_host_id,
        plan.dest_host_id,
        plan.kind,
    )
    return FaultyAgents(World(stage.clock, order, story))


@dataclass(frozen=True, slots=True)
class Stored:
    """What the database says: every migration with its journal, and every instance's row."""

    migrations: dict[str, Migration]
    hosts: dict[str, str]
    taken: dict[str, str]


def stored(connection: sa.Connection) -> Stored:
    """Read all of it."""
    rows = connection.execute(sa.select(schema.MIGRATIONS)).all()
    journals = records.read_journals(connection, [row.migration_id for row in rows])
    instances = connection.execute(sa.select(schema.INSTANCES)).all()
    return Stored(
        {row.migration_id: records.from_row(row, journals[row.migration_id]) for row in rows},
        {row.instance_id: row.host_id for row in instances},
        {row.instance_id: row.migration_id for row in instances if row.migration_id},
    )
