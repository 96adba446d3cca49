"""Block migration from one pool into another, over real gRPC."""

from pathlib import Path

import grpc
import grpc.aio
import pytest

from tests.support.answered import answer_of
from tests.support.controller_world import CALL_S, Controller, World, a_world, running, two_pools
from tests.support.fake_pool import GIB
from xenferry.common.v1 import fence_pb2
from xenferry.controller.v1 import inventory_pb2 as controller_inventory
from xenferry.controller.v1 import migration_pb2, scheduler_pb2
from xenferry.hostagent.v1 import checks_pb2

SUCCEEDED = migration_pb2.MIGRATION_STATE_SUCCEEDED
ROLLED_BACK = migration_pb2.MIGRATION_STATE_ROLLED_BACK
MOVING = migration_pb2.MIGRATION_STATE_MOVING
BLOCK = fence_pb2.MIGRATION_KIND_BLOCK

# What an agent can do to a call; what of it the migration survives as if nothing had been.
FAULTS = ("unavailable", "lost_reply", "busy")
STEPS = (
    "PreLiveMigration",
    "LiveMigration",
    "PostAtSource",
    "PostAtDestination",
)


def homes(world: World, instance_id: str) -> list[str]:
    """Return every host that a guest runs on."""
    pools = {id(agent.pool): agent.pool for agent in (world.one, world.two)}.values()
    return [pool.guests[instance_id].facts.host_id for pool in pools if instance_id in pool.guests]


def everything_in(directory: Path) -> bytes:
    """Return what a controller's database holds."""
    return b"".join(file.read_bytes() for file in directory.glob("controller.db*"))


async def assert_at_rest(
    world: World, controller: Controller, ended: migration_pb2.Migration
) -> None:
    """Assert that the guest runs once, where the controller says, and that nothing is held."""
    dest = world.two.host_id if ended.state == SUCCEEDED else world.one.host_id
    assert homes(world, ended.instance_id) == [dest]
    request = controller_inventory.GetInstanceRequest(instance=ended.instance_id)
    instance = await controller.inventory.GetInstance(request, timeout=CALL_S)
    assert instance.facts.host_id == dest
    assert (ended.reserved_memory_bytes, ended.reserved_disk_bytes) == (0, 0)


async def test_a_guest_is_moved_with_its_disks_into_another_pool(tmp_path: Path) -> None:
    async with two_pools(tmp_path, move_s=0.1) as world, world.controller() as controller:
        asked = await controller.migrate(world.guest.instance_id, "xs2", priority=7)
        ended = await controller.ended(asked.migration_id)

        assert ended.state == SUCCEEDED
        assert ended.kind == BLOCK
        await assert_at_rest(world, controller, ended)
        assert asked.dest_sr_id == world.two.sr.sr_id
        assert asked.reserved_disk_bytes == 10 * GIB
        assert asked.estimate.total_bytes == 4 * GIB
        assert asked.priority == 7
        assert asked.requested_by.startswith("ipv4:127.0.0.1")
        assert [finding.message for finding in ended.verification] == ["it runs here"]
        assert world.two.calls["PreLiveMigration"] == 2, "the move needs a ticket of its own"
        assert world.two.pool.tickets == set(), "both go back to where they came from"


async def test_no_ticket_is_ever_written(tmp_path: Path) -> None:
    async with two_pools(tmp_path) as world, world.controller() as controller:
        asked = await controller.migrate(world.guest.instance_id, "xs2")
        await controller.ended(asked.migration_id)
        issued = world.two.pool.issued

    stored = everything_in(tmp_path)
    assert asked.migration_id.encode() in stored
    assert len(issued) == 2
    assert not [ticket for ticket in issued if ticket.encode() in stored]


async def test_volumes_go_from_the_source_to_the_destination_and_are_never_written(
    tmp_path: Path,
) -> None:
    secret = "open-sesame"
    volume = checks_pb2.Volume(sr_id="5a", device_config={"chappassword": secret})
    async with two_pools(tmp_path) as world, world.controller() as controller:
        world.one.pool.volumes = [volume]
        asked = await controller.migrate(world.guest.instance_id, "xs2")

        ended = await controller.ended(asked.migration_id)

        assert ended.state == SUCCEEDED
        assert world.two.pool.attached == [volume]
        assert world.one.calls["VerifyExports"] == 1

    stored = everything_in(tmp_path)
    assert asked.migration_id.encode() in stored
    assert secret.encode() not in stored


async def test_tickets_of_a_migration_that_is_rolled_back_go_back_too(tmp_path: Path) -> None:
    async with two_pools(tmp_path) as world, world.controller() as controller:
        world.one.fail("LiveMigration", "refused")
        asked = await controller.migrate(world.guest.instance_id, "xs2")

        ended = await controller.ended(asked.migration_id)

        assert ended.state == ROLLED_BACK
        assert len(world.two.pool.issued) == 2
        assert world.two.pool.tickets == set()


@pytest.mark.parametrize("kind", ["shared storage", "block"])
@pytest.mark.parametrize("fault", FAULTS)
async def test_no_fault_at_any_step_loses_or_doubles_a_guest(
    kind: str, fault: str, tmp_path: Path
) -> None:
    make = two_pools if kind == "block" else a_world
    async with make(tmp_path, move_s=0.02) as world:
        guests = {step: world.one.guest(f"web-{step}", disk_bytes=GIB) for step in STEPS}
        async with world.controller() as controller:
            for step, guest in guests.items():
                for agent in (world.one, world.two):
                    agent.fail(step, *[fault] * 3)
                asked = await controller.migrate(guest.instance_id, "xs2")

                ended = await controller.ended(asked.migration_id)

                await assert_at_rest(world, controller, ended)
                assert ended.state == SUCCEEDED, step
                for agent in (world.one, world.two):
                    agent.lift(step)


@pytest.mark.parametrize("kind", ["shared storage", "block"])
@pytest.mark.parametrize("step", ["VerifyExports", "PreLiveMigration", "LiveMigration"])
async def test_a_refusal_before_the_move_leaves_the_guest_where_it_is(
    kind: str, step: str, tmp_path: Path
) -> None:
    make = two_pools if kind == "block" else a_world
    async with make(tmp_path) as world, world.controller() as controller:
        for agent in (world.one, world.two):
            agent.fail(step, "refused")

        asked = await controller.migrate(world.guest.instance_id, "xs2")
        ended = await controller.ended(asked.migration_id)

        assert ended.state == ROLLED_BACK
        assert ended.error.xapi_error[0] == "VM_REQUIRES_SR"
        await assert_at_rest(world, controller, ended)
        assert world.two.calls["RollbackAtDestination"] >= 1


async def test_a_controller_that_dies_in_the_copy_finds_it_again(tmp_path: Path) -> None:
    async with two_pools(tmp_path, move_s=0.5) as world:
        async with running(world.settings, grace_s=0) as controller:
            await world.register(controller)
            asked = await controller.migrate(world.guest.instance_id, "xs2")
            await controller.reached(asked.migration_id, (MOVING,))

        async with running(world.settings) as controller:
            ended = await controller.ended(asked.migration_id)

            assert ended.state == SUCCEEDED
            assert ended.epoch == 2
            assert world.pool.moves_begun == 1
            assert homes(world, asked.instance_id) == [world.two.host_id]


async def test_a_failed_copy_is_rolled_back_in_both_pools(tmp_path: Path) -> None:
    async with two_pools(tmp_path) as world, world.controller() as controller:
        world.pool.fail_moves_with = ("MIRROR_FAILED", "vdi")

        asked = await controller.migrate(world.guest.instance_id, "xs2")
        ended = await controller.ended(asked.migration_id)

        assert ended.state == ROLLED_BACK
        assert ended.error.xapi_error == ["MIRROR_FAILED", "vdi"]
        await assert_at_rest(world, controller, ended)


async def test_disks_without_room_are_refused_with_figures(tmp_path: Path) -> None:
    async with two_pools(tmp_path, move_s=5.0) as world:
        world.two.sr.free_bytes = 15 * GIB
        other = world.one.guest("web-2", disk_bytes=10 * GIB)
        async with world.controller() as controller:
            await controller.migrate(world.guest.instance_id, "xs2")

            with pytest.raises(grpc.aio.AioRpcError) as raised:
                await controller.migrate(other.instance_id, "xs2")

            answer = answer_of(raised)
            assert answer.code is grpc.StatusCode.RESOURCE_EXHAUSTED
            assert answer.reason == "INSUFFICIENT_DISK_SPACE"
            assert "5,120 MiB free" in answer.message
            assert "10,240 MiB" in answer.message

            request = scheduler_pb2.CheckLiveMigrationRequest(
                instance_ids=[other.instance_id], dests=["xs2"]
            )
            checked = await controller.scheduler.CheckLiveMigration(request, timeout=CALL_S)
            assert not checked.cells[0].possible


async def test_a_matrix_asks_no_agent_too_much_at_once(tmp_path: Path) -> None:
    async with a_world(tmp_path) as world:
        guests = [world.guest, *(world.one.guest(f"web-{n}") for n in range(2, 41))]
        async with world.controller() as controller:
            request = scheduler_pb2.CheckLiveMigrationRequest(
                instance_ids=[guest.instance_id for guest in guests], dests=["xs2", "xs1"]
            )

            answer = await controller.scheduler.CheckLiveMigration(request, timeout=CALL_S)

            cells = [(cell.instance_id, cell.dest_host_id) for cell in answer.cells]
            hosts = (world.two.host_id, world.one.host_id)
            assert cells == [(guest.instance_id, host) for guest in guests for host in hosts]
            assert [cell.possible for cell in answer.cells] == [True, False] * 40
            assert answer.cells[0].estimate.downtime.ToMilliseconds() == 200
            assert 1 < world.two.most_asked <= 8
