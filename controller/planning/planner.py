"""From a request to a plan, or to a refusal with every finding that can be had.

The inventory is asked first, because it costs nothing; then the agents, because they know better.
"""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass, replace

from controller.model import inventory
from controller.model.findings import Finding, errors
from controller.model.migration import (
    DiskRoom,
    MigrationKind,
    MigrationPlan,
    MigrationRequest,
    MoveEstimate,
)
from controller.planning import checks, disk_checks, interview, pool_checks, refusals
from controller.planning.snapshot import Snapshot
from controller.ports.agents import CheckAgents
from controller.ports.clock import Clock
from controller.ports.holds import DiskHolds, PoolChanges
from controller.ports.inventory import InventoryReader


@dataclass(frozen=True, slots=True)
class CheckCell:
    """Whether one instance could move to one destination; empty ids are unknown ones."""

    instance_id: str
    dest_host_id: str
    possible: bool
    kind: MigrationKind
    findings: tuple[Finding, ...]
    estimate: MoveEstimate | None = None


class Planner:
    """Judges moves; writes nothing and changes nothing."""

    def __init__(
        self,
        reader: InventoryReader,
        agents: CheckAgents,
        clock: Clock,
        holds: DiskHolds,
        pools: PoolChanges,
    ) -> None:
        self._reader = reader
        self._agents = agents
        self._clock = clock
        self._holds = holds
        self._pools = pools

    async def plan(self, request: MigrationRequest) -> MigrationPlan:
        """Return the frozen decision, with the findings of all checks, which all passed.

        Raises InstanceNotFound, HostNotFound, AmbiguousName, or MoveRefused with all findings.
        """
        snapshot = await self._snapshot(request)
        judged = await self._judge(snapshot)
        if errors(judged.findings) or snapshot.source is None:
            raise refusals.MoveRefused(judged.findings)
        return _plan(snapshot, snapshot.source, judged)

    async def check(self, request: MigrationRequest) -> CheckCell:
        """Return the cell of one instance and one destination; what is unknown is a finding."""
        try:
            snapshot = await self._snapshot(request)
        except refusals.NoPlan as refusal:
            return CheckCell(
                instance_id=request.instance_id,
                dest_host_id=request.dest,
                possible=False,
                kind=_asked_kind(request),
                findings=refusal.findings,
            )
        judged = await self._judge(snapshot)
        return CheckCell(
            instance_id=snapshot.instance.instance_id,
            dest_host_id=snapshot.dest.host_id,
            possible=not errors(judged.findings),
            kind=judged.kind,
            findings=judged.findings,
            estimate=judged.estimate,
        )

    async def _snapshot(self, request: MigrationRequest) -> Snapshot:
        instance = await self._reader.instance(request.instance_id)
        if instance is None:
            raise refusals.InstanceNotFound(request.instance_id)
        dest = await self._host(request.dest)
        source = None
        if instance.facts.host_id:
            source = await self._reader.host(instance.facts.host_id)
        return Snapshot(request, instance, source, dest, self._clock.now())

    async def _host(self, dest: str) -> inventory.Host:
        if _is_uuid(dest):
            host = await self._reader.host(dest)
            if host is not None:
                return host
        named = await self._reader.hosts_named(dest)
        if not named:
            raise refusals.HostNotFound(dest)
        if len(named) > 1:
            raise refusals.AmbiguousName(dest, sorted(host.host_id for host in named))
        return named[0]

    async def _judge(self, snapshot: Snapshot) -> interview.Judged:
        found = (*checks.run(snapshot), *self._changing(snapshot))
        judged = await interview.ask(self._agents, snapshot, found)
        if judged.dest is None or judged.kind is not MigrationKind.BLOCK:
            return judged
        held_bytes = self._holds.on_sr(judged.dest.disk.sr_id)
        if not held_bytes:
            return judged
        room = disk_checks.enough_disk(snapshot, judged.dest.disk, held_bytes)
        return replace(judged, findings=interview.merge(judged.findings, (room,)))

    def _changing(self, snapshot: Snapshot) -> Iterator[Finding]:
        for host in (snapshot.source, snapshot.dest):
            change = self._pools.of(host.host_id) if host else ""
            if host and change:
                yield pool_checks.changing(host, change)


def _is_uuid(text: str) -> bool:
    try:
        uuid.UUID(text)
    except ValueError:
        return False
    return True


def _asked_kind(request: MigrationRequest) -> MigrationKind:
    return MigrationKind.BLOCK if request.block_migration else MigrationKind.SHARED_STORAGE


def _plan(snapshot: Snapshot, source: inventory.Host, judged: interview.Judged) -> MigrationPlan:
    return MigrationPlan(
        request=snapshot.request,
        instance_id=snapshot.instance.instance_id,
        instance_name=snapshot.instance.name,
        source_host_id=source.host_id,
        source_host_name=source.name,
        dest_host_id=snapshot.dest.host_id,
        dest_host_name=snapshot.dest.name,
        kind=judged.kind,
        memory_needed_bytes=snapshot.instance.facts.memory_needed_bytes,
        findings=judged.findings,
        disk=DiskRoom() if judged.dest is None else judged.dest.disk,
        dest_check_data=b"" if judged.dest is None else judged.dest.data,
        estimate=judged.estimate,
    )
