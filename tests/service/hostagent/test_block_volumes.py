"""A guest with a raw volume goes to another pool: the volume is attached there, and not copied."""

import uuid
from dataclasses import dataclass
from typing import Any

import grpc
import pytest
import XenAPI

from tests.service.hostagent.crossing import Trip, Yard, kinds
from tests.service.hostagent.pool import ARRIVED, DEADLINE_S, STAYED, answer, errors
from tests.service.hostagent.two_pools import CHAP, TARGET
from xenferry.common.v1 import fence_pb2, inventory_pb2, reason_pb2
from xenferry.hostagent.v1 import checks_pb2, cleanup_pb2

pytestmark = pytest.mark.asyncio(loop_scope="session")

KEPT = cleanup_pb2.CLEANUP_ACTION_KEPT
REMOVED = cleanup_pb2.CLEANUP_ACTION_REMOVED
SECRET = "chappassword_secret"


@dataclass(frozen=True, slots=True)
class Voyage:
    """A trip to the other pool, and the volume that the guest takes along."""

    trip: Trip
    volumes: Any

    @property
    def sr_id(self) -> str:
        """The volume's repository."""
        return str(self.volumes[0].sr_id)

    @property
    def disk_id(self) -> str:
        """The guest's disk on it."""
        return str(self.volumes[0].disks[0].vdi_id)

    def known(self, pool: Any) -> str:
        """Return the reference of the repository in a pool, empty if it is not known there."""
        try:
            return str(pool.api.SR.get_by_uuid(self.sr_id))
        except XenAPI.Failure:
            return ""


async def voyage(yard: Yard, target: dict[str, str] | None = None) -> Voyage:
    """Return a trip of a guest with a volume, as its source describes it."""
    trip = yard.across()
    yard.near_pool.add_volume(trip.guest, target=target)
    told = await yard.watched(trip.verify, lambda one: bool(one.volumes and one.volumes[0].disks))
    assert not errors(told.findings)
    return Voyage(trip, told.volumes)


async def refusal(call: Any) -> str:
    """Return the reason for which a call is refused."""
    with pytest.raises(grpc.aio.AioRpcError) as failed:
        await call
    assert CHAP not in str(failed.value)
    return answer(failed).reason


async def test_a_raw_volume_is_attached_in_the_other_pool_and_leaves_this_one(
    yard: Yard, capfd: pytest.CaptureFixture[str]
) -> None:
    way = await voyage(yard)
    trip, far = way.trip, yard.far_pool
    first = await trip.prepare(way.volumes)
    again = await trip.prepare(way.volumes)
    assert list(first.leased) == list(again.leased)
    assert [one.partition("/")[0] for one in first.leased] == ["sr", "pbd"]

    assert (await trip.follow_with(again.receive_ticket).last()).outcome == ARRIVED
    items = (await trip.post_at_source()).items
    found = (await trip.post_at_dest()).findings

    assert not errors(found)
    vm = far.vm(trip.guest.uuid)
    assert vm is not None
    disks = [far.api.VBD.get_VDI(vbd) for vbd in vm["VBDs"]]
    assert way.disk_id in [far.api.VDI.get_uuid(disk) for disk in disks]
    pbd = far.joined(way.known(far))["f1"]
    assert pbd["currently_attached"]
    assert pbd["device_config"] == TARGET
    assert [one.action for one in items if one.subject.startswith("sr/")] == [REMOVED]
    assert not way.known(yard.near_pool)
    assert trip.residue() == set()
    assert trip.where() == ["f1"]
    assert CHAP not in "".join(capfd.readouterr())


async def test_the_volume_of_a_guest_that_stays_is_unknown_in_the_other_pool_again(
    yard: Yard,
) -> None:
    way = await voyage(yard)
    ticket = (await way.trip.prepare(way.volumes)).receive_ticket
    yard.simulator.fault(fault="mirror_fail", vm=way.trip.guest.name, at_progress=0.5)
    assert (await way.trip.follow_with(ticket).last()).outcome == STAYED

    await way.trip.roll_back_at_source()
    first = (await way.trip.roll_back_at_dest()).items
    second = (await way.trip.roll_back_at_dest()).items

    assert kinds(first, REMOVED) == ["pbd", "receive-ticket", "sr"]
    assert not second
    assert not way.known(yard.far_pool)
    assert yard.near_pool.joined(way.known(yard.near_pool))["n1"]["currently_attached"]
    assert way.disk_id in yard.disks_of(way.trip.guest)
    assert way.trip.residue() == set()


@pytest.mark.parametrize(
    "method",
    [
        "SR.introduce",
        "SR.add_to_other_config",
        "PBD.create",
        "PBD.add_to_other_config",
        "Async.PBD.plug",
        "Async.SR.scan",
        "VDI.introduce",
    ],
)
async def test_wherever_the_attaching_breaks_off_a_repeat_goes_on_and_a_rollback_takes_it_back(
    yard: Yard, method: str
) -> None:
    way = await voyage(yard)
    error = ["SR_BACKEND_FAILURE_68", "", f"login failed chappassword='{CHAP}'", ""]
    fault = yard.simulator.fault(fault="error", method=method, error=error, host="f1")

    reasons = {await refusal(way.trip.prepare(way.volumes)) for _ in range(2)}
    yard.simulator.lift(fault)
    prepared = await way.trip.prepare(way.volumes)
    await way.trip.roll_back_at_dest()

    assert reasons == {"VOLUME_NOT_ATTACHED"}
    assert len(prepared.leased) == 2
    assert not way.known(yard.far_pool)
    assert way.trip.residue() == set()


@pytest.mark.parametrize("method", ["SR.introduce", "SR.add_to_other_config", "PBD.create"])
async def test_what_was_made_and_not_yet_marked_is_taken_back(yard: Yard, method: str) -> None:
    way = await voyage(yard)
    fault = yard.simulator.fault(fault="drop_reply", method=method, host="f1")
    assert await refusal(way.trip.prepare(way.volumes)) == "OUTCOME_UNKNOWN"
    yard.simulator.lift(fault)
    assert way.known(yard.far_pool)

    await way.trip.roll_back_at_dest()

    assert not way.known(yard.far_pool)
    assert way.trip.residue() == set()


def known_there(way: Voyage) -> str:
    """Make the repository known in the other pool, as an operator would; return it there."""
    words: Any = (way.sr_id, "known", "", "iscsi", "user", True, {})
    return str(way.trip.yard.far_pool.api.SR.introduce(*words))


async def test_a_disk_that_was_made_known_on_a_known_repository_is_forgotten_again(
    yard: Yard,
) -> None:
    way = await voyage(yard)
    api, sr = yard.far_pool.api, known_there(way)
    first = await way.trip.prepare(way.volumes)
    again = await way.trip.prepare(way.volumes)
    disk = api.VDI.get_by_uuid(way.disk_id)
    other: Any = (str(uuid.uuid4()), "other", "", sr, "user")
    kept = api.VDI.introduce(*other, False, False, {}, "other", {}, {})

    items = (await way.trip.roll_back_at_dest()).items
    second = (await way.trip.roll_back_at_dest()).items

    assert list(first.leased) == list(again.leased)
    assert sorted(one.partition("/")[0] for one in first.leased) == ["pbd", "vdi"]
    assert kinds(items, REMOVED) == ["pbd", "receive-ticket", "receive-ticket", "vdi"]
    assert [one.action for one in items if one.subject == f"vdi/{way.disk_id}"] == [REMOVED]
    assert not second
    assert disk not in api.VDI.get_all()
    assert api.SR.get_VDIs(sr) == [kept]
    assert way.trip.residue() == set()


async def test_a_disk_that_was_made_known_stays_with_the_guest_that_came(yard: Yard) -> None:
    way = await voyage(yard)
    known_there(way)
    ticket = (await way.trip.prepare(way.volumes)).receive_ticket
    assert (await way.trip.follow_with(ticket).last()).outcome == ARRIVED

    assert not errors(await way.trip.finish())

    api = yard.far_pool.api
    config = api.VDI.get_other_config(api.VDI.get_by_uuid(way.disk_id))
    assert [key for key in config if key.startswith("xenferry:")] == []
    assert way.trip.residue() == set()


async def test_a_rollback_never_destroys_the_disk_of_a_volume(yard: Yard) -> None:
    way = await voyage(yard)
    ticket = (await way.trip.prepare(way.volumes)).receive_ticket
    yard.simulator.fault(fault="hold", phase="imported", vm=way.trip.guest.name)
    move = way.trip.follow_with(ticket)
    name = f"vm/{way.trip.guest.uuid}"
    await yard.watched(lambda: way.trip.observe(yard.far), lambda one: name in one.residue)
    since = yard.simulator.trace()[-1]["number"]
    disk = yard.far_pool.api.VDI.get_by_uuid(way.disk_id)

    items = (await way.trip.roll_back_at_dest()).items

    destroyed = [
        call["params"][0]
        for call in yard.simulator.trace(since)
        if call["method"] == "Async.VDI.destroy"
    ]
    assert disk not in destroyed
    assert [one.action for one in items if one.subject == f"vdi/{way.disk_id}"] == [KEPT]
    await way.trip.abort()
    assert (await move.last()).outcome == STAYED
    await way.trip.roll_back()
    assert not way.known(yard.far_pool)
    assert way.trip.residue() == set()


async def test_a_chap_password_in_a_secret_of_xapi_becomes_a_secret_there(yard: Yard) -> None:
    near, far = yard.near_pool.api, yard.far_pool.api
    own = near.secret.create({"value": CHAP, "other_config": {}})
    config = {key: value for key, value in TARGET.items() if key != "chappassword"}
    way = await voyage(yard, {**config, SECRET: near.secret.get_uuid(own)})
    before = set(far.secret.get_all())

    await way.trip.prepare(way.volumes)

    assert CHAP not in str(dict(way.volumes[0].device_config))
    named = yard.far_pool.joined(way.known(yard.far_pool))["f1"]["device_config"][SECRET]
    (made,) = set(far.secret.get_all()) - before
    assert far.secret.get_uuid(made) == named
    assert far.secret.get_value(made) == CHAP
    await way.trip.roll_back_at_dest()
    assert set(far.secret.get_all()) == before


async def test_a_repository_that_others_use_too_stays_known_at_the_source(yard: Yard) -> None:
    way = await voyage(yard)
    words: Any = (str(uuid.uuid4()), "other", "", way.known(yard.near_pool), "user")
    yard.near_pool.api.VDI.introduce(*words, False, False, {}, "other", {}, {})
    ticket = (await way.trip.prepare(way.volumes)).receive_ticket
    assert (await way.trip.follow_with(ticket).last()).outcome == ARRIVED

    items = (await way.trip.post_at_source()).items
    await way.trip.post_at_dest()

    assert [one.action for one in items if one.subject.startswith("sr/")] == [KEPT]
    assert yard.near_pool.joined(way.known(yard.near_pool))["n1"]["currently_attached"]
    assert way.trip.residue() == set()


async def test_a_raw_volume_takes_no_room_and_does_not_speak_against_another_pool(
    yard: Yard,
) -> None:
    way = await voyage(yard)
    source, _ = await way.trip.check()
    volume = inventory_pb2.Disk(
        vdi_id=way.disk_id,
        sr_id=way.sr_id,
        sr_name="vol",
        virtual_size_bytes=1 << 60,
        raw_volume=True,
    )
    request = checks_pb2.CheckCanLiveMigrateOnDestRequest(
        source_pool_id=yard.source.host.pool_id, dest_host_id=yard.far.host.host_id
    )
    request.instance.instance_id = way.trip.guest.uuid
    request.instance.disks.append(volume)

    there = await yard.far.stub.CheckCanLiveMigrateOnDest(request, timeout=DEADLINE_S)

    assert source.kind == fence_pb2.MIGRATION_KIND_BLOCK
    assert "DISK_NOT_MIGRATABLE" not in errors(source.findings)
    assert there.dest_check_data.disk_needed_bytes == 0
    told = [one for one in there.findings if one.reason == reason_pb2.REASON_VOLUME_NOT_ATTACHED]
    assert [one.measured["sr_id"] for one in told] == [way.sr_id]
