"""What every ledger must do, told once and run on each: in memory and in SQL.

A suite is `for scenario in SCENARIOS: await scenario(harness)`, each on an empty store.
"""

import uuid
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Protocol

import pytest

from controller.model.findings import Finding, Reason, Severity
from controller.model.inventory import Instance
from controller.model.migration import (
    CleanupAction,
    CleanupItem,
    JournalEntry,
    JournalEvent,
    Migration,
    MigrationKind,
    MigrationPlan,
    MigrationRequest,
    MigrationState,
    Whereabouts,
)
from controller.ports.ledger import Advance, Claim, ClaimLost, Ledger

GIB = 1024**3
NOW = datetime(2026, 1, 1, tzinfo=UTC)


class Harness(Protocol):
    """A ledger on an empty store, and what its port does not offer."""

    @property
    def ledger(self) -> Ledger:
        """The ledger."""

    async def admit(self, plan: MigrationPlan, owner: str) -> Migration:
        """Register the plan's hosts and instance if need be, and admit the plan for `owner`."""

    async def reserved_bytes(self, host_id: str) -> int:
        """Return the memory held at a host for open migrations."""

    async def instance(self, instance_id: str) -> Instance:
        """Return the instance as the planner would read it."""


def a_plan() -> MigrationPlan:
    """Return a plan of a fresh instance between fresh hosts."""
    instance_id, source, dest = (str(uuid.uuid4()) for _ in range(3))
    return MigrationPlan(
        request=MigrationRequest(instance_id=instance_id, dest=dest),
        instance_id=instance_id,
        instance_name="web-1",
        source_host_id=source,
        source_host_name="xs1",
        dest_host_id=dest,
        dest_host_name="xs2",
        kind=MigrationKind.SHARED_STORAGE,
        memory_needed_bytes=4 * GIB,
        findings=(_pass(),),
    )


def claim_of(migration: Migration, owner: str) -> Claim:
    """Return the claim that comes with a migration that was admitted or claimed."""
    return Claim(migration.migration_id, owner, migration.epoch)


async def an_advance_writes_rows_and_values_together(harness: Harness) -> None:
    """Rows get their numbers, and the row of the migration its new values."""
    migration = await harness.admit(a_plan(), "one")
    known = len(migration.journal)
    rows = (_row("prepare_dest", JournalEvent.DONE), _row("move", JournalEvent.STARTED, "why"))

    newest = await harness.ledger.advance(
        claim_of(migration, "one"), Advance(entries=rows, state=MigrationState.MOVING)
    )

    assert newest.state is MigrationState.MOVING
    written = newest.journal[known:]
    assert [(row.step, row.event) for row in written] == [(row.step, row.event) for row in rows]
    assert written[1].note == "why"
    assert [row.sequence for row in newest.journal] == list(range(1, known + 3))
    assert newest == await harness.ledger.load(migration.migration_id)


async def an_advance_leaves_alone_what_it_does_not_name(harness: Harness) -> None:
    """None means as it was."""
    migration = await harness.admit(a_plan(), "one")
    claim = claim_of(migration, "one")
    item = CleanupItem("sr/iscsi-1", CleanupAction.FAILED, "in use")
    change = Advance(
        state=MigrationState.STUCK,
        error=_error(),
        whereabouts=Whereabouts.SOURCE,
        cleanup=(item,),
        findings=(_pass(), _error()),
    )
    await harness.ledger.advance(claim, change)

    newest = await harness.ledger.advance(claim, Advance(state=MigrationState.ROLLING_BACK))

    assert newest.state is MigrationState.ROLLING_BACK
    assert newest.error == _error()
    assert newest.whereabouts is Whereabouts.SOURCE
    assert newest.cleanup == (item,)
    assert newest.plan.findings == (_pass(), _error())


async def an_error_is_taken_away_when_asked(harness: Harness) -> None:
    """A migration that goes forward again has no error."""
    migration = await harness.admit(a_plan(), "one")
    claim = claim_of(migration, "one")
    await harness.ledger.advance(claim, Advance(state=MigrationState.STUCK, error=_error()))

    newest = await harness.ledger.advance(
        claim, Advance(state=MigrationState.MOVING, clear_error=True)
    )

    assert newest.error is None


async def every_change_has_a_higher_revision(harness: Harness) -> None:
    """Watchers see each change, in order."""
    migration = await harness.admit(a_plan(), "one")
    claim = claim_of(migration, "one")

    first = await harness.ledger.advance(claim, Advance(state=MigrationState.PREPARING))
    second = await harness.ledger.advance(claim, Advance(state=MigrationState.MOVING))

    assert migration.revision < first.revision < second.revision


async def rehome_makes_the_destination_the_host(harness: Harness) -> None:
    """In the same transaction as its row."""
    plan = a_plan()
    migration = await harness.admit(plan, "one")
    assert (await harness.instance(plan.instance_id)).facts.host_id == plan.source_host_id

    await harness.ledger.advance(claim_of(migration, "one"), Advance(rehome=True))

    assert (await harness.instance(plan.instance_id)).facts.host_id == plan.dest_host_id


async def an_open_migration_holds_memory_and_instance(harness: Harness) -> None:
    """From admission to the end."""
    plan = a_plan()

    migration = await harness.admit(plan, "one")

    assert await harness.reserved_bytes(plan.dest_host_id) == plan.memory_needed_bytes
    instance = await harness.instance(plan.instance_id)
    assert instance.task_state == "migrating"
    assert instance.migration_id == migration.migration_id


async def close_frees_memory_and_instance(harness: Harness) -> None:
    """And gives the migration its end."""
    plan = a_plan()
    migration = await harness.admit(plan, "one")

    newest = await harness.ledger.advance(
        claim_of(migration, "one"), Advance(state=MigrationState.SUCCEEDED, close=True)
    )

    assert newest.state.ended
    assert newest.end_time is not None
    assert newest.reserved_memory_bytes == 0
    assert await harness.reserved_bytes(plan.dest_host_id) == 0
    instance = await harness.instance(plan.instance_id)
    assert (instance.task_state, instance.migration_id) == ("", "")


async def claiming_takes_every_open_migration_with_the_next_epoch(harness: Harness) -> None:
    """And leaves alone those that have ended."""
    migration, ended = await harness.admit(a_plan(), "one"), await harness.admit(a_plan(), "one")
    end = Advance(state=MigrationState.ROLLED_BACK, close=True)
    await harness.ledger.advance(claim_of(ended, "one"), end)

    (claimed,) = await harness.ledger.claim_open("two")

    assert claimed.migration_id == migration.migration_id
    assert claimed.epoch == migration.epoch + 1
    assert claimed.journal == migration.journal


async def who_lost_the_claim_changes_nothing(harness: Harness) -> None:
    """Not even with its own rows."""
    migration = await harness.admit(a_plan(), "one")
    await harness.ledger.claim_open("two")
    before = await harness.ledger.load(migration.migration_id)
    rows = (_row("move", JournalEvent.STARTED),)

    for claim in (
        claim_of(migration, "one"),
        Claim(migration.migration_id, "two", migration.epoch),
        Claim(migration.migration_id, "one", before.epoch),
    ):
        with pytest.raises(ClaimLost):
            await harness.ledger.advance(claim, Advance(entries=rows, rehome=True))

    assert await harness.ledger.load(migration.migration_id) == before
    instance = await harness.instance(migration.plan.instance_id)
    assert instance.facts.host_id == migration.plan.source_host_id


async def the_new_owner_goes_on(harness: Harness) -> None:
    """Its rows come after those of the old one."""
    migration = await harness.admit(a_plan(), "one")
    row = _row("verify_exports", JournalEvent.STARTED)
    await harness.ledger.advance(claim_of(migration, "one"), Advance(entries=(row,)))
    (claimed,) = await harness.ledger.claim_open("two")

    newest = await harness.ledger.advance(claim_of(claimed, "two"), Advance(entries=(row,)))

    assert len(newest.journal) == len(claimed.journal) + 1


async def what_has_ended_is_not_changed(harness: Harness) -> None:
    """Whoever asks."""
    migration = await harness.admit(a_plan(), "one")
    claim = claim_of(migration, "one")
    ended = await harness.ledger.advance(claim, Advance(state=MigrationState.SUCCEEDED, close=True))

    with pytest.raises(ClaimLost):
        await harness.ledger.advance(claim, Advance(state=MigrationState.MOVING))

    assert await harness.ledger.load(migration.migration_id) == ended


Scenario = Callable[[Harness], Awaitable[None]]

SCENARIOS: tuple[Scenario, ...] = (
    an_advance_writes_rows_and_values_together,
    an_advance_leaves_alone_what_it_does_not_name,
    an_error_is_taken_away_when_asked,
    every_change_has_a_higher_revision,
    rehome_makes_the_destination_the_host,
    an_open_migration_holds_memory_and_instance,
    close_frees_memory_and_instance,
    claiming_takes_every_open_migration_with_the_next_epoch,
    who_lost_the_claim_changes_nothing,
    the_new_owner_goes_on,
    what_has_ended_is_not_changed,
)


def _row(step: str, event: JournalEvent, note: str = "") -> JournalEntry:
    return JournalEntry(step, event, NOW, epoch=1, note=note)


def _pass() -> Finding:
    return Finding(Reason.DEST_NOT_ALIVE, Severity.OK, "host/xs2", "xs2 is alive")


def _error() -> Finding:
    return Finding(
        Reason.OUTCOME_UNKNOWN,
        Severity.ERROR,
        "instance/web-1",
        "whether web-1 runs on xs1 or xs2 is open",
        "look",
        ("TASK_GONE", "x"),
        {"seconds": "300"},
    )
