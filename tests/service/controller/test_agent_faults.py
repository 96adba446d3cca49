"""Agents that fail: each fault ends as the saga promises, and is told as it was."""

from pathlib import Path

import pytest

from tests.support.controller_world import a_world
from xenferry.controller.v1 import migration_pb2

SUCCEEDED = migration_pb2.MIGRATION_STATE_SUCCEEDED
ROLLED_BACK = migration_pb2.MIGRATION_STATE_ROLLED_BACK


@pytest.mark.parametrize(
    ("side", "method"),
    [
        ("one", "VerifyExports"),
        ("two", "PreLiveMigration"),
        ("one", "LiveMigration"),
        ("one", "PostAtSource"),
        ("two", "PostAtDestination"),
    ],
)
@pytest.mark.parametrize(
    ("fault", "times"), [("unavailable", 3), ("unavailable", 6), ("lost_reply", 6), ("broken", 1)]
)
async def test_step_is_repeated_until_it_is_done(
    side: str, method: str, fault: str, times: int, tmp_path: Path
) -> None:
    async with a_world(tmp_path) as world, world.controller() as controller:
        getattr(world, side).fail(method, *[fault] * times)

        asked = await controller.migrate(world.guest.instance_id, "xs2")
        ended = await controller.ended(asked.migration_id)

        assert ended.state == SUCCEEDED
        assert world.pool.moves_begun == 1
        assert world.pool.host_of(world.guest.instance_id) == world.two.host_id


@pytest.mark.parametrize(
    ("side", "method"), [("one", "VerifyExports"), ("two", "PreLiveMigration")]
)
async def test_refused_preparation_is_rolled_back_with_the_error_of_xapi(
    side: str, method: str, tmp_path: Path
) -> None:
    async with a_world(tmp_path) as world, world.controller() as controller:
        getattr(world, side).fail(method, "refused")

        asked = await controller.migrate(world.guest.instance_id, "xs2")
        ended = await controller.ended(asked.migration_id)

        assert ended.state == ROLLED_BACK
        assert ended.error.xapi_error[0] == "VM_REQUIRES_SR"
        assert world.pool.moves_begun == 0


async def test_move_waits_for_an_agent_that_has_too_many(tmp_path: Path) -> None:
    async with a_world(tmp_path) as world, world.controller() as controller:
        world.one.fail("LiveMigration", "busy", "busy", "busy")

        asked = await controller.migrate(world.guest.instance_id, "xs2")
        ended = await controller.ended(asked.migration_id)

        assert ended.state == SUCCEEDED
        assert world.one.calls["LiveMigration"] == 4
        assert world.one.calls["ObserveMigration"] == 0


async def test_agent_that_keeps_silent_is_asked_again(tmp_path: Path) -> None:
    async with a_world(tmp_path) as world:
        world.patient_for(step_timeout_s=0.1)
        async with world.controller() as controller:
            world.two.fail("PreLiveMigration", "silent", "silent")

            asked = await controller.migrate(world.guest.instance_id, "xs2")
            ended = await controller.ended(asked.migration_id)

            assert ended.state == SUCCEEDED
            assert world.two.calls["PreLiveMigration"] == 3


async def test_fenced_controller_touches_nothing_more(tmp_path: Path) -> None:
    async with a_world(tmp_path) as world, world.controller() as controller:
        world.two.fail("PreLiveMigration", "stale")

        asked = await controller.migrate(world.guest.instance_id, "xs2")
        preparing = (migration_pb2.MIGRATION_STATE_PREPARING,)
        await controller.reached(asked.migration_id, preparing)

        assert world.one.calls["LiveMigration"] == 0
        assert world.two.calls["RollbackAtDestination"] == 0
