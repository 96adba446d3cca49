"""LiveMigration from call to end, over real gRPC with two agents that have no hypervisor."""

import asyncio
import uuid
from pathlib import Path

import grpc
import grpc.aio
import pytest
from prometheus_client import REGISTRY

from chassis.lifetime import Lifetime
from chassis.program import StartRefused
from controller.assembly import assemble
from tests.support.answered import answer_of, reason_name
from tests.support.controller_world import CALL_S, a_world, running
from xenferry.common.v1 import fence_pb2, finding_pb2
from xenferry.controller.v1 import inventory_pb2, migration_pb2, scheduler_pb2

SUCCEEDED = migration_pb2.MIGRATION_STATE_SUCCEEDED
ROLLED_BACK = migration_pb2.MIGRATION_STATE_ROLLED_BACK
MOVING = migration_pb2.MIGRATION_STATE_MOVING


async def test_instance_is_moved_and_everything_is_closed(tmp_path: Path) -> None:
    async with a_world(tmp_path, move_s=0.1) as world, world.controller() as controller:
        asked = await controller.migrate(world.guest.instance_id, "xs2", reason="update of xs1")
        assert asked.state == migration_pb2.MIGRATION_STATE_QUEUED

        ended = await controller.ended(asked.migration_id)

        assert ended.state == SUCCEEDED
        assert (ended.source_host_name, ended.dest_host_name) == ("xs1", "xs2")
        assert ended.whereabouts == fence_pb2.WHEREABOUTS_DEST
        assert ended.reason == "update of xs1"
        assert ended.reserved_memory_bytes == 0
        assert [entry.sequence for entry in ended.journal] == list(range(1, len(ended.journal) + 1))
        assert world.pool.host_of(world.guest.instance_id) == world.two.host_id
        instance = await controller.inventory.GetInstance(
            inventory_pb2.GetInstanceRequest(instance=world.guest.instance_id), timeout=CALL_S
        )
        assert instance.facts.host_id == world.two.host_id
        assert instance.task_state == instance.migration_id == ""


async def test_happy_migration_takes_at_most_eight_commits(tmp_path: Path) -> None:
    async with a_world(tmp_path) as world, world.controller() as controller:
        before = _commits()

        asked = await controller.migrate(world.guest.instance_id, "xs2")
        await controller.ended(asked.migration_id)

        assert _commits() - before <= 8


def _commits() -> float:
    labels = {"purpose": "migration"}
    return REGISTRY.get_sample_value("xenferry_store_commits_total", labels) or 0.0


async def test_failed_move_is_rolled_back_with_the_error_of_xapi(tmp_path: Path) -> None:
    async with a_world(tmp_path) as world, world.controller() as controller:
        world.pool.fail_moves_with = ("INTERNAL_ERROR", "xenops: domain crashed")

        asked = await controller.migrate(world.guest.instance_id, "xs2")
        ended = await controller.ended(asked.migration_id)

        assert ended.state == ROLLED_BACK
        assert list(ended.error.xapi_error) == ["INTERNAL_ERROR", "xenops: domain crashed"]
        assert world.pool.host_of(world.guest.instance_id) == world.one.host_id
        assert world.pool.guests[world.guest.instance_id].marks == set()
        instance = await controller.inventory.GetInstance(
            inventory_pb2.GetInstanceRequest(instance="web-1"), timeout=CALL_S
        )
        assert (instance.facts.host_id, instance.task_state) == (world.one.host_id, "")


async def test_caller_that_hangs_up_cancels_nothing(tmp_path: Path) -> None:
    async with a_world(tmp_path, move_s=0.2) as world, world.controller() as controller:
        asked = await controller.migrate(world.guest.instance_id, "xs2")
        request = scheduler_pb2.WatchMigrationsRequest()
        call = controller.scheduler.WatchMigrations(request, timeout=CALL_S)
        await call.read()
        call.cancel()

        assert (await controller.ended(asked.migration_id)).state == SUCCEEDED


async def test_what_was_admitted_runs_whenever_its_caller_hangs_up(tmp_path: Path) -> None:
    async with a_world(tmp_path) as world:
        guests = [world.one.guest(f"db-{number}") for number in range(12)]
        async with world.controller() as controller:
            for number, guest in enumerate(guests):
                request = scheduler_pb2.LiveMigrationRequest(
                    instance_id=guest.instance_id, dest="xs2"
                )
                call = controller.scheduler.LiveMigration(request, timeout=CALL_S)
                await asyncio.sleep(number / 1_000)
                call.cancel()

            listed = await controller.scheduler.ListMigrations(
                scheduler_pb2.ListMigrationsRequest(), timeout=CALL_S
            )

            assert listed.migrations
            for migration in listed.migrations:
                assert (await controller.ended(migration.migration_id)).state == SUCCEEDED


async def test_same_request_id_begins_one_migration(tmp_path: Path) -> None:
    request_id = str(uuid.uuid4())
    async with a_world(tmp_path, move_s=0.1) as world, world.controller() as controller:
        first, second = await asyncio.gather(
            *(
                controller.migrate(world.guest.instance_id, "xs2", request_id=request_id)
                for _ in range(2)
            )
        )
        assert first.migration_id == second.migration_id
        await controller.ended(first.migration_id)

        third = await controller.migrate(world.guest.instance_id, "xs2", request_id=request_id)

        assert (third.migration_id, third.state) == (first.migration_id, SUCCEEDED)
        assert world.pool.moves_begun == 1


async def test_same_request_id_is_answered_after_a_restart(tmp_path: Path) -> None:
    request_id = str(uuid.uuid4())
    async with a_world(tmp_path) as world:
        async with world.controller() as controller:
            first = await controller.migrate(world.guest.instance_id, "xs2", request_id=request_id)
            await controller.ended(first.migration_id)

        async with running(world.settings) as controller:
            again = await controller.migrate(
                world.guest.instance_id.upper(), "xs2", request_id=request_id.upper()
            )
            assert again.migration_id == first.migration_id

            with pytest.raises(grpc.aio.AioRpcError) as raised:
                await controller.migrate(world.guest.instance_id, "xs1", request_id=request_id)
            answer = answer_of(raised)
            assert answer.code is grpc.StatusCode.INVALID_ARGUMENT
            assert answer.reason == "REQUEST_ID_REUSED"
            assert answer.metadata["migration_id"] == first.migration_id


async def test_validate_only_writes_nothing_and_starts_nothing(tmp_path: Path) -> None:
    async with a_world(tmp_path) as world, world.controller() as controller:
        answer = await controller.migrate(world.guest.instance_id, "xs2", validate_only=True)

        assert answer.validated_only
        assert answer.migration_id == ""
        assert answer.dest_host_id == world.two.host_id
        assert len(answer.findings) > 5
        listed = await controller.scheduler.ListMigrations(
            scheduler_pb2.ListMigrationsRequest(), timeout=CALL_S
        )
        assert not listed.migrations
        assert world.two.calls["CheckCanLiveMigrateOnDest"] == 1
        assert world.two.calls["PreLiveMigration"] == 0


async def test_busy_instance_is_refused_while_its_migration_is_open(tmp_path: Path) -> None:
    async with a_world(tmp_path, move_s=0.3) as world, world.controller() as controller:
        asked = await controller.migrate(world.guest.instance_id, "xs2")

        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await controller.migrate(world.guest.instance_id, "xs2")

        answer = answer_of(raised)
        assert (answer.code, answer.reason) == (grpc.StatusCode.ABORTED, "INSTANCE_BUSY")
        await controller.ended(asked.migration_id)


async def test_host_has_room_for_what_is_free_less_what_is_held(tmp_path: Path) -> None:
    async with a_world(tmp_path, move_s=30.0) as world:
        guests = [world.one.guest(f"db-{number}") for number in range(100)]
        world.two.host.memory_free_bytes = 7 * 4 * 2**30 + 1
        async with world.controller() as controller:
            answers = await asyncio.gather(
                *(controller.migrate(guest.instance_id, "xs2") for guest in guests),
                return_exceptions=True,
            )

            accepted = [each for each in answers if isinstance(each, migration_pb2.Migration)]
            refused = [each for each in answers if isinstance(each, grpc.aio.AioRpcError)]
            assert (len(accepted), len(refused)) == (7, 93)
            assert {each.code() for each in refused} == {grpc.StatusCode.RESOURCE_EXHAUSTED}
            assert all("4,096 MiB" in str(each.details()) for each in refused)
            host = await controller.inventory.GetHost(
                inventory_pb2.GetHostRequest(host="xs2"), timeout=CALL_S
            )
            assert host.reserved_memory_bytes == 7 * 4 * 2**30


async def test_matrix_has_a_cell_for_each_instance_and_destination(tmp_path: Path) -> None:
    async with a_world(tmp_path) as world, world.controller() as controller:
        unknown = str(uuid.uuid4())
        answer = await controller.scheduler.CheckLiveMigration(
            scheduler_pb2.CheckLiveMigrationRequest(
                instance_ids=[world.guest.instance_id, unknown]
            ),
            timeout=CALL_S,
        )

        assert [(cell.instance_id, cell.possible) for cell in answer.cells] == [
            (world.guest.instance_id, False),
            (world.guest.instance_id, True),
            (unknown, False),
            (unknown, False),
        ]
        here, there = answer.cells[0], answer.cells[1]
        assert "DEST_IS_SOURCE" in {reason_name(each.reason) for each in here.findings}
        assert there.dest_host_id == world.two.host_id
        assert {each.severity for each in there.findings} == {finding_pb2.SEVERITY_OK}


async def test_controller_that_dies_in_the_middle_of_a_move_finishes_it(tmp_path: Path) -> None:
    async with a_world(tmp_path, move_s=0.5) as world:
        async with running(world.settings, grace_s=0.0) as controller:
            await world.register(controller)
            asked = await controller.migrate(world.guest.instance_id, "xs2")
            await controller.reached(asked.migration_id, (MOVING,))

        async with running(world.settings) as controller:
            ended = await controller.ended(asked.migration_id)

            assert ended.state == SUCCEEDED
            assert ended.epoch == 2
            assert world.pool.moves_begun == 1
            assert world.two.epochs[asked.migration_id] == 2


async def test_second_controller_on_the_same_database_does_not_start(tmp_path: Path) -> None:
    async with a_world(tmp_path) as world, world.controller():
        with pytest.raises(StartRefused, match="in use by another controller"):
            async with assemble(world.settings, Lifetime()):
                pass
