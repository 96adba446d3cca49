"""A call that comes late, or beside another one of its migration, neither makes nor takes away
what nobody would look for any more.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import grpc
import pytest

from tests.service.hostagent.crossing import PATIENCE, Trip, Yard
from tests.service.hostagent.pool import (
    ARRIVED,
    DEADLINE_S,
    STAYED,
    Following,
    answer,
    running_agent,
)
from tests.service.hostagent.two_pools import Pool
from xenferry.hostagent.v1 import cleanup_pb2

pytestmark = pytest.mark.asyncio(loop_scope="session")

KEPT = cleanup_pb2.CLEANUP_ACTION_KEPT
TWO_WAYS = pytest.mark.parametrize("way", [Yard.sharing, Yard.across], ids=["sharing", "across"])
MAKING = ("SR.introduce", "PBD.create", "VDI.introduce", "host.migrate_receive")


async def refusal(call: Awaitable[Any]) -> str:
    """Return the reason for which a call is refused."""
    with pytest.raises(grpc.aio.AioRpcError) as failed:
        await call
    return answer(failed).reason


async def with_volume(trip: Trip) -> Any:
    """Give the guest a volume that both agents know of; return how its source describes it."""
    trip.yard.near_pool.add_volume(trip.guest)
    named = f"vol-{trip.guest.name}"
    if not trip.across:
        await trip.yard.watched(
            trip.check, lambda seen: all(named in str(told.findings) for told in seen)
        )
        return ()
    told = await trip.yard.watched(
        trip.verify, lambda one: bool(one.volumes and one.volumes[0].disks)
    )
    return told.volumes


def calls(yard: Yard, since: int, *methods: str) -> list[dict[str, Any]]:
    """Return the calls of some methods that were answered after a number."""
    return [call for call in yard.simulator.trace(since) if call["method"] in methods]


def begun(trip: Trip, order: Any) -> Following:
    """Ask for a move with a request that was made before XAPI hung, and follow it."""
    return Following(trip.yard.source.stub.LiveMigration(order, timeout=DEADLINE_S))


async def arrived_before_this(trip: Trip) -> None:
    """Return once the source's agent has taken in the calls that were made before."""
    mistaken = replace(trip.yard.source, host=trip.yard.near.host)
    other = trip.at(guest=trip.yard.gone(trip.guest))
    assert await refusal(other.observe(mistaken)) == "WRONG_HOST"


def last_call(yard: Yard) -> int:
    """Return the number of the last call."""
    return int(yard.simulator.trace()[-1]["number"])


@TWO_WAYS
async def test_a_preparation_that_comes_after_its_rollback_makes_nothing(
    yard: Yard, way: Callable[[Yard], Trip]
) -> None:
    trip = way(yard)
    volumes = await with_volume(trip)
    assert not (await trip.roll_back_at_dest()).items
    since = last_call(yard)

    reasons = [await refusal(trip.prepare(volumes))]
    async with running_agent(yard.simulator, trip.host, PATIENCE) as dest:
        reasons.append(await refusal(trip.at(dest=dest).prepare(volumes)))

    assert reasons == ["MIGRATION_ENDED", "MIGRATION_ENDED"]
    assert calls(yard, since, *MAKING) == []
    assert trip.residue() == set()


@pytest.mark.parametrize("method", ["SR.introduce", "PBD.create", "host.migrate_receive"])
async def test_a_rollback_waits_for_a_preparation_that_its_caller_gave_up(
    yard: Yard, method: str
) -> None:
    trip = yard.across()
    volumes = await with_volume(trip)
    since = last_call(yard)
    yard.simulator.fault(fault="delay", method=method, seconds=0.4, nth=1, host="f1")
    preparing = asyncio.create_task(trip.prepare(volumes))
    await yard.watched(
        lambda: asyncio.to_thread(calls, yard, since, "host.add_to_other_config"), bool
    )
    preparing.cancel()

    await trip.roll_back_at_dest()
    made = await yard.watched(lambda: asyncio.to_thread(calls, yard, since, method), bool)

    assert len(made) == 1
    assert volumes[0].sr_id not in [sr["uuid"] for sr in yard.far_pool.all("SR").values()]
    given = calls(yard, since, "host.migrate_receive")
    ended = [one for one in calls(yard, since, "session.logout") if one["originator"] == "xapi"]
    assert len(given) == len(ended) == 1
    assert trip.residue() == set()


def leave_behind(yard: Yard, pool: Pool, host: str, text: str) -> None:
    """Have the pictures of a pool be more than half a second behind from now on."""
    yard.simulator.fault(fault="delay", method="event.from", seconds=0.6, host=host)
    ref = pool.api.pool.get_all()[0]
    pool.api.pool.set_name_description(ref, text)  # answers the question that is under way


async def test_a_rollback_at_the_source_sees_it_too(yard: Yard) -> None:
    trip = yard.inside()
    yard.simulator.fault(fault="mirror_fail", vm=trip.guest.name, at_progress=0.5)
    assert (await trip.move())[-1].outcome == STAYED
    api = yard.near_pool.api
    leave_behind(yard, yard.near_pool, "n1", trip.guest.name)
    left = api.VDI.create(
        {
            "name_label": "a snapshot to copy from",
            "SR": yard.near_pool.one("SR", "n1-local"),
            "virtual_size": str(1 << 20),
            "type": "user",
            "sharable": False,
            "read_only": False,
            "other_config": {
                "xenferry:migration_id": trip.guest.fence.migration_id,
                "xenferry:epoch": "1",
            },
        }
    )

    await trip.roll_back_at_source()

    assert left not in api.VDI.get_all()
    await trip.roll_back_at_dest()
    assert trip.residue() == set()


async def test_a_rollback_sees_what_was_made_while_its_picture_was_behind(yard: Yard) -> None:
    trip = yard.across()
    ticket = (await trip.prepare()).receive_ticket
    disks = set(yard.far_pool.all("VDI"))
    yard.simulator.fault(fault="mirror_fail", vm=trip.guest.name, leftovers=True)
    leave_behind(yard, yard.far_pool, "f1", trip.guest.name)
    assert (await trip.follow_with(ticket).last()).outcome == STAYED

    await trip.roll_back_at_dest()
    seen = await trip.observe(trip.dest)

    assert set(yard.far_pool.all("VDI")) == disks
    assert list(seen.residue) == []
    await trip.roll_back_at_source()
    assert trip.residue() == set()


async def test_a_rollback_has_a_move_not_begin_that_was_about_to(yard: Yard) -> None:
    trip = yard.sharing()
    order = trip.order()
    hang = yard.simulator.fault(fault="hang", host="n1")
    move = begun(trip, order)
    await arrived_before_this(trip)
    first = await refusal(trip.roll_back_at_source())
    yard.simulator.lift(hang)

    last = await move.last()
    await trip.roll_back_at_source()

    assert first == "OPERATION_IN_PROGRESS"
    assert last.outcome == STAYED
    assert yard.starts(trip.guest) == 0
    assert trip.residue() == set()


async def test_a_move_does_not_begin_while_it_is_rolled_back(yard: Yard) -> None:
    trip = yard.sharing()
    order = trip.order()
    hang = yard.simulator.fault(fault="hang", host="n1")
    rolling = asyncio.create_task(trip.roll_back_at_source())
    await asyncio.sleep(0)
    await arrived_before_this(trip)
    first = await refusal(begun(trip, order).last())
    yard.simulator.lift(hang)
    await rolling

    second = await refusal(trip.follow_with(None).last())

    assert (first, second) == ("OPERATION_IN_PROGRESS", "MIGRATION_ENDED")
    assert yard.starts(trip.guest) == 0
    assert trip.residue() == set()


def back(trip: Trip) -> Trip:
    """Return the trip of the same guest the other way, by a migration of its own."""
    yard = replace(trip.yard, source=trip.yard.near)
    return trip.at(yard=yard, dest=trip.yard.source, guest=yard.gone(trip.guest))


async def test_a_late_clean_up_leaves_what_the_guest_needs_for_its_way_back(yard: Yard) -> None:
    trip = yard.sharing()
    await with_volume(trip)
    sr = yard.near_pool.one("SR", f"vol-{trip.guest.name}")
    assert (await trip.move())[-1].outcome == ARRIVED
    await trip.finish()
    later = back(trip)
    await yard.watched(later.prepare, lambda one: bool(one.leased))

    items = (await trip.post_at_source()).items

    assert [item.action for item in items] == [KEPT]
    assert yard.near_pool.joined(sr)["n1"]["currently_attached"]
    assert (await later.follow_with(None).last()).outcome == ARRIVED
    await later.finish()
    assert later.residue() == set()


async def test_a_disk_that_both_pools_have_is_not_taken_for_a_copy(yard: Yard) -> None:
    trip = yard.across()
    near, far = yard.near_pool.api, yard.far_pool.api
    home = yard.near_pool.uuid("SR", "n1-local")
    kind = near.SR.get_type(near.SR.get_by_uuid(home))
    sr = far.SR.introduce(home, "both", "", kind, "user", True, {})
    pbd = far.PBD.create({"host": yard.far_pool.one("host", "f1"), "SR": sr, "device_config": {}})
    far.PBD.plug(pbd)
    own = {}
    for uuid in yard.disks_of(trip.guest):
        record = near.VDI.get_record(near.VDI.get_by_uuid(uuid))
        if near.SR.get_uuid(record["SR"]) == home:
            words: Any = (uuid, record["name_label"], "", sr, "user", False, False, {}, uuid)
            own[uuid] = far.VDI.introduce(*words, {}, {})
    trip = trip.at(dest_sr_id=home)

    async def prepared() -> Any:
        try:
            return await trip.prepare()
        except grpc.aio.AioRpcError:  # the agent does not know the repository yet
            return None

    told = await yard.watched(prepared, lambda one: one is not None)
    yard.simulator.fault(fault="hold", phase="imported", vm=trip.guest.name)
    move = trip.follow_with(told.receive_ticket)
    name = f"vm/{trip.guest.uuid}"
    await yard.watched(lambda: trip.observe(yard.far), lambda one: name in one.residue)

    items = (await trip.roll_back_at_dest()).items
    await trip.abort()
    assert (await move.last()).outcome == STAYED
    await trip.roll_back_at_source()
    left = [uuid for uuid, ref in own.items() if ref in far.SR.get_VDIs(sr)]
    far.PBD.unplug(pbd)
    far.SR.forget(sr)

    assert own
    assert left == list(own)
    told_of = {item.subject: item.action for item in items}
    assert [told_of[f"vdi/{uuid}"] for uuid in own] == [KEPT] * len(own)
