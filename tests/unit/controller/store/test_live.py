"""What is told of migrations: every revision once and in order, and no watcher that grows."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from controller.model.migration import Migration, MigrationState, Progress
from controller.ports.history import MigrationFilter
from controller.store.change_log import Change
from controller.store.ears import BACKLOG
from controller.store.live import LiveMigrations
from tests.support.ledger_conformance import a_plan
from tests.support.store_world import a_uuid

ALL = MigrationFilter()


def a_migration(revision: int) -> Migration:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    return Migration(a_uuid(), a_plan(), MigrationState.MOVING, revision, 1, now, now)


@pytest.fixture
def live() -> LiveMigrations:
    """Return a memory that was told everything up to revision 10."""
    memory = LiveMigrations()
    memory.begin(10, [])
    return memory


async def test_a_change_before_its_turn_waits_for_those_before_it(live: LiveMigrations) -> None:
    ear = live.subscribe(ALL)
    eleven, twelve, thirteen = (a_migration(revision) for revision in (11, 12, 13))

    live.changed(thirteen)
    assert live.missed.is_set()
    assert (await ear.next(0)).changes == ()
    live.followed([Change(eleven, rehomed=False), Change(twelve, rehomed=False)])
    live.followed([Change(thirteen, rehomed=False)])

    assert (await ear.next(1)).changes == (eleven, twelve, thirteen)
    assert live.revision == 13


async def test_a_revision_that_the_log_leaves_out_holds_nobody_up(live: LiveMigrations) -> None:
    ear = live.subscribe(ALL)
    thirteen = a_migration(13)

    live.followed([Change(thirteen, rehomed=False)])

    assert (await ear.next(1)).changes == (thirteen,)


async def test_a_watcher_that_does_not_ask_is_sent_to_the_log_and_holds_little(
    live: LiveMigrations,
) -> None:
    ear = live.subscribe(ALL)

    for revision in range(11, 12 + BACKLOG):
        live.changed(a_migration(revision))

    heard = await ear.next(1)
    assert heard.lost
    assert heard.changes == ()
    assert heard.upto == 11 + BACKLOG
    live.changed(a_migration(12 + BACKLOG))
    assert [each.revision for each in (await ear.next(1)).changes] == [12 + BACKLOG]


async def test_of_progress_a_slow_watcher_hears_the_newest_only(live: LiveMigrations) -> None:
    migration = a_migration(11)
    live.changed(migration)
    ear = live.subscribe(ALL)

    for percent in range(100):
        live.publish(migration.migration_id, Progress("memory", float(percent)))
    await asyncio.sleep(0.15)

    heard = await ear.next(1)
    assert [each.progress.percent for each in heard.progress] == [99.0]


async def test_a_watcher_of_one_migration_hears_of_no_other(live: LiveMigrations) -> None:
    one, other = a_migration(11), a_migration(12)
    ear = live.subscribe(MigrationFilter(migration_id=one.migration_id))

    live.changed(one)
    live.changed(other)
    live.changed(replace(one, revision=13, state=MigrationState.FINISHING))

    assert [each.revision for each in (await ear.next(1)).changes] == [11, 13]
    ear.close()
    live.changed(replace(one, revision=14))
    assert (await ear.next(0)).changes == ()
