"""Slots are given out fairly although several replicas give them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from controller.model.inventory import InstanceFacts
from controller.model.migration import Migration, MigrationRequest, MigrationState
from controller.model.slots import KindLimits, Limits
from controller.store.inventory import Inventory
from controller.store.live import LiveMigrations
from controller.store.liveness import Liveness
from controller.store.opening import open_database
from tests.support.held_replicas import Replica, Stage, stored
from tests.support.held_world import Busy, HeldClock
from tests.support.store_world import Agent, a_plan, an_agent, sqlite_in

QUEUED, SUCCEEDED = MigrationState.QUEUED, MigrationState.SUCCEEDED


@dataclass
class Pair:
    """Two replicas that may run one migration between them."""

    stage: Stage
    one: Replica
    two: Replica
    source: Agent
    dest: Agent
    guests: list[InstanceFacts]

    async def ask(self, replica: Replica, priority: int = 0) -> str:
        """Admit a move of the next guest, and return its migration's id."""
        guest = self.guests.pop()
        plan = a_plan(guest, self.source, self.dest)
        request = MigrationRequest(guest.instance_id, self.dest.host_id, priority=priority)
        await self.stage.clock.pass_by(1, self.stage.database.settled)
        migration = await replica.admit(replace(plan, request=request), "arrives")
        await self.heard()
        return migration.migration_id

    async def heard(self) -> None:
        """Let each hear what the other has written, and react."""
        for _ in range(3):
            for replica in (self.one, self.two):
                await replica.follow()
                await self.stage.database.settled()

    async def known(self) -> dict[str, Migration]:
        """Return every migration."""
        return (await self.stage.database.read(stored)).migrations

    async def finish(self) -> list[str]:
        """Let all go on to the end, and return the migrations in the order of their ends."""
        while not all(each.state.ended for each in (await self.known()).values()):
            for replica in (self.one, self.two):
                for held in replica.gate.held:
                    held.go_on.set_result("")
                await self.stage.database.settled()
            await self.heard()
            await self.stage.clock.pass_by(0.5, self.stage.database.settled)
        ended = sorted((await self.known()).values(), key=lambda each: each.revision)
        return [each.migration_id for each in ended]


@asynccontextmanager
async def a_pair(directory: Path) -> AsyncIterator[Pair]:
    """Yield two replicas of one database."""
    database, clock = Busy(await open_database(sqlite_in(directory))), HeldClock()
    source, dest = an_agent("xs1"), an_agent("xs2")
    guests = [source.runs(f"web-{number}") for number in range(6)]
    inventory = Inventory(database, LiveMigrations(), Liveness(1e9, clock, clock.monotonic), "x")
    await inventory.register(dest.registration())
    await inventory.register(source.registration(*guests))
    limits = KindLimits(in_all=1)
    stage = Stage(clock, database, {}, Limits(limits, limits))
    one, two = Replica(stage, "one"), Replica(stage, "two")
    try:
        await one.begin()
        await two.begin()
        yield Pair(stage, one, two, source, dest, guests)
    finally:
        await one.runner.stop()
        await two.runner.stop()
        await database.close()


@pytest.mark.parametrize("priorities", [(0, 0, 0, 0), (0, 1, 5, 9)], ids=["by age", "by priority"])
async def test_turns_are_taken_in_one_order_whoever_was_asked(
    tmp_path: Path, priorities: tuple[int, ...]
) -> None:
    async with a_pair(tmp_path) as pair:
        first = await pair.ask(pair.one)
        replicas = (pair.one, pair.two, pair.one, pair.two)
        asked = [
            (priority, await pair.ask(replica, priority))
            for replica, priority in zip(replicas, priorities, strict=True)
        ]

        ended = await pair.finish()

        due = [key for _, key in sorted(asked, key=lambda each: -each[0])]
        assert ended == [first, *due]


async def test_a_slot_that_is_due_at_a_dead_replica_is_used_once_its_claim_ran_out(
    tmp_path: Path,
) -> None:
    async with a_pair(tmp_path) as pair:
        first = await pair.ask(pair.one)
        due, later = await pair.ask(pair.two), await pair.ask(pair.one)
        await pair.two.die()
        pair.two = pair.one

        async with asyncio.timeout(30):
            await pair.one.beat()
            assert await pair.finish() == [first, due, later]


async def test_places_are_the_same_at_both(tmp_path: Path) -> None:
    async with a_pair(tmp_path) as pair:
        await pair.ask(pair.one)
        pair.one.gate.held[0].go_on.set_result("")
        asked = [await pair.ask(replica) for replica in (pair.two, pair.one, pair.two)]

        for replica in (pair.one, pair.two):
            assert [replica.runner.position(each) for each in asked] == [1, 2, 3]
