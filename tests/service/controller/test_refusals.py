"""What can't be moved or asked: the status, every finding, and nothing written."""

import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
import pytest

from chassis.answers import Answer
from tests.support.answered import (
    answer_of,
    failed_preconditions,
    found,
    violated_fields,
)
from tests.support.controller_world import CALL_S, Controller, World, a_world
from xenferry.common.v1 import inventory_pb2 as common
from xenferry.controller.v1 import inventory_pb2, scheduler_pb2


async def refused(controller: Controller, instance: str, dest: str, **more: object) -> Answer:
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        await controller.migrate(instance, dest, **more)
    listed = await controller.scheduler.ListMigrations(
        scheduler_pb2.ListMigrationsRequest(), timeout=CALL_S
    )
    assert not listed.migrations
    return answer_of(raised)


async def test_unknown_instance_is_not_found(tmp_path: Path) -> None:
    async with a_world(tmp_path) as world, world.controller() as controller:
        answer = await refused(controller, str(uuid.uuid4()), "xs2")

        assert (answer.code, answer.reason) == (
            grpc.StatusCode.NOT_FOUND,
            "INSTANCE_NOT_FOUND",
        )


async def test_unknown_host_is_not_found(tmp_path: Path) -> None:
    async with a_world(tmp_path) as world, world.controller() as controller:
        answer = await refused(controller, world.guest.instance_id, "xs9")

        assert (answer.code, answer.reason) == (grpc.StatusCode.NOT_FOUND, "HOST_NOT_FOUND")


async def test_every_malformed_argument_is_named_at_once(tmp_path: Path) -> None:
    async with a_world(tmp_path) as world, world.controller() as controller:
        answer = await refused(
            controller, "not-a-uuid", "", request_id="neither", reason="x" * 1_001
        )

        assert (answer.code, answer.reason) == (
            grpc.StatusCode.INVALID_ARGUMENT,
            "BAD_ARGUMENT",
        )
        assert violated_fields(answer) == ["instance_id", "dest", "request_id", "reason"]


async def test_name_that_two_hosts_bear_is_refused(tmp_path: Path) -> None:
    async with a_world(tmp_path) as world:
        world.two.host.name = "xs1"
        async with world.controller() as controller:
            answer = await refused(controller, world.guest.instance_id, "xs1")

        assert (answer.code, answer.reason) == (
            grpc.StatusCode.INVALID_ARGUMENT,
            "AMBIGUOUS_NAME",
        )
        assert violated_fields(answer) == ["dest"]


async def test_destination_that_is_the_source_is_refused(tmp_path: Path) -> None:
    async with a_world(tmp_path) as world, world.controller() as controller:
        answer = await refused(controller, world.guest.instance_id, "xs1")

        assert answer.code is grpc.StatusCode.FAILED_PRECONDITION
        assert "DEST_IS_SOURCE" in failed_preconditions(answer)


def short_of_memory(world: World) -> None:
    world.two.host.memory_free_bytes = 2**30


def halted(world: World) -> None:
    world.guest.power_state = common.POWER_STATE_HALTED
    world.guest.host_id = ""


def older(world: World) -> None:
    world.two.host.software.platform_version = "3.3.0"


def dead(world: World) -> None:
    world.two.host.live = False


def disabled(world: World) -> None:
    world.two.host.enabled = False


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (short_of_memory, "INSUFFICIENT_MEMORY"),
        (halted, "INSTANCE_NOT_RUNNING"),
        (older, "DEST_OLDER"),
        (dead, "DEST_NOT_ALIVE"),
        (disabled, "DEST_DISABLED"),
    ],
    ids=lambda value: getattr(value, "__name__", value),
)
async def test_state_of_the_world_that_forbids_a_move_is_told_with_all_findings(
    spoil: Callable[[World], None], reason: str, tmp_path: Path
) -> None:
    async with a_world(tmp_path) as world:
        spoil(world)
        async with world.controller() as controller:
            answer = await refused(controller, world.guest.instance_id, "xs2")

        assert answer.code is grpc.StatusCode.FAILED_PRECONDITION
        assert answer.reason == reason
        assert failed_preconditions(answer) == [reason]
        counts = found(answer)
        assert counts["ERROR"] == 1
        assert counts["OK"] > 3
        assert answer.metadata["errors"] == "1"


async def test_several_reasons_are_told_together(tmp_path: Path) -> None:
    async with a_world(tmp_path) as world:
        short_of_memory(world)
        older(world)
        disabled(world)
        async with world.controller() as controller:
            answer = await refused(controller, world.guest.instance_id, "xs2")

        assert set(failed_preconditions(answer)) == {
            "INSUFFICIENT_MEMORY",
            "DEST_OLDER",
            "DEST_DISABLED",
        }


async def test_objection_of_the_agent_comes_with_the_error_of_xapi(tmp_path: Path) -> None:
    async with a_world(tmp_path) as world, world.controller() as controller:
        world.two.fail("CheckCanLiveMigrateOnDest", "refused")

        answer = await refused(controller, world.guest.instance_id, "xs2")

        assert (answer.code, answer.reason) == (
            grpc.StatusCode.FAILED_PRECONDITION,
            "XAPI_REFUSED",
        )
        assert answer.metadata["xapi_error"].startswith('["VM_REQUIRES_SR"')


async def test_agent_that_does_not_answer_counts_as_dead(tmp_path: Path) -> None:
    async with a_world(tmp_path) as world, world.controller() as controller:
        world.two.fail("CheckCanLiveMigrateOnDest", *["unavailable"] * 4)

        answer = await refused(controller, world.guest.instance_id, "xs2")

        assert (answer.code, answer.reason) == (
            grpc.StatusCode.FAILED_PRECONDITION,
            "DEST_NOT_ALIVE",
        )
        assert world.two.calls["CheckCanLiveMigrateOnDest"] == 4


async def test_host_in_maintenance_takes_nothing(tmp_path: Path) -> None:
    async with a_world(tmp_path) as world, world.controller() as controller:
        closed = await controller.inventory.SetHostMaintenance(
            inventory_pb2.SetHostMaintenanceRequest(host="xs2", maintenance=True), timeout=CALL_S
        )
        assert closed.maintenance

        answer = await refused(controller, world.guest.instance_id, "xs2")

        assert answer.reason == "DEST_DISABLED"


async def test_unknown_migration_host_and_instance_are_not_found(tmp_path: Path) -> None:
    async with a_world(tmp_path) as world, world.controller() as controller:
        calls: list[tuple[Any, Any, str]] = [
            (
                controller.scheduler.GetMigration,
                scheduler_pb2.GetMigrationRequest(migration_id=str(uuid.uuid4())),
                "MIGRATION_NOT_FOUND",
            ),
            (
                controller.inventory.GetHost,
                inventory_pb2.GetHostRequest(host="xs9"),
                "HOST_NOT_FOUND",
            ),
            (
                controller.inventory.GetInstance,
                inventory_pb2.GetInstanceRequest(instance="web-9"),
                "INSTANCE_NOT_FOUND",
            ),
        ]
        for call, request, reason in calls:
            with pytest.raises(grpc.aio.AioRpcError) as raised:
                await call(request, timeout=CALL_S)
            answer = answer_of(raised)
            assert (answer.code, answer.reason) == (grpc.StatusCode.NOT_FOUND, reason)
