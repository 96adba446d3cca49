"""The pool that the agent's service tests run on, and words for what they do to it."""

import itertools
import uuid
import xmlrpc.client
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import grpc
import XenAPI

from chassis import answers
from chassis.channels import open_channel
from chassis.lifetime import Lifetime
from chassis.tls import TlsSettings
from hostagent.assembly import assemble
from hostagent.model.floating_ips import FloatingIpSettings
from hostagent.model.settings import MigrationSettings, XapiSettings
from hostagent.settings import Settings
from tests.support.serving import serving
from tests.support.sim import Simulator
from xenferry.common.v1 import fence_pb2, finding_pb2, reason_pb2
from xenferry.hostagent.v1 import (
    checks_pb2,
    cleanup_pb2,
    host_agent_pb2,
    host_agent_pb2_grpc,
    move_pb2,
    observation_pb2,
)

GUESTS = 96
WORLD = f"""
[pool]
name = "quay"
[[host]]
name = "xs1"
memory = "256 GiB"
[[host]]
name = "xs2"
memory = "256 GiB"
[[host]]
name = "xs3"
memory = "4 GiB"
version = "8.2"
[[network]]
name = "lan"
[[network]]
name = "dmz"
hosts = ["xs1", "xs3"]
[[sr]]
name = "nfs-1"
[[sr]]
name = "xs1-local"
host = "xs1"
[[vm]]
name = "vm-{{n:02d}}"
memory = "1 GiB"
host = "xs1"
disks = [{{ sr = "nfs-1", size = "10 GiB" }}]
networks = ["lan"]
count = {GUESTS}
[[vm]]
name = "local-1"
memory = "1 GiB"
host = "xs1"
disks = [{{ sr = "nfs-1", size = "1 GiB" }}, {{ sr = "xs1-local", size = "1 GiB" }}]
[[vm]]
name = "dmz-1"
memory = "1 GiB"
host = "xs1"
networks = ["dmz"]
[[vm]]
name = "bare-1"
memory = "1 GiB"
host = "xs1"
drivers = false
[[vm]]
name = "blocked-1"
memory = "1 GiB"
host = "xs1"
blocked_operations = {{ pool_migrate = "closing the books" }}
[[vm]]
name = "infra-1"
memory = "1 GiB"
host = "xs1"
other_config = {{ "xenferry:protected" = "true" }}
[[vm]]
name = "parked-1"
memory = "1 GiB"
state = "Halted"
"""

ARRIVED = move_pb2.MOVE_OUTCOME_ARRIVED
STAYED = move_pb2.MOVE_OUTCOME_STAYED
UNKNOWN = move_pb2.MOVE_OUTCOME_UNKNOWN
SHARED_STORAGE = fence_pb2.MIGRATION_KIND_SHARED_STORAGE
ERROR = finding_pb2.SEVERITY_ERROR
DEADLINE_S = 30.0

# Short enough for a test, long enough for a machine that is busy with others.
PATIENCE = MigrationSettings(
    max_concurrent_moves=2, poll_s=1.0, doubt_s=0.5, operations_s=3.0, lost_reply_s=2.0
)
_guests = itertools.count(1)


@dataclass(frozen=True, slots=True)
class RunningAgent:
    """An agent that serves, and what it told of its host."""

    stub: Any
    host: Any
    address: str


@asynccontextmanager
async def running_agent(
    simulator: Simulator, host: str, migration: MigrationSettings = PATIENCE, **xapi: Any
) -> AsyncIterator[RunningAgent]:
    """Serve the agent of a host as its program does; `xapi` are settings of how it reaches XAPI."""
    way = {"url": simulator.endpoints[host], "password": simulator.password, "host": host}
    carrying = xapi.pop("floating_ips", FloatingIpSettings())
    settings = Settings(XapiSettings(**(way | xapi)), migration=migration, floating_ips=carrying)
    async with (
        assemble(settings, Lifetime()) as application,
        serving(application.services, translate=application.translate) as address,
        open_channel(address, TlsSettings()) as channel,
    ):
        stub: Any = host_agent_pb2_grpc.HostAgentStub(channel)
        info = await stub.GetAgentInfo(host_agent_pb2.GetAgentInfoRequest())
        yield RunningAgent(stub, info.host, address)


@dataclass(frozen=True, slots=True)
class Guest:
    """A VM of the pool, and a migration that concerns it."""

    name: str
    ref: str
    uuid: str
    fence: fence_pb2.Fence = field(
        default_factory=lambda: fence_pb2.Fence(migration_id=str(uuid.uuid4()), epoch=1)
    )

    def at_epoch(self, epoch: int) -> fence_pb2.Fence:
        """Return the fence of a controller that took the migration over."""
        return fence_pb2.Fence(migration_id=self.fence.migration_id, epoch=epoch)


class Following:
    """A call that follows a move."""

    def __init__(self, call: Any) -> None:
        self._call = call
        self._reports = aiter(call)

    async def next(self) -> Any:
        """Return the next report."""
        return await anext(self._reports)

    async def all(self) -> list[Any]:
        """Return every report that is still to come, once the move has ended."""
        return [report async for report in self._reports]

    async def last(self) -> Any:
        """Return the last report, once the move has ended."""
        return (await self.all())[-1]

    def leave(self) -> None:
        """Hang up."""
        self._call.cancel()


class Bench:
    """A source and a destination agent, and an operator's own line to XAPI."""

    def __init__(self, simulator: Simulator, source: RunningAgent, dest: RunningAgent) -> None:
        self.simulator = simulator
        self.source = source
        self.dest = dest
        session = XenAPI.Session(simulator.endpoints["xs1"])
        session.xenapi.login_with_password(simulator.user, simulator.password, "1.0", "operator")
        self.xapi: Any = session.xenapi

    def guest(self, name: str = "") -> Guest:
        """Return a guest by name, or one that no other test has touched."""
        name = name or f"vm-{next(_guests):02d}"
        (ref,) = self.xapi.VM.get_by_name_label(name)
        return Guest(name, ref, self.xapi.VM.get_uuid(ref))

    def marks(self, guest: Guest) -> dict[str, str]:
        """Return what xenferry wrote on the guest, but for the migrations that are over."""
        config = self.xapi.VM.get_other_config(guest.ref)
        ours = [key for key in config if key.startswith("xenferry:")]
        return {key: config[key] for key in ours if not key.startswith("xenferry:ended:")}

    def mark(self, guest: Guest, fence: fence_pb2.Fence) -> None:
        """Write on the guest what an agent writes before a move."""
        self.xapi.VM.add_to_other_config(guest.ref, "xenferry:migration_id", fence.migration_id)
        self.xapi.VM.add_to_other_config(guest.ref, "xenferry:epoch", str(fence.epoch))

    def starts(self, guest: Guest) -> int:
        """Return how often XAPI was asked to move the guest."""
        return sum(
            call["method"] == "Async.VM.pool_migrate" and guest.ref in call["params"]
            for call in self.simulator.trace()
        )

    def evict(self, host: str) -> None:
        """Have XAPI forget the session of a host's agent, as it does with the oldest of many."""
        sessions = {
            call["session"]
            for call in self.simulator.trace()
            if call["originator"] == f"xenferry-hostagent/{host}"
        }
        raw: Any = xmlrpc.client.ServerProxy(self.simulator.endpoints["xs1"])
        for session in sessions:
            raw.session.logout(session)

    def order(self, guest: Guest, fence: fence_pb2.Fence | None = None) -> Any:
        """Return the request that moves a guest to the destination."""
        return move_pb2.LiveMigrationRequest(
            fence=fence or guest.fence,
            instance_id=guest.uuid,
            dest_host_id=self.dest.host.host_id,
            kind=SHARED_STORAGE,
            source_host_id=self.source.host.host_id,
        )

    def follow(self, guest: Guest, fence: fence_pb2.Fence | None = None) -> Following:
        """Ask for a guest's move and follow it."""
        call = self.source.stub.LiveMigration(self.order(guest, fence), timeout=DEADLINE_S)
        return Following(call)

    async def move(self, guest: Guest, fence: fence_pb2.Fence | None = None) -> list[Any]:
        """Move a guest and return every report."""
        return await self.follow(guest, fence).all()

    async def abort(self, guest: Guest, fence: fence_pb2.Fence | None = None) -> Any:
        """Stop a guest's move and return how it ended."""
        request = move_pb2.AbortMigrationRequest(
            fence=fence or guest.fence,
            instance_id=guest.uuid,
            dest_host_id=self.dest.host.host_id,
            source_host_id=self.source.host.host_id,
        )
        return (await self.source.stub.AbortMigration(request, timeout=DEADLINE_S)).outcome

    async def observe(self, guest: Guest) -> Any:
        """Return what the source's agent sees of the guest's migration."""
        words: dict[str, Any] = {"fence": guest.fence, "instance_id": guest.uuid}
        host_id = self.source.host.host_id
        request = observation_pb2.ObserveMigrationRequest(host_id=host_id, **words)
        return await self.source.stub.ObserveMigration(request, timeout=DEADLINE_S)

    async def check_dest(self, guest: Guest, agent: RunningAgent | None = None, **more: Any) -> Any:
        """Ask a destination whether the guest could come."""
        agent = agent or self.dest
        request = checks_pb2.CheckCanLiveMigrateOnDestRequest(
            source_pool_id=self.source.host.pool_id, dest_host_id=agent.host.host_id, **more
        )
        request.instance.instance_id = guest.uuid
        request.instance.name = guest.name
        return await agent.stub.CheckCanLiveMigrateOnDest(request, timeout=DEADLINE_S)

    async def check_source(self, guest: Guest, dest: Any = None, **more: Any) -> Any:
        """Ask the source whether the guest could leave."""
        request = checks_pb2.CheckCanLiveMigrateOnSrcRequest(
            instance_id=guest.uuid, source_host_id=self.source.host.host_id, **more
        )
        request.dest_check_data.host.CopyFrom((dest or self.dest).host)
        return await self.source.stub.CheckCanLiveMigrateOnSrc(request, timeout=DEADLINE_S)

    async def finish(self, guest: Guest, fence: fence_pb2.Fence | None = None) -> Any:
        """Verify and clear at the destination."""
        request = cleanup_pb2.PostAtDestinationRequest(
            fence=fence or guest.fence,
            instance_id=guest.uuid,
            dest_host_id=self.dest.host.host_id,
        )
        return await self.dest.stub.PostAtDestination(request, timeout=DEADLINE_S)


def errors(findings: Any) -> set[str]:
    """Return the reasons of the findings that forbid a move."""
    return {
        reason_pb2.Reason.Name(finding.reason).removeprefix("REASON_")
        for finding in findings
        if finding.severity == ERROR
    }


def answer(failed: Any) -> answers.Answer:
    """Return what a refused call says; `failed` is pytest's ExceptionInfo."""
    assert isinstance(failed.value, grpc.aio.AioRpcError)
    return answers.read(failed.value)
