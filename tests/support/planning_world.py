"""An inventory and agents for the planner, as small programs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from controller.model.findings import Finding
from controller.model.inventory import (
    Host,
    HostFacts,
    Instance,
    InstanceFacts,
    PowerState,
    SoftwareVersion,
)
from controller.model.migration import (
    DiskRoom,
    MigrationKind,
    MigrationRequest,
    MoveEstimate,
)
from controller.planning.snapshot import Snapshot
from controller.ports.agents import AgentError, CheckOrder, DestCheck, SourceCheck

MIB = 1024 * 1024
NOW = datetime(2026, 1, 1, tzinfo=UTC)
XS1, XS2, XS3, WEB1 = (f"00000000-0000-4000-8000-00000000000{n}" for n in range(1, 5))
SOFTWARE = SoftwareVersion("8.3.0", "3.4.0", "26.17.0", "4.17.5-13")


def a_host(host_id: str, name: str) -> Host:
    """Return a host with nothing against it and 8 GiB free."""
    facts = HostFacts(
        host_id, name, "pool-1", "pool one", software=SOFTWARE, memory_free_bytes=8192 * MIB
    )
    return Host(facts, "127.0.0.1:1", alive=True, heartbeat_time=NOW)


def an_instance() -> Instance:
    """Return an instance that runs on xs1 and needs 4,230 MiB."""
    facts = InstanceFacts(WEB1, "web-1", XS1, PowerState.RUNNING, memory_needed_bytes=4230 * MIB)
    return Instance(facts)


def a_snapshot() -> Snapshot:
    """Return a view in which web-1 may move from xs1 to xs2."""
    request = MigrationRequest(WEB1, XS2)
    return Snapshot(request, an_instance(), a_host(XS1, "xs1"), a_host(XS2, "xs2"), NOW)


def with_host(host: Host, facts: Mapping[str, Any], **added: Any) -> Host:
    """Return a host with other facts, and other things the controller adds."""
    changed = replace(host.facts, **facts)
    return replace(host, facts=changed, **added)


@dataclass
class Shelf:
    """An inventory of what it was given."""

    instances: dict[str, Instance] = field(default_factory=dict)
    known: list[Host] = field(default_factory=list)

    async def instance(self, instance_id: str) -> Instance | None:
        """Return the instance, or None."""
        return self.instances.get(instance_id)

    async def host(self, host_id: str) -> Host | None:
        """Return the host, or None."""
        return next((host for host in self.known if host.host_id == host_id), None)

    async def hosts_named(self, name: str) -> Sequence[Host]:
        """Return the hosts of that name."""
        return [host for host in self.known if host.name == name]

    async def hosts(self) -> Sequence[Host]:
        """Return all hosts."""
        return self.known


@dataclass
class Oracle:
    """The agents of both sides, who say what they were told to say."""

    dest: Sequence[Finding] | AgentError = ()
    source: Sequence[Finding] | AgentError = ()
    kind: MigrationKind | None = MigrationKind.SHARED_STORAGE
    asked: list[str] = field(default_factory=list)
    carried: object = None
    disk: DiskRoom = field(default_factory=lambda: DiskRoom("sr-1", "local", 10 * MIB, 90 * MIB))
    estimate: MoveEstimate = field(default_factory=lambda: MoveEstimate(10 * MIB, 1.0, 2.0, 0.1))

    async def check_dest(self, order: CheckOrder) -> DestCheck:
        """Answer for the destination."""
        self.asked.append(f"dest {order.dest.name}")
        if isinstance(self.dest, AgentError):
            raise self.dest
        return DestCheck(tuple(self.dest), data=b"sealed", disk=self.disk)

    async def check_source(self, order: CheckOrder, dest: DestCheck) -> SourceCheck:
        """Answer for the source."""
        self.asked.append(f"source {order.source.name}")
        self.carried = dest.data
        if isinstance(self.source, AgentError):
            raise self.source
        return SourceCheck(tuple(self.source), self.kind, self.estimate)


@dataclass
class Held:
    """Room on SRs that is held, by uuid."""

    srs: dict[str, int] = field(default_factory=dict)

    def on_sr(self, sr_id: str) -> int:
        """Return what is held."""
        return self.srs.get(sr_id, 0)


class Settled:
    """Pools that nobody joins or leaves."""

    def of(self, host_id: str) -> str:
        """Return that it does not."""
        del host_id
        return ""


class StillClock:
    """A clock that stands."""

    def now(self) -> datetime:
        """Return the time."""
        return NOW

    def monotonic(self) -> float:
        """Return seconds that stand."""
        return 0.0

    async def sleep(self, seconds: float) -> None:
        """Nobody waits here."""
        raise AssertionError(seconds)
