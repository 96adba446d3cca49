"""A database that fails: it is told, nothing half done stays, and it recovers by itself."""

from pathlib import Path

import pytest
import sqlalchemy as sa

from controller.model.migration import JournalEntry, JournalEvent, MigrationState
from controller.ports.failures import StoreUnavailable
from controller.ports.ledger import Advance
from controller.store import metrics
from tests.support.ledger_conformance import a_plan, claim_of
from tests.support.store_world import Store, an_agent, open_store, sqlite_in


async def limit_pages(store: Store, pages: int) -> None:
    """Make the disk as good as full, or wide again."""

    def limit(connection: sa.Connection) -> None:
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")

    await store.database.write(metrics.INVENTORY, limit)


async def test_full_disk_is_told_and_forgotten_when_there_is_room(tmp_path: Path) -> None:
    agent = an_agent("xs1")
    crowd = [agent.runs(f"web-{number}") for number in range(500)]
    async with open_store(sqlite_in(tmp_path)) as store:
        await limit_pages(store, 1)
        with pytest.raises(StoreUnavailable):
            await store.inventory.register(agent.registration(*crowd))

        assert "full" in store.database.trouble
        assert await store.inventory.host(agent.host_id) is None
        assert not await store.inventory.heartbeat(agent.delta(1))

        await limit_pages(store, 1_000_000)
        await store.inventory.register(agent.registration(*crowd))
        assert store.database.trouble == ""
        assert len(await store.inventory.instances()) == 500


async def test_advance_that_failed_can_be_repeated(tmp_path: Path) -> None:
    async with open_store(sqlite_in(tmp_path)) as store:
        migration = await store.admit(a_plan(), "one")
        claim = claim_of(migration, "one")
        await limit_pages(store, 1)
        entry = JournalEntry("move", JournalEvent.STARTED, store.clock.now(), 1, note="x" * 10**6)
        with pytest.raises(StoreUnavailable):
            await store.ledger.advance(claim, Advance(entries=(entry,)))
        await limit_pages(store, 1_000_000)

        after = await store.ledger.advance(
            claim, Advance(entries=(entry,), state=MigrationState.MOVING)
        )

        assert len(after.journal) == 1
        assert after == await store.ledger.load(migration.migration_id)
