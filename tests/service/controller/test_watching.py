"""WatchMigrations: the present state, then every change, and no gap when one comes back."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
import pytest

from tests.support.answered import answer_of
from tests.support.controller_world import CALL_S, Controller, a_world, running
from xenferry.controller.v1 import migration_pb2, scheduler_pb2

SUCCEEDED = migration_pb2.MIGRATION_STATE_SUCCEEDED
MOVING = migration_pb2.MIGRATION_STATE_MOVING

Filter = scheduler_pb2.MigrationFilter


@asynccontextmanager
async def watching(
    controller: Controller, start: int = 0, which: Filter | None = None, **more: Any
) -> AsyncIterator[Any]:
    request = scheduler_pb2.WatchMigrationsRequest(start_revision=start, filter=which, **more)
    call = controller.scheduler.WatchMigrations(request, timeout=CALL_S)
    try:
        yield call
    finally:
        call.cancel()


async def until_ended(call: Any, count: int = 1) -> list[scheduler_pb2.WatchMigrationsResponse]:
    """Return what a watch tells until so many migrations have succeeded."""
    told = []
    while count:
        response = await call.read()
        told.append(response)
        count -= response.migration.state == SUCCEEDED
    return told


async def test_watch_tells_every_state_in_order_with_growing_progress(tmp_path: Path) -> None:
    async with a_world(tmp_path, move_s=0.5) as world, world.controller() as controller:
        async with watching(controller) as call:
            bookmark = await call.read()
            assert not bookmark.HasField("migration")
            asked = await controller.migrate(world.guest.instance_id, "xs2")

            told = await until_ended(call)

        migrations = [response.migration for response in told]
        assert {each.migration_id for each in migrations} == {asked.migration_id}
        revisions = [each.revision for each in migrations]
        assert revisions == sorted(revisions)
        states = list(dict.fromkeys(each.state for each in migrations))
        names = [migration_pb2.MigrationState.Name(s).split("STATE_")[1] for s in states]
        assert names == ["QUEUED", "PREPARING", "MOVING", "FINISHING", "SUCCEEDED"]
        percents = [each.progress.percent for each in migrations if each.state == MOVING]
        assert percents == sorted(percents)
        assert 3 <= len(set(percents)) <= 9


async def test_progress_is_told_at_most_ten_times_a_second(tmp_path: Path) -> None:
    async with a_world(tmp_path, move_s=1.0) as world, world.controller() as controller:
        async with watching(controller) as call:
            await controller.migrate(world.guest.instance_id, "xs2")

            told = await until_ended(call)

        assert len([each for each in told if each.migration.state == MOVING]) <= 13


async def test_watch_resumes_without_gap_after_a_restart(tmp_path: Path) -> None:
    async with a_world(tmp_path, move_s=0.4) as world:
        async with running(world.settings, grace_s=0.0) as controller:
            await world.register(controller)
            async with watching(controller) as call:
                asked = await controller.migrate(world.guest.instance_id, "xs2")
                response = await call.read()
                while response.migration.state != MOVING:
                    response = await call.read()
                seen = response.revision

        async with (
            running(world.settings) as controller,
            watching(controller, start=seen) as call,
        ):
            told = await until_ended(call)

    assert told[0].migration.revision > seen
    assert told[-1].migration.migration_id == asked.migration_id


async def test_late_watcher_is_told_what_has_ended_and_then_a_bookmark(tmp_path: Path) -> None:
    async with a_world(tmp_path) as world, world.controller() as controller:
        asked = await controller.migrate(world.guest.instance_id, "xs2")
        ended = await controller.ended(asked.migration_id)

        async with watching(controller) as call:
            first, bookmark = await call.read(), await call.read()
        async with watching(controller, start=ended.revision) as call:
            only = await call.read()

        assert first.migration.state == SUCCEEDED
        assert bookmark.revision == only.revision == ended.revision
        assert not bookmark.HasField("migration")
        assert not only.HasField("migration")


async def test_a_watch_cut_within_the_present_state_resumes_without_gap(tmp_path: Path) -> None:
    async with a_world(tmp_path) as world:
        other = world.one.guest("db-1")
        async with world.controller() as controller:
            first = await controller.migrate(world.guest.instance_id, "xs2")
            await controller.ended(first.migration_id)
            second = await controller.migrate(other.instance_id, "xs2")
            await controller.ended(second.migration_id)
            async with watching(controller) as call:
                cut = await call.read()

            async with watching(controller, start=cut.revision) as call:
                told = await until_ended(call)

    assert cut.migration.migration_id == first.migration_id
    assert told[-1].migration.migration_id == second.migration_id


async def test_watch_tells_only_what_its_filter_matches(tmp_path: Path) -> None:
    async with a_world(tmp_path) as world:
        other = world.one.guest("db-1")
        async with world.controller() as controller:
            which = Filter(instance_id=other.instance_id)
            async with watching(controller, which=which) as call:
                first = await controller.migrate(world.guest.instance_id, "xs2")
                await controller.ended(first.migration_id)
                second = await controller.migrate(other.instance_id, "xs2")

                told = await until_ended(call)

    ids = {each.migration.migration_id for each in told if each.HasField("migration")}
    assert ids == {second.migration_id}


async def test_every_one_of_many_watchers_hears_the_end(tmp_path: Path) -> None:
    async with a_world(tmp_path, move_s=0.1) as world, world.controller() as controller:
        all_watch = asyncio.Barrier(51)

        async def watcher() -> int:
            async with watching(controller) as call:
                await call.read()
                await all_watch.wait()
                return (await until_ended(call))[-1].migration.state

        watchers = [asyncio.create_task(watcher()) for _ in range(50)]
        await all_watch.wait()
        await controller.migrate(world.guest.instance_id, "xs2")

        assert set(await asyncio.gather(*watchers)) == {SUCCEEDED}


async def test_watch_of_a_stopping_controller_is_told_to_come_back(tmp_path: Path) -> None:
    async with (
        a_world(tmp_path) as world,
        world.controller() as controller,
        watching(controller) as call,
    ):
        await call.read()

        await controller.stop()

        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await call.read()
        answer = answer_of(raised)
        assert (answer.code, answer.reason) == (grpc.StatusCode.UNAVAILABLE, "SHUTTING_DOWN")


async def test_a_watch_that_resumes_is_told_every_change_between_as_it_was(tmp_path: Path) -> None:
    async with a_world(tmp_path) as world, world.controller() as controller:
        async with watching(controller) as call:
            first = (await call.read()).revision
            await controller.migrate(world.guest.instance_id, "xs2")
            live = [each for each in await until_ended(call) if each.migration.revision]

        async with watching(controller, start=first + 1) as call:
            again = await until_ended(call)

    told = {each.migration.revision: each.migration.state for each in live}
    assert [each.migration.revision for each in again] == sorted(told)[1:]
    assert [each.migration.state for each in again] == [told[key] for key in sorted(told)][1:]


async def test_a_watch_from_a_revision_that_is_not_kept_is_told_to_start_over(
    tmp_path: Path,
) -> None:
    async with a_world(tmp_path) as world:
        async with world.controller() as controller:
            asked = await controller.migrate(world.guest.instance_id, "xs2")
            newest = (await controller.ended(asked.migration_id)).revision
        store = replace(world.settings.store, changes_kept=2)
        world.settings = replace(world.settings, store=store)

        async with world.controller() as controller:
            with pytest.raises(grpc.aio.AioRpcError) as raised:
                await until_refused(controller, newest - 3)
            async with watching(controller, start=newest - 2) as call:
                kept = await until_ended(call)

    answer = answer_of(raised)
    assert (answer.code, answer.reason) == (grpc.StatusCode.OUT_OF_RANGE, "REVISION_COMPACTED")
    assert answer.metadata["kept_from_revision"] == str(newest - 2)
    assert [each.migration.revision for each in kept] == [newest - 1, newest]


async def until_refused(controller: Controller, start: int) -> None:
    """Watch from a revision again and again until it is no longer kept."""
    while True:
        async with watching(controller, start=start) as call:
            await call.read()


async def test_bookmarks_move_on_where_nothing_matches(tmp_path: Path) -> None:
    async with a_world(tmp_path) as world, world.controller() as controller:
        other = Filter(instance_id=world.one.guest("db-1").instance_id)
        async with (
            watching(controller, which=other, bookmarks=True) as call,
            watching(controller, which=other) as silent,
        ):
            first = await call.read()
            await silent.read()
            asked = await controller.migrate(world.guest.instance_id, "xs2")
            ended = await controller.ended(asked.migration_id)

            moved_on = await call.read()
            while moved_on.revision < ended.revision:
                moved_on = await call.read()

            assert not moved_on.HasField("migration")
            assert moved_on.revision > first.revision
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(silent.read(), 0.2)
