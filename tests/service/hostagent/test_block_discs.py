"""CDs in the drives of a guest that moves with its disks: kept, or put back where it ends."""

from typing import Any

import pytest

from tests.service.hostagent import drives
from tests.service.hostagent.crossing import Trip, Yard
from tests.service.hostagent.drives import CD
from tests.service.hostagent.pool import ARRIVED, STAYED
from xenferry.common.v1 import finding_pb2, reason_pb2

pytestmark = pytest.mark.asyncio(loop_scope="session")

TWO_WAYS = pytest.mark.parametrize("way", [Yard.inside, Yard.across], ids=["inside", "across"])
EMPTY = "5"
IMAGE = "discs.iso"


def of_discs(findings: Any) -> list[Any]:
    """Return the findings about CDs."""
    wanted = reason_pb2.REASON_DEVICE_DETACHED
    return [one for one in findings if one.reason == wanted and one.subject.startswith("vdi/")]


@TWO_WAYS
async def test_a_cd_is_in_its_drive_after_the_move_and_an_empty_drive_is_empty(
    yard: Yard, way: Any
) -> None:
    trip: Trip = way(yard)
    drives.add(yard.near_pool, trip.guest.ref, EMPTY)

    assert (await trip.move())[-1].outcome == ARRIVED
    found = await trip.finish()

    assert trip.pool.drives(trip.guest) == {CD: IMAGE, EMPTY: ""}
    told = of_discs(found)
    assert [one.severity for one in told] == [finding_pb2.SEVERITY_OK] * trip.across
    assert trip.residue() == set()
    assert not of_discs((await trip.post_at_dest()).findings)


@TWO_WAYS
async def test_a_cd_is_put_back_into_the_drive_of_a_guest_that_stays(yard: Yard, way: Any) -> None:
    trip: Trip = way(yard)
    yard.simulator.fault(fault="mirror_fail", vm=trip.guest.name, at_progress=0.5)
    assert (await trip.move())[-1].outcome == STAYED
    out = yard.near_pool.drives(trip.guest)

    items = await trip.roll_back()

    assert out == {CD: "" if trip.across else IMAGE}
    assert yard.near_pool.drives(trip.guest) == {CD: IMAGE}
    told = [one.why for one in items if one.subject == f"cd/{IMAGE}"]
    assert told == [f"it is in drive {CD} again"] * trip.across
    assert trip.residue() == set()


async def test_a_cd_that_the_destination_can_not_see_is_ejected_and_told(yard: Yard) -> None:
    trip = yard.inside()
    drives.change(yard.near_pool, trip.guest.ref, "own.iso", "n1-local")
    source, _ = await yard.watched(
        trip.check, lambda both: "XAPI will eject the CD" in str(both[0].findings)
    )

    assert (await trip.move())[-1].outcome == ARRIVED
    (told,) = of_discs(await trip.finish())

    assert source.kind == trip.kind
    assert told.severity == finding_pb2.SEVERITY_WARNING
    assert told.measured["drive"] == CD
    assert told.remedy
    assert yard.near_pool.drives(trip.guest) == {CD: ""}


async def test_a_cd_that_was_inserted_meanwhile_is_left_in_its_drive(yard: Yard) -> None:
    trip = yard.across()
    assert (await trip.move())[-1].outcome == ARRIVED
    vm = yard.far_pool.api.VM.get_by_uuid(trip.guest.uuid)
    drives.change(yard.far_pool, vm, "another.iso", "attic")

    (told,) = of_discs(await trip.finish())

    assert told.severity == finding_pb2.SEVERITY_WARNING
    assert "holds another CD" in told.message
    assert yard.far_pool.drives(trip.guest) == {CD: "another.iso"}
