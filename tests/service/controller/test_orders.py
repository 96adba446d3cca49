"""Cancelling, settling and queueing, over real gRPC."""

import asyncio
import uuid
from collections.abc import Awaitable
from dataclasses import replace
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
import pytest

from chassis.answers import Answer
from controller.settings import QueueSettings
from tests.support.answered import answer_of, reason_name
from tests.support.controller_world import CALL_S, Controller, World, a_world, running, two_pools
from xenferry.common.v1 import inventory_pb2 as common
from xenferry.controller.v1 import migration_pb2, scheduler_pb2

QUEUED = migration_pb2.MIGRATION_STATE_QUEUED
MOVING = migration_pb2.MIGRATION_STATE_MOVING
FINISHING = migration_pb2.MIGRATION_STATE_FINISHING
SUCCEEDED = migration_pb2.MIGRATION_STATE_SUCCEEDED
ROLLED_BACK = migration_pb2.MIGRATION_STATE_ROLLED_BACK
CANCELLED = migration_pb2.MIGRATION_STATE_CANCELLED
STUCK = migration_pb2.MIGRATION_STATE_STUCK
FORWARD = migration_pb2.RESOLUTION_ROLL_FORWARD
BACK = migration_pb2.RESOLUTION_ROLL_BACK
ADOPT = migration_pb2.RESOLUTION_ADOPT_REALITY


async def cancel(
    controller: Controller, migration_id: str, reason: str = ""
) -> migration_pb2.Migration:
    request = scheduler_pb2.CancelMigrationRequest(migration_id=migration_id, reason=reason)
    return await controller.scheduler.CancelMigration(request, timeout=CALL_S)


async def resolve(
    controller: Controller, migration_id: str, how: Any, reason: str = "I looked"
) -> migration_pb2.Migration:
    request = scheduler_pb2.ResolveMigrationRequest(
        migration_id=migration_id, resolution=how, reason=reason
    )
    return await controller.scheduler.ResolveMigration(request, timeout=CALL_S)


async def refused(call: Awaitable[migration_pb2.Migration]) -> Answer:
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        await call
    return answer_of(raised)


async def is_asked_for(controller: Controller, migration_id: str) -> None:
    """Wait until a cancellation is written."""
    which = scheduler_pb2.MigrationFilter(migration_id=migration_id)
    request = scheduler_pb2.WatchMigrationsRequest(filter=which)
    async for response in controller.scheduler.WatchMigrations(request, timeout=CALL_S):
        if response.migration.cancel_requested:
            return


def with_queue(world: World, **limits: int) -> None:
    given: dict[str, Any] = dict(limits)
    world.settings = replace(world.settings, queue=QueueSettings(**given))


@pytest.mark.parametrize("kind", ["shared storage", "block"])
async def test_a_move_is_stopped_and_the_guest_stays(kind: str, tmp_path: Path) -> None:
    make = two_pools if kind == "block" else a_world
    async with make(tmp_path, move_s=20.0) as world, world.controller() as controller:
        asked = await controller.migrate(world.guest.instance_id, "xs2")
        await controller.reached(asked.migration_id, (MOVING,))

        await cancel(controller, asked.migration_id, "a backup has begun")
        ended = await controller.ended(asked.migration_id)

        assert ended.state == CANCELLED
        assert ended.cancel_requested
        assert reason_name(ended.error.reason) == "MIGRATION_CANCELLED"
        assert "a backup has begun" in ended.error.message
        assert world.pool.host_of(world.guest.instance_id) == world.one.host_id
        assert ended.reserved_memory_bytes == ended.reserved_disk_bytes == 0
        assert await cancel(controller, asked.migration_id) == ended


async def test_a_cancellation_that_the_source_heard_and_did_not_answer_is_sent_again(
    tmp_path: Path,
) -> None:
    async with a_world(tmp_path, move_s=20.0) as world, world.controller() as controller:
        world.one.fail("AbortMigration", "lost_reply")
        asked = await controller.migrate(world.guest.instance_id, "xs2")
        await controller.reached(asked.migration_id, (MOVING,))

        await cancel(controller, asked.migration_id)
        ended = await controller.ended(asked.migration_id)

        assert ended.state == CANCELLED
        assert world.pool.moves_begun == 1


async def test_a_cancellation_outlives_the_controller(tmp_path: Path) -> None:
    async with a_world(tmp_path, move_s=20.0) as world:
        world.one.fail("AbortMigration", *["unavailable"] * 8)
        async with running(world.settings, grace_s=0) as controller:
            await world.register(controller)
            asked = await controller.migrate(world.guest.instance_id, "xs2")
            await controller.reached(asked.migration_id, (MOVING,))
            call = asyncio.create_task(cancel(controller, asked.migration_id))
            await is_asked_for(controller, asked.migration_id)
            call.cancel()
        world.one.lift("AbortMigration")

        async with running(world.settings) as controller:
            ended = await controller.ended(asked.migration_id)

            assert ended.state == CANCELLED


async def test_it_is_said_when_it_is_too_late(tmp_path: Path) -> None:
    async with a_world(tmp_path) as world, world.controller() as controller:
        world.one.fail("PostAtSource", *["unavailable"] * 200)
        asked = await controller.migrate(world.guest.instance_id, "xs2")
        await controller.reached(asked.migration_id, (FINISHING,))

        answer = await refused(cancel(controller, asked.migration_id))

        assert answer.code is grpc.StatusCode.FAILED_PRECONDITION
        assert answer.reason == "TOO_LATE_TO_CANCEL"
        assert "runs on xs2" in answer.message
        world.one.lift("PostAtSource")
        await controller.ended(asked.migration_id)
        assert (await refused(cancel(controller, asked.migration_id))).reason == "MIGRATION_ENDED"


async def test_orders_about_what_is_not_there_are_refused_by_name(tmp_path: Path) -> None:
    async with a_world(tmp_path) as world, world.controller() as controller:
        unknown = str(uuid.uuid4())

        answers = [
            await refused(cancel(controller, unknown)),
            await refused(resolve(controller, unknown, BACK)),
        ]

        assert {answer.reason for answer in answers} == {"MIGRATION_NOT_FOUND"}


async def test_every_fault_of_a_decision_is_told_at_once(tmp_path: Path) -> None:
    async with a_world(tmp_path) as world, world.controller() as controller:
        answer = await refused(resolve(controller, "x", 99, " "))

        assert answer.code is grpc.StatusCode.INVALID_ARGUMENT
        assert all(field in answer.message for field in ("migration_id", "resolution", "reason"))


async def test_residue_is_reported_and_adopted_by_an_operator(tmp_path: Path) -> None:
    async with a_world(tmp_path) as world, world.controller() as controller:
        world.pool.fail_moves_with = ("VM_MIGRATE_FAILED", "x")
        world.two.stubborn = ["sr/iscsi-1"]
        asked = await controller.migrate(world.guest.instance_id, "xs2")

        stuck = await controller.reached(asked.migration_id, (STUCK,))

        assert reason_name(stuck.error.reason) == "RESIDUE_LEFT"
        assert [item.subject for item in stuck.cleanup] == ["tag/migration_id", "sr/iscsi-1"]
        wrong = await refused(resolve(controller, asked.migration_id, FORWARD))
        assert wrong.reason == "RESOLUTION_CONTRADICTED"
        assert "only back" in wrong.message
        ended = await resolve(controller, asked.migration_id, ADOPT, "the SR stays")
        assert ended.state == ROLLED_BACK
        assert (ended.resolution, ended.resolution_reason) == (ADOPT, "the SR stays")
        again = await resolve(controller, asked.migration_id, ADOPT, "again")
        assert again.resolution_reason == "the SR stays"


async def test_a_decision_makes_it_go_on_at_once(tmp_path: Path) -> None:
    async with a_world(tmp_path) as world:
        saga = replace(world.settings.saga, refused_retry_s=1_000.0)
        world.settings = replace(world.settings, saga=saga)
        async with world.controller() as controller:
            world.pool.fail_moves_with = ("VM_MIGRATE_FAILED", "x")
            world.two.stubborn = ["sr/iscsi-1"]
            asked = await controller.migrate(world.guest.instance_id, "xs2")
            await controller.reached(asked.migration_id, (STUCK,))
            world.two.stubborn = []

            await resolve(controller, asked.migration_id, BACK, "I removed it")

            assert (await controller.ended(asked.migration_id)).state == ROLLED_BACK


async def test_what_goes_on_by_itself_needs_no_decision(tmp_path: Path) -> None:
    async with a_world(tmp_path, move_s=20.0) as world, world.controller() as controller:
        asked = await controller.migrate(world.guest.instance_id, "xs2")

        answer = await refused(resolve(controller, asked.migration_id, BACK))

        assert answer.reason == "MIGRATION_NOT_STUCK"


async def three_that_wait(
    world: World, controller: Controller, guests: list[common.InstanceFacts]
) -> list[migration_pb2.Migration]:
    asked = [await controller.migrate(world.guest.instance_id, "xs2")]
    await controller.reached(asked[0].migration_id, (MOVING,))
    for priority, guest in enumerate(guests):
        asked.append(await controller.migrate(guest.instance_id, "xs2", priority=priority))
    return asked


async def test_what_is_above_the_limit_waits_in_the_order_of_priorities(tmp_path: Path) -> None:
    async with a_world(tmp_path, move_s=0.2) as world:
        with_queue(world, shared_storage_per_source=1)
        guests = [world.one.guest(f"web-{n}") for n in range(2, 5)]
        async with world.controller() as controller:
            asked = await three_that_wait(world, controller, guests)

            waiting = [await controller.get(each.migration_id) for each in asked[1:]]
            ended = [await controller.ended(each.migration_id) for each in asked]

            assert [each.state for each in waiting] == [QUEUED] * 3
            assert [each.queue_position for each in waiting] == [3, 2, 1]
            assert {each.state for each in ended} == {SUCCEEDED}
            times = [each.end_time.ToNanoseconds() for each in ended]
            assert times[0] < times[3] < times[2] < times[1]
            assert {each.queue_position for each in ended} == {0}


async def test_what_waits_is_cancelled_at_once(tmp_path: Path) -> None:
    async with a_world(tmp_path, move_s=20.0) as world:
        with_queue(world, shared_storage_in_all=1)
        guests = [world.one.guest(f"web-{n}") for n in range(2, 4)]
        async with world.controller() as controller:
            asked = await three_that_wait(world, controller, guests)

            answer = await cancel(controller, asked[2].migration_id)

            assert answer.state == CANCELLED
            assert answer.journal == []
            assert (await controller.get(asked[1].migration_id)).queue_position == 1
            again = await controller.migrate(guests[1].instance_id, "xs2")
            assert (await controller.get(again.migration_id)).queue_position == 2


async def test_what_waits_goes_on_waiting_after_a_restart(tmp_path: Path) -> None:
    async with a_world(tmp_path, move_s=0.3) as world:
        with_queue(world, shared_storage_per_dest=1)
        guests = [world.one.guest("web-2")]
        async with running(world.settings, grace_s=0) as controller:
            await world.register(controller)
            asked = await three_that_wait(world, controller, guests)

        async with running(world.settings) as controller:
            ended = [await controller.ended(each.migration_id) for each in asked]

            assert {each.state for each in ended} == {SUCCEEDED}
            assert world.pool.moves_begun == 2


async def test_progress_tells_bytes_and_how_long_it_takes(tmp_path: Path) -> None:
    async with a_world(tmp_path, move_s=1.0) as world, world.controller() as controller:
        asked = await controller.migrate(world.guest.instance_id, "xs2")
        which = scheduler_pb2.MigrationFilter(migration_id=asked.migration_id)
        request = scheduler_pb2.WatchMigrationsRequest(filter=which)
        told = []
        async for response in controller.scheduler.WatchMigrations(request, timeout=CALL_S):
            if response.HasField("migration"):
                told.append(response.migration)
                if response.migration.state == SUCCEEDED:
                    break

        under_way = [each.progress for each in told if each.progress.HasField("remaining_p50")]
        assert under_way
        assert under_way[0].bytes_total == 1024**3
        assert all(
            each.remaining_p50.ToMilliseconds() <= each.remaining_p90.ToMilliseconds()
            for each in under_way
        )
        percents = [each.progress.percent for each in told]
        assert percents == sorted(percents)
