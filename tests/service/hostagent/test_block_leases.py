"""What a migration makes at its destination is marked, found, and released: no more and no less."""

import asyncio
from contextlib import AsyncExitStack
from typing import Any

import grpc
import pytest

from tests.service.hostagent.crossing import PATIENCE, SHARED_STORAGE, Trip, Yard, kinds
from tests.service.hostagent.pool import ARRIVED, STAYED, UNKNOWN, answer, running_agent
from xenferry.hostagent.v1 import cleanup_pb2

pytestmark = pytest.mark.asyncio(loop_scope="session")

REMOVED = cleanup_pb2.CLEANUP_ACTION_REMOVED
ARRIVAL = "xenferry:arrived"
KEPT = cleanup_pb2.CLEANUP_ACTION_KEPT
TWO_WAYS = pytest.mark.parametrize("way", [Yard.inside, Yard.across], ids=["inside", "across"])


@TWO_WAYS
async def test_every_preparation_gives_a_new_ticket_and_the_end_ends_them_all(
    yard: Yard, way: Any
) -> None:
    trip: Trip = way(yard)
    tickets = [(await trip.prepare()).receive_ticket.values["session_id"] for _ in range(2)]
    assert [trip.pool.session_lives(one) for one in tickets] == [True, True]

    items = (await trip.roll_back_at_dest()).items

    assert len(set(tickets)) == 2
    assert [trip.pool.session_lives(one) for one in tickets] == [False, False]
    assert kinds(items, REMOVED) == ["receive-ticket", "receive-ticket"]
    assert trip.residue() == set()


async def test_a_ticket_is_written_nowhere(yard: Yard, capfd: pytest.CaptureFixture[str]) -> None:
    trip = yard.across()
    session = (await trip.prepare()).receive_ticket.values["session_id"]

    await trip.move()
    await trip.finish()

    written = [yard.far_pool.all(kind) for kind in ("VM", "host", "pool", "VDI")]
    assert session not in str(written)
    assert session not in "".join(capfd.readouterr())
    assert not yard.far_pool.session_lives(session)


async def test_a_stale_ticket_is_told_without_its_session(yard: Yard) -> None:
    trip = yard.across()
    ticket = (await trip.prepare()).receive_ticket
    await trip.roll_back_at_dest()

    last = await trip.follow_with(ticket).last()

    assert last.outcome == UNKNOWN
    assert last.error.xapi_error[0] == "SESSION_INVALID"
    assert ticket.values["session_id"] not in str(last)


@TWO_WAYS
async def test_copies_that_xapi_left_are_seen_and_destroyed(yard: Yard, way: Any) -> None:
    trip: Trip = way(yard)
    disks = set(trip.pool.all("VDI"))
    yard.simulator.fault(fault="mirror_fail", vm=trip.guest.name, leftovers=True)
    assert (await trip.move())[-1].outcome == STAYED
    (left,) = set(trip.pool.all("VDI")) - disks
    name = f"vdi/{trip.pool.api.VDI.get_uuid(left)}"

    seen = await yard.watched(lambda: trip.observe(trip.dest), lambda one: name in one.residue)
    items = await trip.roll_back()

    assert name in seen.residue
    assert [item.subject for item in items if item.subject == name] == [name]
    assert set(trip.pool.all("VDI")) == disks
    assert trip.residue() == set()


async def test_the_copy_of_another_migration_is_left_alone(yard: Yard) -> None:
    other, trip = yard.across(), yard.across()
    yard.simulator.fault(fault="mirror_fail", vm=other.guest.name, leftovers=True)
    await other.move()
    disks = set(yard.far_pool.all("VDI"))
    await trip.prepare()

    items = (await trip.roll_back_at_dest()).items

    assert kinds(items, REMOVED) == ["receive-ticket"]
    assert set(yard.far_pool.all("VDI")) == disks


async def test_a_half_made_record_goes_with_its_disks(yard: Yard) -> None:
    trip = yard.across()
    disks = set(yard.far_pool.all("VDI"))
    yard.simulator.fault(fault="hold", phase="imported", vm=trip.guest.name)
    move = await trip.follow()
    name = f"vm/{trip.guest.uuid}"
    await yard.watched(lambda: trip.observe(yard.far), lambda one: name in one.residue)

    items = (await trip.roll_back_at_dest()).items

    assert kinds(items, REMOVED) == ["receive-ticket", "vdi", "vdi", "vm"]
    assert yard.far_pool.vm(trip.guest.uuid) is None
    assert set(yard.far_pool.all("VDI")) == disks
    await trip.abort()
    assert (await move.last()).outcome == STAYED
    assert trip.where() == ["n1"]


async def test_a_guest_that_came_and_was_shut_down_is_no_leftover(yard: Yard) -> None:
    trip = yard.across()
    assert (await trip.move())[-1].outcome == ARRIVED
    ref = yard.far_pool.api.VM.get_by_uuid(trip.guest.uuid)
    await yard.watched(
        lambda: trip.observe(yard.far),
        lambda _: "xenferry:arrived" in yard.far_pool.api.VM.get_other_config(ref),
    )
    yard.far_pool.api.VM.hard_shutdown(ref)

    items = (await trip.roll_back_at_dest()).items

    assert kinds(items, KEPT)[-1] == "vm"
    vm = yard.far_pool.vm(trip.guest.uuid)
    assert vm is not None
    assert all(yard.far_pool.api.VBD.get_record(vbd)["VDI"] for vbd in vm["VBDs"])


async def test_a_guest_that_runs_at_the_destination_keeps_everything(yard: Yard) -> None:
    trip = yard.across()
    await trip.move()

    items = (await trip.roll_back_at_dest()).items

    assert [item.action for item in items] == [KEPT]
    assert trip.where() == ["f1"]


async def test_a_halted_namesake_without_the_mark_is_kept(yard: Yard) -> None:
    trip = yard.across()
    await trip.move()
    await trip.finish()
    yard.far_pool.api.VM.hard_shutdown(yard.far_pool.api.VM.get_by_uuid(trip.guest.uuid))
    later = trip.at(guest=yard.gone(trip.guest))
    await later.prepare()

    items = (await later.roll_back_at_dest()).items

    assert kinds(items, KEPT) == ["vm"]
    assert yard.far_pool.vm(trip.guest.uuid) is not None


async def test_an_interface_that_came_detached_is_repaired(yard: Yard) -> None:
    trip = yard.across()
    await trip.move()
    (vif,) = yard.far_pool.api.VM.get_VIFs(yard.far_pool.api.VM.get_by_uuid(trip.guest.uuid))
    yard.far_pool.api.VIF.unplug(vif)

    found = await trip.finish()

    assert all(finding.severity == 1 for finding in found)
    assert yard.far_pool.api.VIF.get_currently_attached(vif)


async def test_a_disk_that_came_detached_is_told(yard: Yard) -> None:
    trip = yard.across()
    await trip.move()
    vm = yard.far_pool.vm(trip.guest.uuid)
    assert vm is not None
    drives = [vbd for vbd in vm["VBDs"] if yard.far_pool.api.VBD.get_type(vbd) == "Disk"]
    yard.far_pool.api.VBD.unplug(drives[-1])

    found = await trip.finish()

    (warning,) = [finding for finding in found if finding.severity == 2]
    assert warning.measured["attached"] == "1"
    assert warning.measured["left_with"] == "2"


async def test_what_a_mirror_left_on_a_disk_is_cleared(yard: Yard) -> None:
    trip = yard.across()
    await trip.move()
    vm = yard.far_pool.vm(trip.guest.uuid)
    assert vm is not None
    disks = [yard.far_pool.api.VBD.get_VDI(vbd) for vbd in vm["VBDs"]]
    disk = next(one for one in disks if one != "OpaqueRef:NULL")
    yard.far_pool.api.VDI.add_to_sm_config(disk, "base_mirror", "sr/vdi")
    yard.far_pool.api.VDI.add_to_other_config(disk, "maps_to", "OpaqueRef:x")

    await trip.finish()

    assert "base_mirror" not in yard.far_pool.api.VDI.get_sm_config(disk)
    assert "maps_to" not in yard.far_pool.api.VDI.get_other_config(disk)


@pytest.mark.parametrize("way", [Yard.sharing, Yard.inside, Yard.across])
async def test_what_is_over_is_not_begun_again_by_a_new_agent(yard: Yard, way: Any) -> None:
    trip: Trip = way(yard)
    await trip.prepare()
    await trip.taken_over(2).roll_back()

    async with AsyncExitStack() as stack:
        source = await stack.enter_async_context(running_agent(yard.simulator, "n1", PATIENCE))
        dest = await stack.enter_async_context(running_agent(yard.simulator, trip.host, PATIENCE))
        fresh = trip.at(yard=yard.led_by(source), dest=dest)
        if trip.kind != SHARED_STORAGE:
            assert await refusal(fresh.prepare()) == "STALE_EPOCH"
        assert await refusal(fresh.follow_with(None).last()) == "STALE_EPOCH"
        again = fresh.taken_over(2)
        ticket = None
        assert await refusal(again.follow_with(ticket).last()) == "MIGRATION_ENDED"
        assert await refusal(again.prepare()) == "MIGRATION_ENDED"

    assert yard.starts(trip.guest) == 0
    assert trip.residue() == set()


async def test_the_book_fences_a_destination_that_has_no_vm_yet(yard: Yard) -> None:
    trip = yard.across()
    await trip.taken_over(5).prepare()

    async with running_agent(yard.simulator, "f1", PATIENCE) as dest:
        fresh = trip.at(dest=dest)
        assert await refusal(fresh.prepare()) == "STALE_EPOCH"
        assert await refusal(fresh.roll_back_at_dest()) == "STALE_EPOCH"

    await trip.taken_over(6).roll_back_at_dest()
    assert trip.residue() == set()


async def test_a_note_of_the_arrival_that_comes_after_the_end_is_taken_back(yard: Yard) -> None:
    trip = yard.across()
    note = "VM.add_to_other_config"
    yard.simulator.fault(fault="delay", method=note, seconds=0.5, nth=1, host="f1")

    def notes() -> int:
        calls = yard.simulator.trace(seen)
        return sum(one["method"] == note and ARRIVAL in one["params"] for one in calls)

    def marks() -> Any:
        return (yard.far_pool.vm(trip.guest.uuid) or {})["other_config"]

    seen = yard.simulator.trace()[-1]["number"]
    await trip.move()
    arrived = trip.dest.host.host_id
    await yard.watched(lambda: trip.observe(trip.dest), lambda one: one.resident_host_id == arrived)
    await trip.finish()
    await yard.watched(lambda: asyncio.to_thread(notes), lambda told: told == 1)
    left = await yard.watched(lambda: asyncio.to_thread(marks), lambda kept: ARRIVAL not in kept)

    assert trip.guest.fence.migration_id not in left.values()


async def refusal(call: Any) -> str:
    """Return the reason for which a call is refused."""
    with pytest.raises(grpc.aio.AioRpcError) as failed:
        await call
    return answer(failed).reason
