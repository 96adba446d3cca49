"""A ledger in memory with the semantics of the SQL one; a conformance suite compares them."""

import uuid
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace

from controller.model.inventory import Instance, InstanceFacts, PowerState
from controller.model.migration import (
    JournalEntry,
    Migration,
    MigrationPlan,
    MigrationState,
)
from controller.model.slots import RUNNING, Load
from controller.ports.clock import Clock
from controller.ports.failures import MigrationUnknown
from controller.ports.ledger import Advance, CancelWins, Claim, ClaimLost, Decide, NoSlot


@dataclass(frozen=True, slots=True)
class Row:
    """A migration and who may change it."""

    migration: Migration
    owner: str


class MemoryLedger:
    """Fulfils `Ledger`, and the conformance suite's `Harness`."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._rows: dict[str, Row] = {}
        self._hosts: dict[str, str] = {}
        self._revision = 0
        self.listener: Callable[[Migration], None] = lambda _: None

    @property
    def ledger(self) -> "MemoryLedger":
        """Itself, as a harness."""
        return self

    async def admit(self, plan: MigrationPlan, owner: str) -> Migration:
        """Write the migration, its reservation, and the instance's task_state."""
        now = self._clock.now()
        self._hosts.setdefault(plan.instance_id, plan.source_host_id)
        migration = Migration(
            migration_id=str(uuid.uuid4()),
            plan=plan,
            state=MigrationState.QUEUED,
            revision=self._next_revision(),
            epoch=1,
            create_time=now,
            update_time=now,
            reserved_memory_bytes=plan.memory_needed_bytes,
            reserved_disk_bytes=plan.disk.needed_bytes,
        )
        self._rows[migration.migration_id] = Row(migration, owner)
        return migration

    async def load(self, migration_id: str) -> Migration:
        """Return a migration with its whole journal."""
        return self._rows[migration_id].migration

    async def advance(self, claim: Claim, change: Advance) -> Migration:
        """Apply a change, unless the claim is lost."""
        row = self._rows[claim.migration_id]
        ours = (row.owner, row.migration.epoch) == (claim.owner, claim.epoch)
        if not ours or row.migration.state.ended:
            raise ClaimLost
        if change.unless_cancelled and row.migration.cancel_requested:
            raise CancelWins
        if change.within is not None and not self._load(row.migration).leaves_room(
            change.within.of(row.migration.plan.kind)
        ):
            raise NoSlot
        if change.rehome:
            self._hosts[row.migration.plan.instance_id] = row.migration.plan.dest_host_id
        migration = self._apply(row.migration, change)
        self._rows[claim.migration_id] = Row(migration, row.owner)
        return migration

    async def intervene(self, migration_id: str, decide: Decide) -> Migration:
        """Decide over the newest row and apply the change; needs no claim."""
        row = self._rows.get(migration_id)
        if row is None:
            raise MigrationUnknown(migration_id)
        change = decide(row.migration)
        if change is None:
            return row.migration
        if change.rehome:
            self._hosts[row.migration.plan.instance_id] = row.migration.plan.dest_host_id
        migration = self._apply(row.migration, change)
        self._rows[migration_id] = Row(migration, row.owner)
        self.listener(migration)
        return migration

    async def claim_open(self, owner: str, driven: Collection[str] = ()) -> list[Migration]:
        """Claim every open migration that nobody drives, with the next epoch."""
        claimed = []
        for row in list(self._rows.values()):
            if row.migration.state.ended or row.migration.migration_id in driven:
                continue
            migration = replace(
                row.migration, epoch=row.migration.epoch + 1, revision=self._next_revision()
            )
            self._rows[migration.migration_id] = Row(migration, owner)
            claimed.append(migration)
        return claimed

    def journals(self) -> list[tuple[JournalEntry, ...]]:
        """Return every journal as it is durable now."""
        return [row.migration.journal for row in self._rows.values()]

    def newest(self) -> Migration:
        """Return the migration that was admitted last, as it is durable now."""
        return list(self._rows.values())[-1].migration

    async def reserved_bytes(self, host_id: str) -> int:
        """Return the memory held at a host."""
        return sum(
            row.migration.reserved_memory_bytes
            for row in self._rows.values()
            if row.migration.plan.dest_host_id == host_id
        )

    async def instance(self, instance_id: str) -> Instance:
        """Return the instance with its host and what holds it."""
        holding = [
            row.migration.migration_id
            for row in self._rows.values()
            if row.migration.plan.instance_id == instance_id and not row.migration.state.ended
        ]
        facts = InstanceFacts(
            instance_id=instance_id,
            name="web-1",
            host_id=self._hosts[instance_id],
            power_state=PowerState.RUNNING,
        )
        return Instance(facts, "migrating" if holding else "", holding[0] if holding else "")

    def _apply(self, old: Migration, change: Advance) -> Migration:
        now = self._clock.now()
        first = len(old.journal) + 1
        numbered = (replace(row, sequence=n) for n, row in enumerate(change.entries, first))
        findings = old.plan.findings if change.findings is None else tuple(change.findings)
        return replace(
            old,
            plan=replace(old.plan, findings=findings),
            state=change.state or old.state,
            error=None if change.clear_error else change.error or old.error,
            whereabouts=change.whereabouts or old.whereabouts,
            cleanup=old.cleanup if change.cleanup is None else tuple(change.cleanup),
            journal=(*old.journal, *numbered),
            revision=self._next_revision(),
            update_time=now,
            end_time=now if change.close else old.end_time,
            reserved_memory_bytes=0 if change.close else old.reserved_memory_bytes,
            reserved_disk_bytes=0 if change.close else old.reserved_disk_bytes,
            verification=old.verification
            if change.verification is None
            else tuple(change.verification),
            cancel_requested=change.cancel_requested or old.cancel_requested,
            cancel_reason=change.cancel_reason or old.cancel_reason,
            resolution=change.resolution or old.resolution,
            resolution_reason=change.resolution_reason or old.resolution_reason,
        )

    def _load(self, migration: Migration) -> Load:
        running = [
            row.migration.plan
            for row in self._rows.values()
            if row.migration.state in RUNNING and row.migration.plan.kind is migration.plan.kind
        ]
        plan = migration.plan
        return Load(
            sum(other.source_host_id == plan.source_host_id for other in running),
            sum(other.dest_host_id == plan.dest_host_id for other in running),
            len(running),
        )

    def _next_revision(self) -> int:
        self._revision += 1
        return self._revision
