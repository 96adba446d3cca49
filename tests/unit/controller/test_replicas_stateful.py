"""Two replicas, store and saga engine and all, under random interleavings of everything.

Nothing goes on by itself: each rule lets one thing go on, one way or another. After each the
database may claim nothing that is not so in the worlds of the guests, and nothing may have been
done twice or too late; at the end all is let go on, and has to come to rest as I1 to I7 say.
"""

import asyncio
import shutil
import tempfile
from collections.abc import Awaitable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from controller.model.migration import (
    Migration,
    MigrationKind,
    MigrationRequest,
    MigrationState,
    Resolution,
)
from controller.model.slots import RUNNING, KindLimits, Limits
from controller.ports.admission import AdmissionRefused
from controller.saga.interventions import InterventionRefused, TooLate
from controller.store.inventory import Inventory
from controller.store.live import LiveMigrations
from controller.store.liveness import Liveness
from controller.store.opening import open_database
from controller.store.settings import StoreSettings
from tests.support import pg, saga_world
from tests.support.held_replicas import Replica, Stage, Stored, stored
from tests.support.held_truth import Truth
from tests.support.held_world import Busy, HeldClock
from tests.support.store_world import GIB, a_plan, an_agent, sqlite_in

ResultT = TypeVar("ResultT")

WHICH = st.integers(0, 1)
NAMES = ("xs1", "xs2")
GUESTS, MOST = 3, 2
STORIES = ("arrives", "stays", "forgotten and adopted", "failed and stayed", "flickers")
HOW = st.sampled_from(
    ["", "", "", "", "unavailable before", "unavailable after", "refused", "repeated"]
)
WAITS_S = (1.0, 5.0, 30.0, 400.0)
LAST_S, LONGEST = 60.0, 400


class TwoReplicas(RuleBasedStateMachine):
    """`worlds` is what is; the database is what the replicas make of it."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.Runner()
        self.directory = Path(tempfile.mkdtemp(prefix="xenferry-"))
        self.begun = 0
        self.ever_stuck: set[str] = set()

    def where(self) -> StoreSettings:
        """Return where this run keeps its database."""
        return sqlite_in(self.directory)

    def run(self, work: Awaitable[ResultT]) -> ResultT:
        """Do something, and let everybody react as far as nothing holds them."""

        async def whole() -> ResultT:
            try:
                return await work
            finally:
                await self.stage.database.settled()

        return self.loop.run(whole())

    @initialize()
    def begin(self) -> None:
        self.loop.run(self._open())
        self.replicas = [self._replica(), self._replica()]
        for replica in self.replicas:
            self.run(replica.begin())
        for number in range(GUESTS):
            self.ask(number % 2, number, MigrationKind.SHARED_STORAGE, STORIES[number], 0)

    async def _open(self) -> None:
        database, clock = Busy(await open_database(self.where())), HeldClock()
        self.hosts = [an_agent(name, free_bytes=64 * GIB) for name in NAMES]
        self.guests = [self.hosts[n % 2].runs(f"web-{n}") for n in range(GUESTS)]
        live = LiveMigrations()
        inventory = Inventory(database, live, Liveness(1e9, clock, clock.monotonic), "first")
        for host in self.hosts:
            mine = [guest for guest in self.guests if guest.host_id == host.host_id]
            await inventory.register(host.registration(*mine))
        limits = KindLimits(in_all=MOST)
        self.stage = Stage(clock, database, {}, Limits(limits, limits))
        self.truth = Truth(
            self.stage.worlds, {each.instance_id: each.host_id for each in self.guests}
        )

    def _replica(self) -> Replica:
        self.begun += 1
        return Replica(self.stage, f"replica-{self.begun}")

    def awake(self, which: int) -> Replica:
        """Return a replica that does something, this one if it does."""
        one, other = self.replicas[which], self.replicas[1 - which]
        return other if one.stands_still else one

    @rule(
        which=WHICH,
        guest=st.integers(0, GUESTS - 1),
        kind=st.sampled_from(MigrationKind),
        story=st.sampled_from(STORIES),
        priority=st.integers(0, 1),
    )
    def ask(self, which: int, guest: int, kind: MigrationKind, story: str, priority: int) -> None:
        facts = self.guests[guest]
        source, dest = self.hosts
        if self.truth.at[facts.instance_id] == dest.host_id:
            source, dest = dest, source
        request = MigrationRequest(facts.instance_id, dest.host_id, priority=priority)
        plan = replace(a_plan(facts, source, dest), kind=kind, request=request)
        try:
            self.run(self.awake(which).admit(plan, story))
        except AdmissionRefused:
            return

    @rule(which=WHICH, number=st.integers(0, 5), how=HOW)
    def let_one_go_on(self, which: int, number: int, how: str) -> None:
        held = self.awake(which).gate.held
        if held:
            chosen = held[number % len(held)]
            self.run(_released(chosen.go_on, "" if chosen.what == "advance" else how))

    @rule(which=WHICH, steps=st.integers(2, 8))
    def let_go_on(self, which: int, steps: int) -> None:
        """Several steps go well, so that something gets somewhere."""
        for number in range(steps):
            self.let_one_go_on(which, number, "")
            self.the_database_tells_the_truth()

    @rule(seconds=st.sampled_from(WAITS_S))
    def time_passes(self, seconds: float) -> None:
        self.run(self.stage.clock.pass_by(seconds, self.stage.database.settled))

    @rule(which=WHICH)
    def stand_still(self, which: int) -> None:
        if not self.replicas[1 - which].stands_still:
            self.replicas[which].gate.awake.clear()

    @rule(which=WHICH)
    def go_on(self, which: int) -> None:
        """A replica that stood still does what it was about to, claim or no claim."""
        self.replicas[which].gate.awake.set()
        self.run(self.stage.database.settled())

    @rule(which=WHICH, steps=st.integers(0, 8))
    def claim_runs_out(self, which: int, steps: int) -> None:
        """The other takes over and gets so far, while this one knows nothing of it."""
        if self.replicas[1 - which].stands_still:
            return
        self.run(self.replicas[which].run_out())
        self.run(self.replicas[1 - which].beat())
        self.let_go_on(1 - which, steps)

    @rule(which=WHICH)
    def beat(self, which: int) -> None:
        self.run(self.awake(which).beat())

    @rule(which=WHICH)
    def follow(self, which: int) -> None:
        self.run(self.awake(which).follow())

    @rule(which=WHICH)
    def die(self, which: int) -> None:
        """A replica is killed and started again, under another name."""
        self.run(self.replicas[which].die())
        self.replicas[which] = self._replica()
        self.run(self.replicas[which].begin())

    @rule(side=st.sampled_from(["source", "dest"]))
    def agents_are_restarted(self, side: str) -> None:
        for agents in self.stage.worlds.values():
            agents.fences.forget(side)

    @rule(which=WHICH, number=st.integers(0, GUESTS))
    def cancel(self, which: int, number: int) -> None:
        for migration in self._chosen(number, *RUNNING, MigrationState.QUEUED):
            try:
                self.run(self.awake(which).cancel(migration.migration_id))
            except TooLate:
                assert self.truth.has_arrived(migration)
            except InterventionRefused:
                continue

    @rule(which=WHICH, number=st.integers(0, GUESTS))
    def resolve(self, which: int, number: int) -> None:
        """An operator looks where the guest really is, and says so."""
        for migration in self._chosen(number, MigrationState.STUCK):
            agents = self.stage.worlds[migration.migration_id]
            if agents.world.moving:
                continue
            arrived = self.truth.has_arrived(migration)
            asked = Resolution.ROLL_FORWARD if arrived else Resolution.ROLL_BACK
            resolver = self.awake(which).resolver(agents)
            try:
                self.run(resolver.resolve(migration.migration_id, asked, "I looked"))
            except InterventionRefused:
                continue

    @invariant()
    def the_database_tells_the_truth(self) -> None:
        if not hasattr(self, "replicas"):
            return
        known = self.known()
        open_ones = [each for each in known.migrations.values() if not each.state.ended]
        assert {each.plan.instance_id: each.migration_id for each in open_ones} == known.taken
        self.ever_stuck |= {m.migration_id for m in open_ones if m.state is MigrationState.STUCK}
        for kind in MigrationKind:
            running = [m for m in open_ones if m.state in RUNNING and m.plan.kind is kind]
            assert sum(m.migration_id not in self.ever_stuck for m in running) <= MOST
        for migration in known.migrations.values():
            self.truth.check(migration)

    def teardown(self) -> None:
        try:
            if hasattr(self, "replicas"):
                self._come_to_rest()
        finally:
            if hasattr(self, "replicas"):
                self.loop.run(self._close())
            self.loop.close()
            shutil.rmtree(self.directory)

    async def _close(self) -> None:
        for replica in self.replicas:
            replica.gate.awake.set()
            await replica.runner.stop()
        await self.stage.database.close()

    def _come_to_rest(self) -> None:
        for replica in self.replicas:
            replica.gate.awake.set()
        for _ in range(LONGEST):
            for replica in self.replicas:
                self.run(replica.beat())
                self.run(replica.follow())
            while held := [each for one in self.replicas for each in one.gate.held]:
                self.run(_released(held[0].go_on, ""))
            self.the_database_tells_the_truth()
            if all(each.state.ended for each in self.known().migrations.values()):
                break
            self.time_passes(LAST_S)
        known = self.known()
        assert [m.state for m in known.migrations.values() if not m.state.ended] == [], "I7"
        assert known.hosts == self.truth.at, "I3"
        for replica in self.replicas:
            self.run(replica.follow())
            assert (replica.live.open_ids, replica.runner.driving) == ((), 0)

    def known(self) -> Stored:
        """Return what the database says."""
        return self.loop.run(self.stage.database.read(stored))

    def _chosen(self, number: int, *states: MigrationState) -> Iterator[Migration]:
        found = [each for each in self.known().migrations.values() if each.state in states]
        if found:
            yield found[number % len(found)]


class TwoReplicasOnPostgres(TwoReplicas):
    """The same on the database that replicas really share."""

    def where(self) -> StoreSettings:
        """Return a new database."""
        return StoreSettings(pg.empty_database(), pool_size=2)


async def _released(held: asyncio.Future[str], how: str) -> None:
    held.set_result(how)


assert set(STORIES) <= set(saga_world.STORIES)
UNHURRIED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
TestOnSqlite = TwoReplicas.TestCase
TestOnSqlite.settings = settings(UNHURRIED, max_examples=10, stateful_step_count=40)
TestOnPostgres = TwoReplicasOnPostgres.TestCase
TestOnPostgres.settings = settings(UNHURRIED, max_examples=3, stateful_step_count=30)
