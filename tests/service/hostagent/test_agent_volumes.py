"""Volumes follow their guest: attached before it comes, released where it does not stay."""

from typing import Any

import grpc
import pytest

from tests.service.hostagent.crossing import Trip, Yard, kinds
from tests.service.hostagent.pool import ARRIVED, answer, errors
from tests.service.hostagent.two_pools import CHAP
from xenferry.hostagent.v1 import cleanup_pb2

pytestmark = pytest.mark.asyncio(loop_scope="session")

REMOVED = cleanup_pb2.CLEANUP_ACTION_REMOVED


async def seen_by_both(yard: Yard, trip: Trip, sr: str) -> Any:
    """Return what both sides find of the guest once they know of its volume."""
    name = f"sr/{yard.near_pool.api.SR.get_name_label(sr)}"
    return await yard.watched(
        trip.check, lambda both: all(name in str(answer.findings) for answer in both)
    )


async def test_a_volume_follows_its_guest(yard: Yard) -> None:
    trip = yard.sharing()
    sr = yard.near_pool.add_volume(trip.guest)

    prepared = await yard.watched(trip.prepare, lambda one: bool(one.leased))
    again = await trip.prepare()

    pbd = yard.near_pool.joined(sr)["n2"]
    assert pbd["currently_attached"]
    assert pbd["device_config"]["chappassword"] == CHAP
    assert list(prepared.leased) == list(again.leased) == [f"pbd/{pbd['uuid']}"]
    assert (await trip.move())[-1].outcome == ARRIVED
    assert not errors(await trip.finish())
    assert set(yard.near_pool.joined(sr)) == {"n2"}
    assert trip.residue() == set()


@pytest.mark.parametrize("shared", [True, False], ids=["shared", "private"])
async def test_a_volume_of_a_guest_that_stays_is_released(yard: Yard, shared: bool) -> None:
    trip = yard.sharing()
    sr = yard.near_pool.add_volume(trip.guest, shared=shared)
    await yard.watched(trip.prepare, lambda one: bool(one.leased))
    assert set(yard.near_pool.joined(sr)) == {"n1", "n2"}
    leased = ["pbd"] if shared else ["pbd", "sr"]
    seen = await yard.watched(
        lambda: trip.observe(yard.near), lambda one: len(one.residue) == len(leased)
    )

    first = (await trip.roll_back_at_dest()).items
    second = (await trip.roll_back_at_dest()).items

    assert f"pbd/{yard.near_pool.joined(sr)['n1']['uuid']}" not in seen.residue
    assert sorted(one.partition("/")[0] for one in seen.residue) == leased
    assert kinds(first, REMOVED) == leased
    assert not second
    assert set(yard.near_pool.joined(sr)) == {"n1"}
    assert yard.near_pool.api.SR.get_shared(sr) is shared
    assert trip.residue() == set()


async def test_a_pbd_that_was_made_and_not_yet_marked_is_taken_back(yard: Yard) -> None:
    trip = yard.sharing()
    sr = yard.near_pool.add_volume(trip.guest)
    await seen_by_both(yard, trip, sr)
    fault = yard.simulator.fault(fault="drop_reply", method="PBD.create")
    with pytest.raises(grpc.aio.AioRpcError) as failed:
        await trip.prepare()
    yard.simulator.lift(fault)
    assert answer(failed).reason == "OUTCOME_UNKNOWN"
    assert set(yard.near_pool.joined(sr)) == {"n1", "n2"}

    await trip.roll_back_at_dest()

    assert set(yard.near_pool.joined(sr)) == {"n1"}
    assert trip.residue() == set()


async def test_a_volume_that_was_joined_and_detached_is_only_detached_again(yard: Yard) -> None:
    trip = yard.sharing()
    sr = yard.near_pool.add_volume(trip.guest)
    host = yard.near_pool.one("host", "n2")
    yard.near_pool.api.PBD.create({"host": host, "SR": sr, "device_config": {"target": "x"}})
    await yard.watched(trip.prepare, lambda one: bool(one.leased))
    assert yard.near_pool.joined(sr)["n2"]["currently_attached"]

    await trip.roll_back_at_dest()

    assert not yard.near_pool.joined(sr)["n2"]["currently_attached"]
    assert yard.near_pool.joined(sr)["n2"]["other_config"] == {}


async def test_a_volume_that_can_not_be_attached_is_told_without_its_secrets(yard: Yard) -> None:
    before = yard.sharing()
    sr = yard.near_pool.add_volume(before.guest)
    await yard.watched(before.prepare, lambda one: bool(one.leased))
    await before.roll_back_at_dest()
    trip = before.at(guest=yard.gone(before.guest))
    error = ["SR_BACKEND_FAILURE_68", "", f"login failed chappassword='{CHAP}'", ""]
    fault = yard.simulator.fault(fault="error", method="Async.PBD.plug", error=error)

    with pytest.raises(grpc.aio.AioRpcError) as failed:
        await trip.prepare()
    yard.simulator.lift(fault)

    assert answer(failed).reason == "VOLUME_NOT_ATTACHED"
    assert CHAP not in str(failed.value)
    await trip.roll_back_at_dest()
    assert set(yard.near_pool.joined(sr)) == {"n1"}
    assert trip.residue() == set()


async def test_a_volume_that_does_not_answer_is_found_before_the_move(yard: Yard) -> None:
    trip = yard.sharing()
    yard.near_pool.add_volume(trip.guest)
    seen = await yard.watched(trip.verify, lambda one: len(one.findings) == 2)
    assert not errors(seen.findings)
    error = ["SR_BACKEND_FAILURE_40", "", "The SR scan failed", ""]
    fault = yard.simulator.fault(fault="error", method="Async.SR.scan", error=error)

    found = (await trip.verify()).findings
    yard.simulator.lift(fault)

    assert errors(found) == {"EXPORT_LOST"}
    assert [list(one.xapi_error) for one in found if one.xapi_error] == [error]


@pytest.mark.parametrize("shared", [True, False], ids=["shared", "private"])
async def test_a_volume_does_not_speak_against_a_move_on_shared_storage(
    yard: Yard, shared: bool
) -> None:
    trip = yard.sharing()
    sr = yard.near_pool.add_volume(trip.guest, shared=shared)

    source, dest = await seen_by_both(yard, trip, sr)

    assert source.kind == dest.dest_check_data.kind == trip.kind
    assert not errors(source.findings)
    assert not errors(dest.findings)
