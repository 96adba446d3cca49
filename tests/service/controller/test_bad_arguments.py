"""Calls that can't be right, whatever the state of the world: each names every argument."""

from pathlib import Path
from typing import Any, cast

import grpc
import grpc.aio
import pytest

from tests.support.answered import answer_of, violated_fields
from tests.support.controller_world import CALL_S, a_world
from xenferry.controller.v1 import inventory_pb2, migration_pb2, scheduler_pb2

BAD_CALLS = [
    ("scheduler", "GetMigration", scheduler_pb2.GetMigrationRequest(), ["migration_id"]),
    (
        "scheduler",
        "ListMigrations",
        scheduler_pb2.ListMigrationsRequest(page_size=-1, page_token="%%%"),
        ["page_token", "page_size"],
    ),
    (
        "scheduler",
        "ListMigrations",
        scheduler_pb2.ListMigrationsRequest(
            filter=scheduler_pb2.MigrationFilter(
                states=cast(Any, [migration_pb2.MIGRATION_STATE_MOVING, 77, 0]),
                host_id="x",
                instance_id="y",
                migration_id="z",
            )
        ),
        [
            "filter.states[1]",
            "filter.states[2]",
            "filter.host_id",
            "filter.instance_id",
            "filter.migration_id",
        ],
    ),
    (
        "scheduler",
        "CheckLiveMigration",
        scheduler_pb2.CheckLiveMigrationRequest(dests=["", "xs1"]),
        ["instance_ids", "dests[0]"],
    ),
    (
        "scheduler",
        "CheckLiveMigration",
        scheduler_pb2.CheckLiveMigrationRequest(instance_ids=["x"] * 101, dests=["y"]),
        None,
    ),
    ("inventory", "GetHost", inventory_pb2.GetHostRequest(), ["host"]),
    ("inventory", "GetInstance", inventory_pb2.GetInstanceRequest(instance="a\0b"), ["instance"]),
    (
        "inventory",
        "ListHosts",
        inventory_pb2.ListHostsRequest(page_size=-5, page_token="bm9uZQ"),
        ["page_token", "page_size"],
    ),
    (
        "inventory",
        "ListInstances",
        inventory_pb2.ListInstancesRequest(host_id="xs1", page_token="W10"),
        ["host_id", "page_token"],
    ),
    (
        "inventory",
        "SetHostMaintenance",
        inventory_pb2.SetHostMaintenanceRequest(host="xs1", reason="x" * 1_001),
        ["reason"],
    ),
]


@pytest.mark.parametrize(
    ("service", "method", "request_", "fields"),
    BAD_CALLS,
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_malformed_call_is_an_invalid_argument(
    service: str, method: str, request_: object, fields: list[str] | None, tmp_path: Path
) -> None:
    async with a_world(tmp_path) as world, world.controller() as controller:
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await getattr(getattr(controller, service), method)(request_, timeout=CALL_S)

        answer = answer_of(raised)
        assert answer.code is grpc.StatusCode.INVALID_ARGUMENT
        if fields is not None:
            assert violated_fields(answer) == fields


async def test_watch_from_the_future_is_an_invalid_argument(tmp_path: Path) -> None:
    async with a_world(tmp_path) as world, world.controller() as controller:
        for start in (-1, 10**12):
            request = scheduler_pb2.WatchMigrationsRequest(start_revision=start)
            with pytest.raises(grpc.aio.AioRpcError) as raised:
                async for _ in controller.scheduler.WatchMigrations(request, timeout=CALL_S):
                    pass

            assert violated_fields(answer_of(raised)) == ["start_revision"]
