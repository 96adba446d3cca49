"""Lists in pages: complete, in order, stable while things are added, and bound to their filter."""

from pathlib import Path

import grpc
import grpc.aio
import pytest

from tests.support.answered import answer_of, violated_fields
from tests.support.controller_world import CALL_S, Controller, a_world
from xenferry.controller.v1 import inventory_pb2, migration_pb2, scheduler_pb2

Filter = scheduler_pb2.MigrationFilter


async def page(
    controller: Controller, size: int, token: str = "", which: Filter | None = None
) -> scheduler_pb2.ListMigrationsResponse:
    request = scheduler_pb2.ListMigrationsRequest(filter=which, page_size=size, page_token=token)
    return await controller.scheduler.ListMigrations(request, timeout=CALL_S)


async def test_migrations_come_newest_first_and_each_once(tmp_path: Path) -> None:
    async with a_world(tmp_path) as world:
        guests = [world.one.guest(f"db-{number}") for number in range(7)]
        async with world.controller() as controller:
            ids: list[str] = []
            for guest in guests:
                asked = await controller.migrate(guest.instance_id, "xs2")
                ids.insert(0, (await controller.ended(asked.migration_id)).migration_id)

            first = await page(controller, 3)
            late = await controller.migrate(world.guest.instance_id, "xs2")
            second = await page(controller, 3, first.next_page_token)
            third = await page(controller, 3, second.next_page_token)

            listed = [*first.migrations, *second.migrations, *third.migrations]
            assert [each.migration_id for each in listed] == ids
            assert third.next_page_token == ""
            assert not any(each.journal for each in listed)
            await controller.ended(late.migration_id)


async def test_filter_is_by_state_host_and_instance(tmp_path: Path) -> None:
    async with a_world(tmp_path) as world, world.controller() as controller:
        asked = await controller.migrate(world.guest.instance_id, "xs2")
        await controller.ended(asked.migration_id)
        succeeded = migration_pb2.MIGRATION_STATE_SUCCEEDED
        stuck = migration_pb2.MIGRATION_STATE_STUCK

        for which, count in (
            (Filter(states=[succeeded, stuck]), 1),
            (Filter(states=[stuck]), 0),
            (Filter(host_id=world.one.host_id), 1),
            (Filter(host_id=world.two.host_id.upper()), 1),
            (Filter(host_id=asked.migration_id), 0),
            (Filter(instance_id=world.guest.instance_id, migration_id=asked.migration_id), 1),
            (Filter(instance_id=asked.migration_id), 0),
        ):
            assert len((await page(controller, 10, which=which)).migrations) == count


async def test_token_of_another_filter_is_refused(tmp_path: Path) -> None:
    async with a_world(tmp_path) as world:
        guests = [world.guest, world.one.guest("db-1")]
        async with world.controller() as controller:
            for guest in guests:
                asked = await controller.migrate(guest.instance_id, "xs2")
                await controller.ended(asked.migration_id)
            token = (await page(controller, 1)).next_page_token

            with pytest.raises(grpc.aio.AioRpcError) as raised:
                await page(controller, 1, token, Filter(host_id=world.one.host_id))

            assert violated_fields(answer_of(raised)) == ["page_token"]
            assert "another list or filter" in answer_of(raised).message


async def test_instances_come_by_name_in_pages_and_by_host(tmp_path: Path) -> None:
    async with a_world(tmp_path) as world:
        for name in ("db-2", "db-1", "web-1"):
            world.two.guest(name)
        async with world.controller() as controller:
            names, token = [], ""
            while True:
                answer = await controller.inventory.ListInstances(
                    inventory_pb2.ListInstancesRequest(page_size=3, page_token=token),
                    timeout=CALL_S,
                )
                names += [each.facts.name for each in answer.instances]
                token = answer.next_page_token
                if not token:
                    break
            assert names == ["db-1", "db-2", "web-1", "web-1"]

            there = inventory_pb2.ListInstancesRequest(host_id=world.two.host_id, name="web-1")
            answer = await controller.inventory.ListInstances(there, timeout=CALL_S)
            assert [each.facts.host_id for each in answer.instances] == [world.two.host_id]


async def test_name_that_two_instances_bear_is_refused(tmp_path: Path) -> None:
    async with a_world(tmp_path) as world:
        world.two.guest("web-1")
        async with world.controller() as controller:
            request = inventory_pb2.GetInstanceRequest(instance="web-1")

            with pytest.raises(grpc.aio.AioRpcError) as raised:
                await controller.inventory.GetInstance(request, timeout=CALL_S)

            assert answer_of(raised).reason == "AMBIGUOUS_NAME"


async def test_hosts_come_by_name_with_their_agents(tmp_path: Path) -> None:
    async with a_world(tmp_path) as world, world.controller() as controller:
        answer = await controller.inventory.ListHosts(
            inventory_pb2.ListHostsRequest(page_size=1), timeout=CALL_S
        )
        rest = await controller.inventory.ListHosts(
            inventory_pb2.ListHostsRequest(page_token=answer.next_page_token), timeout=CALL_S
        )

        (first,), (second,) = answer.hosts, rest.hosts
        assert (first.facts.name, second.facts.name) == ("xs1", "xs2")
        assert first.facts == world.one.host
        assert (first.alive, first.agent_address) == (True, world.addresses[0])
        assert rest.next_page_token == ""
