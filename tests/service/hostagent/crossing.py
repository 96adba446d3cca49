"""Three agents in two pools, and words for what moves a guest, with its disks, between them."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from hostagent.model.settings import MigrationSettings
from tests.service.hostagent.pool import DEADLINE_S, Following, Guest, RunningAgent, running_agent
from tests.service.hostagent.stock import stock_of
from tests.service.hostagent.two_pools import Pool, Starts
from tests.support.sim import Simulator
from xenferry.common.v1 import fence_pb2
from xenferry.hostagent.v1 import checks_pb2, cleanup_pb2, move_pb2, observation_pb2

BLOCK = fence_pb2.MIGRATION_KIND_BLOCK
SHARED_STORAGE = fence_pb2.MIGRATION_KIND_SHARED_STORAGE
PATIENCE = MigrationSettings(
    max_concurrent_moves=2, poll_s=1.0, doubt_s=0.3, operations_s=2.0, lost_reply_s=0.5
)


@dataclass(frozen=True, slots=True)
class Trip:
    """A guest of n1, where it is to go, and how."""

    yard: "Yard"
    guest: Guest
    dest: RunningAgent
    kind: fence_pb2.MigrationKind.ValueType
    dest_sr_id: str = ""

    @property
    def across(self) -> bool:
        """Whether it goes to the other pool."""
        return self.dest is self.yard.far

    @property
    def pool(self) -> Pool:
        """The destination's pool."""
        return self.yard.far_pool if self.across else self.yard.near_pool

    @property
    def host(self) -> str:
        """The destination's name."""
        return str(self.dest.host.name)

    def at(self, **changes: Any) -> "Trip":
        """Return the trip with another fence, yard or the like."""
        return replace(self, **changes)

    def taken_over(self, epoch: int) -> "Trip":
        """Return the trip as a controller orders it that took the migration over."""
        return self.at(guest=replace(self.guest, fence=self.guest.at_epoch(epoch)))

    def _data(self) -> checks_pb2.DestCheckData:
        return checks_pb2.DestCheckData(
            host=self.dest.host,
            kind=self.kind,
            dest_sr_id=self.dest_sr_id,
            disk_ids=self.yard.disks_of(self.guest),
        )

    async def check(self) -> tuple[Any, Any]:
        """Ask both sides, and return what the source and the destination found."""
        dest = checks_pb2.CheckCanLiveMigrateOnDestRequest(
            source_pool_id=self.yard.source.host.pool_id, dest_host_id=self.dest.host.host_id
        )
        dest.instance.instance_id = self.guest.uuid
        told = await self.dest.stub.CheckCanLiveMigrateOnDest(dest, timeout=DEADLINE_S)
        source = checks_pb2.CheckCanLiveMigrateOnSrcRequest(
            instance_id=self.guest.uuid,
            dest_check_data=told.dest_check_data,
            source_host_id=self.yard.source.host.host_id,
        )
        stub = self.yard.source.stub
        return await stub.CheckCanLiveMigrateOnSrc(source, timeout=DEADLINE_S), told

    async def prepare(self, volumes: Any = ()) -> Any:
        """PreLiveMigration, with volumes as the source described them."""
        request = move_pb2.PreLiveMigrationRequest(
            fence=self.guest.fence,
            instance_id=self.guest.uuid,
            kind=self.kind,
            dest_check_data=self._data(),
            dest_host_id=self.dest.host.host_id,
            volumes=volumes,
        )
        return await self.dest.stub.PreLiveMigration(request, timeout=DEADLINE_S)

    def order(self, ticket: Any = None) -> Any:
        """Return the request that moves the guest."""
        return move_pb2.LiveMigrationRequest(
            fence=self.guest.fence,
            instance_id=self.guest.uuid,
            dest_host_id=self.dest.host.host_id,
            kind=self.kind,
            receive_ticket=ticket,
            source_host_id=self.yard.source.host.host_id,
            dest_check_data=self._data(),
        )

    async def follow(self) -> Following:
        """Take a ticket if one is needed, begin the move and follow it."""
        ticket = (await self.prepare()).receive_ticket
        return self.follow_with(ticket)

    def follow_with(self, ticket: Any) -> Following:
        """Begin the move with a ticket and follow it."""
        stub = self.yard.source.stub
        return Following(stub.LiveMigration(self.order(ticket), timeout=DEADLINE_S))

    async def move(self) -> list[Any]:
        """Prepare, move, and return every report."""
        return await (await self.follow()).all()

    async def abort(self) -> Any:
        """AbortMigration."""
        request = move_pb2.AbortMigrationRequest(
            fence=self.guest.fence,
            instance_id=self.guest.uuid,
            dest_host_id=self.dest.host.host_id,
            source_host_id=self.yard.source.host.host_id,
        )
        return await self.yard.source.stub.AbortMigration(request, timeout=DEADLINE_S)

    async def observe(self, agent: RunningAgent) -> Any:
        """ObserveMigration at one side."""
        request = observation_pb2.ObserveMigrationRequest(
            fence=self.guest.fence, instance_id=self.guest.uuid, host_id=agent.host.host_id
        )
        return await agent.stub.ObserveMigration(request, timeout=DEADLINE_S)

    async def verify(self) -> Any:
        """VerifyExports."""
        words = {**self._at_source(), "dest_pool_id": self.dest.host.pool_id}
        request = checks_pb2.VerifyExportsRequest(**words)
        return await self.yard.source.stub.VerifyExports(request, timeout=DEADLINE_S)

    async def post_at_source(self) -> Any:
        """PostAtSource."""
        request = cleanup_pb2.PostAtSourceRequest(**self._at_source())
        return await self.yard.source.stub.PostAtSource(request, timeout=DEADLINE_S)

    async def post_at_dest(self, *tickets: Any) -> Any:
        """PostAtDestination."""
        words = {**self._at_dest(), "receive_tickets": tickets}
        request = cleanup_pb2.PostAtDestinationRequest(**words)
        return await self.dest.stub.PostAtDestination(request, timeout=DEADLINE_S)

    async def roll_back_at_source(self) -> Any:
        """RollbackAtSource."""
        request = cleanup_pb2.RollbackAtSourceRequest(**self._at_source())
        return await self.yard.source.stub.RollbackAtSource(request, timeout=DEADLINE_S)

    async def roll_back_at_dest(self, *tickets: Any) -> Any:
        """RollbackAtDestination."""
        words = {**self._at_dest(), "receive_tickets": tickets}
        request = cleanup_pb2.RollbackAtDestinationRequest(**words)
        return await self.dest.stub.RollbackAtDestination(request, timeout=DEADLINE_S)

    async def roll_back(self) -> list[Any]:
        """Roll back as the controller does, and return the items."""
        first = await self.roll_back_at_source()
        return [*first.items, *(await self.roll_back_at_dest()).items]

    async def finish(self) -> list[Any]:
        """Do what comes after an arrival, and return the findings of the verification."""
        await self.post_at_source()
        return list((await self.post_at_dest()).findings)

    def where(self) -> list[str]:
        """Return the hosts on which a copy of the guest is alive."""
        return self.yard.simulator.where(self.guest.uuid)

    def residue(self) -> set[str]:
        """Return what is left of the migration on both sides."""
        left = self.yard.near_pool.marked(self.guest)
        return left | self.yard.far_pool.marked(self.guest)

    def _at_source(self) -> dict[str, Any]:
        words = {"fence": self.guest.fence, "instance_id": self.guest.uuid}
        return {**words, "source_host_id": self.yard.source.host.host_id}

    def _at_dest(self) -> dict[str, Any]:
        words = {"fence": self.guest.fence, "instance_id": self.guest.uuid}
        return {**words, "dest_host_id": self.dest.host.host_id}


@dataclass(frozen=True, slots=True)
class Yard:
    """Both pools, with the agents of n1, n2 and f1."""

    simulator: Simulator
    source: RunningAgent
    near: RunningAgent
    far: RunningAgent
    near_pool: Pool
    far_pool: Pool
    counted: Starts

    def guest(self, kind: str = "local", name: str = "") -> Guest:
        """Return a guest that no other test has touched, or one by name."""
        name = name or stock_of(self.simulator).take(kind)
        ref = self.near_pool.one("VM", name)
        return Guest(name, ref, self.near_pool.api.VM.get_uuid(ref))

    def sharing(self) -> Trip:
        """Return a trip to n2 on shared storage."""
        return Trip(self, self.guest("shared"), self.near, SHARED_STORAGE)

    def inside(self, name: str = "") -> Trip:
        """Return a trip to n2 with a disk that only n1 has."""
        sr = self.near_pool.uuid("SR", "n2-local")
        return Trip(self, self.guest("local", name), self.near, BLOCK, sr)

    def across(self, name: str = "") -> Trip:
        """Return a trip to the other pool."""
        sr = self.far_pool.uuid("SR", "depot")
        return Trip(self, self.guest("local", name), self.far, BLOCK, sr)

    async def stocked(self) -> None:
        """Have guests that both agents of the pool know; those of earlier tests go."""
        stock = stock_of(self.simulator)
        stock.clear((self.near_pool, self.far_pool))
        for name in stock.fill(self.near_pool):
            guest = self.guest(name=name)
            trip = Trip(self, guest, self.near, BLOCK, self.near_pool.uuid("SR", "n2-local"))
            await self.watched(trip.check, partial(_all_name, name))

    def led_by(self, source: RunningAgent) -> "Yard":
        """Return the yard with another agent of n1."""
        return replace(self, source=source)

    def with_agents(self, source: RunningAgent, far: RunningAgent) -> "Yard":
        """Return the yard with other agents of n1 and f1."""
        return replace(self, source=source, far=far)

    async def watched(
        self, look: Callable[[], Awaitable[Any]], wanted: Callable[[Any], bool]
    ) -> Any:
        """Look until what is wanted shows, and return it; raises TimeoutError."""
        async with asyncio.timeout(DEADLINE_S):
            seen = await look()
            while not wanted(seen):
                seen = await look()
        return seen

    def gone(self, guest: Guest) -> Guest:
        """Return a guest that this pool does not have, with a migration of its own."""
        return Guest(guest.name, guest.ref, guest.uuid)

    def disks_of(self, guest: Guest) -> list[str]:
        """Return the uuids of a guest's disks at its source, its snapshots' too."""
        api = self.near_pool.api
        if guest.ref not in api.VM.get_all():
            return []
        family = [guest.ref, *api.VM.get_snapshots(guest.ref)]
        vbds = [api.VBD.get_record(vbd) for vm in family for vbd in api.VM.get_VBDs(vm)]
        disks = [vbd["VDI"] for vbd in vbds if vbd["type"] == "Disk" and not vbd["empty"]]
        return [str(api.VDI.get_uuid(disk)) for disk in disks]

    def starts(self, guest: Guest) -> int:
        """Return how often XAPI was asked to move a guest."""
        return self.counted.of(guest)


def _all_name(name: str, seen: Any) -> bool:
    """Tell whether the answers of source and destination are about an instance of that name."""
    return all(
        any(finding.subject == f"instance/{name}" for finding in answer.findings) for answer in seen
    )


TRIPS: dict[str, Callable[[Yard], Trip]] = {
    "shared storage": Yard.sharing,
    "block, inside the pool": Yard.inside,
    "block, to another pool": Yard.across,
}


@asynccontextmanager
async def running_yard(simulator: Simulator) -> AsyncIterator[Yard]:
    """Run the three agents."""
    async with AsyncExitStack() as stack:
        source, near, far = [
            await stack.enter_async_context(running_agent(simulator, host, PATIENCE))
            for host in ("n1", "n2", "f1")
        ]
        pools = Pool(simulator, "n1"), Pool(simulator, "f1")
        yield Yard(simulator, source, near, far, *pools, Starts(simulator))


def kinds(items: Any, action: int) -> list[str]:
    """Return the kinds of the things with which that was done."""
    return sorted(item.subject.partition("/")[0] for item in items if item.action == action)
