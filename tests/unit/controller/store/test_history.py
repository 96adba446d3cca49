"""History: pages read their own rows only, and what is swept away is old and has ended."""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest
import sqlalchemy as sa

from controller.model.migration import Migration, MigrationState
from controller.ports.failures import MigrationUnknown, RevisionCompacted
from controller.ports.history import MigrationFilter, Position
from controller.ports.ledger import Advance
from controller.store import metrics, pages, records, schema
from controller.store.settings import StoreSettings
from controller.store.sweeping import Sweeper
from tests.support.ledger_conformance import a_plan, claim_of
from tests.support.store_world import Store, a_uuid, open_store

MANY, HOSTS, PAGE = 4_000, 20, 10
ALL = MigrationFilter()
SUCCEEDED, STUCK = MigrationState.SUCCEEDED, MigrationState.STUCK
END = Advance(state=SUCCEEDED, close=True)


async def filled(store: Store) -> list[Migration]:
    """Write many migrations that ended, one in fifty of them rolled back, and return them."""
    hosts = [a_uuid() for _ in range(HOSTS)]
    instances = [a_uuid() for _ in range(MANY // 8)]
    first, written = store.clock.now(), []
    for number in range(MANY):
        plan = replace(
            a_plan(),
            instance_id=instances[number % len(instances)],
            source_host_id=hosts[number % HOSTS],
            dest_host_id=hosts[(number * 7 + 1) % HOSTS],
        )
        state = MigrationState.ROLLED_BACK if number % 50 == 0 else SUCCEEDED
        time = first + timedelta(seconds=number)
        written.append(Migration(a_uuid(), plan, state, number + 1, 1, time, time, end_time=time))
    rows = [
        {**records.to_row(each, "one", ""), "end_time": records.to_micros(each.create_time)}
        for each in written
    ]
    await store.database.write(
        metrics.MIGRATION, lambda c: c.execute(sa.insert(schema.MIGRATIONS), rows).rowcount
    )
    if store.database.shared:
        await store.database.write(
            metrics.MIGRATION, lambda c: c.exec_driver_sql("ANALYZE migrations").rowcount
        )
    return written


def rows_read(connection: sa.Connection, which: MigrationFilter, after: Position) -> int:
    """Return how many rows of migrations a page looks at.

    SQLite tells its plan only: there the index of no filter counts as all rows.
    """
    query = pages.page(which, PAGE, after).compile(
        connection, compile_kwargs={"literal_binds": True}
    )
    if connection.dialect.name == "sqlite":
        plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {query}").all()
        whole = ("SCAN migrations", "TEMP B-TREE FOR LAST TERM")
        unfit = any(row.detail in whole or "newest_first" in row.detail for row in plan)
        return MANY if unfit and which != ALL else 0
    explained = connection.exec_driver_sql(f"EXPLAIN (ANALYZE, FORMAT JSON) {query}").scalar_one()
    found = json.loads(explained) if isinstance(explained, str) else explained
    return sum(map(looked_at, nodes(found[0]["Plan"])))


def nodes(node: dict[str, object]) -> Sequence[dict[str, object]]:
    children = node.get("Plans", [])
    assert isinstance(children, list)
    return [node, *(below for child in children for below in nodes(child))]


def looked_at(node: dict[str, object]) -> int:
    if "Scan" not in str(node["Node Type"]) or "Relation Name" not in node:
        return 0
    rows = float(str(node["Actual Rows"])) + float(str(node.get("Rows Removed by Filter", 0)))
    return round(rows * float(str(node["Actual Loops"])))


def filters(some: Migration) -> dict[str, MigrationFilter]:
    return {
        "all": ALL,
        "state": MigrationFilter(states=frozenset({MigrationState.ROLLED_BACK})),
        "states": MigrationFilter(states=frozenset({SUCCEEDED, STUCK})),
        "host": MigrationFilter(host_id=some.plan.source_host_id),
        "host and state": MigrationFilter(
            states=frozenset({SUCCEEDED}), host_id=some.plan.dest_host_id
        ),
        "instance": MigrationFilter(instance_id=some.plan.instance_id),
        "one": MigrationFilter(migration_id=some.migration_id),
    }


async def test_every_filter_pages_through_all_that_match_and_reads_little_else(
    where: StoreSettings,
) -> None:
    async with open_store(where) as store:
        written = await filled(store)
        middle = written[MANY // 2]
        place = Position(middle.create_time, middle.migration_id)
        for name, which in filters(middle).items():
            read = await store.database.read(partial(rows_read, which=which, after=place))
            assert read <= 20 * PAGE, name

            expected = [each.migration_id for each in reversed(written) if which.matches(each)]
            first = await store.history.page(which, PAGE, None)
            assert [each.migration_id for each in first] == expected[:PAGE], name
            if len(expected) > PAGE:
                last = Position(first[-1].create_time, first[-1].migration_id)
                second = await store.history.page(which, PAGE, last)
                assert [m.migration_id for m in second] == expected[PAGE : 2 * PAGE], name


async def test_old_ended_migrations_are_swept_away_and_open_ones_never(
    where: StoreSettings,
) -> None:
    async with open_store(where) as store:
        old, stays_open = await store.admit(a_plan(), "one"), await store.admit(a_plan(), "one")
        await store.ledger.advance(claim_of(old, "one"), END)
        await store.ledger.advance(claim_of(stays_open, "one"), Advance(state=STUCK))
        await store.clock.sleep(86_400 * 3)
        recent = await store.admit(a_plan(), "one")
        await store.ledger.advance(claim_of(recent, "one"), END)

        sweeper = Sweeper(store.database, replace(where, history_days=2.0), store.clock)

        assert await sweeper.sweep() == 1
        kept = [each.migration_id for each in await store.history.page(ALL, 10, None)]
        assert kept == [recent.migration_id, stays_open.migration_id]
        with pytest.raises(MigrationUnknown):
            await store.ledger.load(old.migration_id)


async def test_history_is_kept_for_ever_unless_told_otherwise(where: StoreSettings) -> None:
    async with open_store(where) as store:
        old = await store.admit(a_plan(), "one")
        await store.ledger.advance(claim_of(old, "one"), END)
        await store.clock.sleep(86_400 * 3_000)

        assert await Sweeper(store.database, where, store.clock).sweep() == 0
        assert await store.history.find(old.migration_id) is not None


async def test_every_change_is_kept_as_it_was_until_it_is_compacted(where: StoreSettings) -> None:
    async with open_store(where) as store:
        migration = await store.admit(a_plan(), "one")
        claim = claim_of(migration, "one")
        states = [MigrationState.PREPARING, MigrationState.MOVING, MigrationState.FINISHING]
        for state in states:
            await store.ledger.advance(claim, Advance(state=state))
        newest = await store.history.revision()

        told = await store.history.changes(ALL, migration.revision, newest, 10)
        assert [each.state for each in told] == states
        assert told[0].plan.request == migration.plan.request
        assert told[0].create_time == migration.create_time

        await Sweeper(store.database, replace(where, changes_kept=2), store.clock).sweep()
        kept = await store.history.changes(ALL, newest - 2, newest, 10)
        assert [each.state for each in kept] == states[1:]
        with pytest.raises(RevisionCompacted, match=f"from revision {newest - 2} on"):
            await store.history.changes(ALL, newest - 3, newest, 10)
