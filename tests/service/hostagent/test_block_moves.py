"""Block migration: a guest moves with its disks, inside its pool and to another one."""

from typing import Any

import grpc
import pytest

from tests.service.hostagent.crossing import PATIENCE, Trip, Yard
from tests.service.hostagent.pool import (
    ARRIVED,
    DEADLINE_S,
    STAYED,
    UNKNOWN,
    Following,
    answer,
    errors,
    running_agent,
)
from xenferry.common.v1 import finding_pb2, reason_pb2
from xenferry.hostagent.v1 import move_pb2

pytestmark = pytest.mark.asyncio(loop_scope="session")

TWO_WAYS = pytest.mark.parametrize("way", [Yard.inside, Yard.across], ids=["inside", "across"])
OK = finding_pb2.SEVERITY_OK
NO_SPACE = ["SR_BACKEND_FAILURE_44", "", "There is insufficient space", ""]


@TWO_WAYS
async def test_a_guest_arrives_with_its_disks_and_leaves_nothing(yard: Yard, way: Any) -> None:
    trip: Trip = way(yard)

    reports = await trip.move()
    assert reports[-1].outcome == ARRIVED
    found = await trip.finish()

    assert trip.where() == [trip.host]
    assert [finding.severity for finding in found] == [OK] * (7 if trip.across else 6)
    assert trip.residue() == set()
    assert yard.starts(trip.guest) == 1


@TWO_WAYS
async def test_percents_never_fall_and_phases_never_go_back(yard: Yard, way: Any) -> None:
    trip: Trip = way(yard)
    phases = ("disks_copied", "precopy")
    copied, memory = [
        yard.simulator.fault(fault="hold", phase=phase, vm=trip.guest.name) for phase in phases
    ]
    move = await trip.follow()
    reports = [await move.next()]
    while reports[-1].phase_percent < 100:
        reports.append(await move.next())
    yard.simulator.lift(copied)
    while reports[-1].phase != move_pb2.MOVE_PHASE_MEMORY:
        reports.append(await move.next())
    yard.simulator.lift(memory)
    reports += await move.all()

    seen = [report.phase for report in reports]
    assert seen == sorted(seen)
    assert {move_pb2.MOVE_PHASE_DISKS, move_pb2.MOVE_PHASE_MEMORY} <= set(seen)
    assert [one.percent for one in reports] == sorted(one.percent for one in reports)
    for phase in set(seen):
        within = [one.phase_percent for one in reports if one.phase == phase]
        assert within == sorted(within)
    sent = {one.phase: one.bytes_total for one in reports}
    assert sent[move_pb2.MOVE_PHASE_MEMORY] == 256 << 20
    copied_mib = 192 if trip.across else 128
    assert sent[move_pb2.MOVE_PHASE_DISKS] == copied_mib << 20
    assert all(0 <= one.bytes_done <= one.bytes_total for one in reports)


async def test_disks_that_the_destination_can_reach_stay_where_they_are(yard: Yard) -> None:
    trip = yard.inside()
    before = yard.disks_of(trip.guest)

    await trip.move()

    after = yard.disks_of(trip.guest)
    assert len(set(before) & set(after)) == 1
    assert len(after) == 2


async def test_snapshots_go_where_their_disks_go(yard: Yard) -> None:
    trip = yard.across()
    yard.near_pool.api.VM.snapshot(trip.guest.ref, "before", [])

    assert (await trip.move())[-1].outcome == ARRIVED
    await trip.finish()

    vm = yard.far_pool.vm(trip.guest.uuid)
    assert vm is not None
    assert len(vm["snapshots"]) == 1
    assert trip.residue() == set()
    srs = {row["SR"] for row in yard.far_pool.all("VDI").values() if row["is_a_snapshot"]}
    assert srs == {yard.far_pool.one("SR", "depot")}


async def test_a_disk_may_be_sent_to_an_sr_of_its_own(yard: Yard) -> None:
    trip = yard.across()
    first, _ = yard.disks_of(trip.guest)
    request = trip.order((await trip.prepare()).receive_ticket)
    request.vdi_map[first] = yard.far_pool.uuid("SR", "attic")

    call = Following(yard.source.stub.LiveMigration(request, timeout=DEADLINE_S))

    assert (await call.last()).outcome == ARRIVED
    vm = yard.far_pool.vm(trip.guest.uuid)
    assert vm is not None
    vbds = [yard.far_pool.api.VBD.get_record(vbd) for vbd in vm["VBDs"]]
    disks = [vbd["VDI"] for vbd in vbds if not vbd["empty"]]
    srs = {yard.far_pool.api.VDI.get_SR(disk) for disk in disks}
    assert srs == {yard.far_pool.one("SR", name) for name in ("depot", "attic")}


async def test_every_disk_and_interface_without_a_place_is_named(yard: Yard) -> None:
    trip = yard.across("backed-1").at(dest_sr_id="")

    with pytest.raises(grpc.aio.AioRpcError) as failed:
        await trip.move()

    told = answer(failed).find(finding_pb2.Findings)
    assert told is not None
    assert errors(told.findings) == {"STORAGE_NOT_SHARED", "NETWORK_NOT_AVAILABLE"}
    assert yard.starts(trip.guest) == 0
    assert "VM/" + trip.guest.uuid not in trip.residue()


@pytest.mark.parametrize(
    ("name", "reason"),
    [("infra-1", "INSTANCE_PROTECTED"), ("blocked-1", "OPERATION_BLOCKED")],
)
async def test_what_must_stay_is_refused_before_anything_is_written(
    yard: Yard, name: str, reason: str
) -> None:
    trip = yard.across(name)

    with pytest.raises(grpc.aio.AioRpcError) as failed:
        await trip.move()

    assert answer(failed).reason == reason
    assert yard.starts(trip.guest) == 0
    assert "VM/" + trip.guest.uuid not in trip.residue()


async def test_a_move_without_a_ticket_is_refused(yard: Yard) -> None:
    trip = yard.across()

    with pytest.raises(grpc.aio.AioRpcError) as failed:
        await trip.follow_with(None).last()

    assert answer(failed).reason == "BAD_ARGUMENT"
    assert trip.residue() == set()


@TWO_WAYS
async def test_a_repeat_joins_the_move_and_after_it_says_so(yard: Yard, way: Any) -> None:
    trip: Trip = way(yard)
    hold = yard.simulator.fault(fault="hold", phase="disks_copied", vm=trip.guest.name)
    first = await trip.follow()
    await first.next()
    first.leave()

    second = await trip.follow()
    await second.next()
    yard.simulator.lift(hold)

    assert (await second.last()).outcome == ARRIVED
    assert (await trip.move())[-1].outcome == ARRIVED
    assert yard.starts(trip.guest) == 1


@TWO_WAYS
async def test_a_new_agent_tells_that_the_guest_has_arrived(yard: Yard, way: Any) -> None:
    trip: Trip = way(yard)
    async with running_agent(yard.simulator, "n1", PATIENCE) as first:
        await trip.at(yard=yard.led_by(first)).move()

    async with running_agent(yard.simulator, "n1", PATIENCE) as second:
        again = trip.at(yard=yard.led_by(second))

        assert (await again.follow_with(None).last()).outcome == ARRIVED

    await trip.finish()
    assert yard.starts(trip.guest) == 1
    assert trip.residue() == set()


async def test_where_nothing_tells_of_a_guest_that_is_gone_the_outcome_is_unknown(
    yard: Yard,
) -> None:
    trip = yard.across()
    await trip.move()
    await trip.finish()
    later = trip.at(guest=yard.gone(trip.guest))

    last = await later.follow_with(None).last()

    assert last.outcome == UNKNOWN
    assert last.error.reason == reason_pb2.REASON_OUTCOME_UNKNOWN


@TWO_WAYS
async def test_a_full_sr_fails_the_move_and_the_guest_stays(yard: Yard, way: Any) -> None:
    trip: Trip = way(yard)
    name = trip.guest.name
    yard.simulator.fault(fault="mirror_fail", vm=name, at_progress=0.5, error=NO_SPACE)

    last = (await trip.move())[-1]

    assert last.outcome == STAYED
    assert list(last.error.xapi_error) == NO_SPACE
    assert trip.where() == ["n1"]
    await trip.roll_back()
    assert trip.residue() == set()


async def test_a_failure_that_may_hide_an_arrival_in_the_other_pool_is_unknown(
    yard: Yard,
) -> None:
    trip = yard.across()
    name = trip.guest.name
    yard.simulator.fault(fault="fail_migration", phase="sync4", vm=name, end="dest_running")

    last = (await trip.move())[-1]

    assert last.outcome == UNKNOWN
    assert trip.where() == ["f1"]
    assert (await trip.observe(yard.far)).resident_host_id == yard.far.host.host_id


@TWO_WAYS
async def test_a_guest_that_was_lost_is_not_said_to_have_stayed(yard: Yard, way: Any) -> None:
    trip: Trip = way(yard)
    yard.simulator.fault(fault="fail_migration", phase="sync4", vm=trip.guest.name, end="halted")

    last = (await trip.move())[-1]

    assert last.outcome == UNKNOWN
    assert last.error.reason == reason_pb2.REASON_INSTANCE_LOST
    assert yard.starts(trip.guest) == 1


@TWO_WAYS
async def test_an_agent_is_not_taken_for_another(yard: Yard, way: Any) -> None:
    trip: Trip = way(yard)
    order = trip.order()
    order.source_host_id = yard.near.host.host_id

    with pytest.raises(grpc.aio.AioRpcError) as failed:
        await Following(yard.source.stub.LiveMigration(order, timeout=DEADLINE_S)).last()

    assert answer(failed).reason == "WRONG_HOST"
