"""What moves met on real hosts, by the numbers of XAPI (c), where it takes more than an error
array: the situation itself is made, and what the agents do in it is looked at.
"""

import asyncio
from dataclasses import replace
from typing import Any

import pytest
import XenAPI

from tests.service.hostagent import drives
from tests.service.hostagent.crossing import Trip
from tests.service.hostagent.misfortunes import Way, failed, gone_home
from tests.service.hostagent.pool import ARRIVED, UNKNOWN, Guest, errors
from tests.service.hostagent.quayside import (
    DEST,
    LEADERS,
    SOURCE,
    Quay,
    Staged,
    leader,
    told,
)
from tests.service.hostagent.rpc_rows import CAME, IN_DOUBT, LOST, move, post_at_dest, prepare
from tests.service.hostagent.two_pools import Pool

pytestmark = pytest.mark.asyncio(loop_scope="session")

TWO_WAYS = pytest.mark.parametrize("way", [Quay.inside, Quay.across], ids=["inside", "across"])
WARNING = 2
STALE = "does not exist in xenopsd"
# What may be done to a guest of which nobody knows where it is: look, and write notes on it.
HARMLESS = {"VM.add_to_other_config", "VM.remove_from_other_config", "task.destroy"}


def last_call(quay: Quay) -> int:
    """Return the number of the newest call to XAPI."""
    return int(quay.simulator.trace()[-1]["number"])


def acts(quay: Quay, trip: Trip, since: int) -> set[str]:
    """Return what the agents changed at the guest and its disks since then."""
    things = {trip.guest.ref, *(quay.near_pool.vm(trip.guest.uuid) or {"VBDs": []})["VBDs"]}
    return {
        call["method"]
        for call in quay.simulator.trace(since)
        if call["originator"].startswith("xenferry-hostagent")
        and things.intersection(one for one in call["params"] if isinstance(one, str))
        and ".get_" not in call["method"]
    }


async def test_case_12_a_cd_that_the_destination_can_not_see_is_refused_and_never_sent_along(
    quay: Quay,
) -> None:
    trip, since = quay.sharing(), last_call(quay)
    drives.add(quay.near_pool, trip.guest.ref, drives.CD)
    drives.change(quay.near_pool, trip.guest.ref, "own.iso", "n1-local")

    source, dest = await quay.watched(
        trip.check, lambda both: all("eject the CD" in str(one.findings) for one in both)
    )
    refused, stayed = await told(trip.prepare()), await told(move(Staged(trip)))

    assert errors(source.findings) == errors(dest.findings) == {"STORAGE_NOT_SHARED"}
    assert refused == "FAILED_PRECONDITION STORAGE_NOT_SHARED"
    assert stayed == "stayed STORAGE_NOT_SHARED"
    assert "Async.VM.migrate_send" not in acts(quay, trip, since)
    assert quay.near_pool.api.VM.get_power_state(trip.guest.ref) == "Running"
    await gone_home(Staged(trip))


async def test_case_12_storage_that_was_detached_after_the_checks_is_named(quay: Quay) -> None:
    trip, api = quay.sharing(), quay.near_pool.api
    words: Any = ({}, "0", f"late-{trip.guest.name}", "", "nfs", "user", True, {})
    api.SR.create(quay.near_pool.one("host", SOURCE), *words)
    drives.add(quay.near_pool, trip.guest.ref, drives.CD)
    drives.change(quay.near_pool, trip.guest.ref, "late.iso", f"late-{trip.guest.name}")
    await quay.watched(trip.check, lambda both: f"late-{trip.guest.name}" in str(both[1].findings))
    await trip.prepare()
    pbd = quay.near_pool.joined(quay.near_pool.one("SR", f"late-{trip.guest.name}"))[DEST]
    api.PBD.unplug(api.PBD.get_by_uuid(pbd["uuid"]))

    said = await told(move(Staged(trip)))

    assert said == "stayed STORAGE_NOT_SHARED"
    await gone_home(Staged(trip))


async def test_case_16_a_lost_guest_whose_disks_are_held_elsewhere_is_left_to_an_operator(
    quay: Quay,
) -> None:
    fault = {"fault": "fail_migration", "phase": "sync4", "end": "halted"}
    staged, word = await failed(quay, Quay.sharing, fault)
    guest, api, since = staged.trip.guest, quay.near_pool.api, last_call(quay)
    quay.simulator.fault(fault="duplicate_vm", host=DEST, vm=guest.name)
    error = ["SR_BACKEND_FAILURE_46", "", "The VDI is not available", ""]
    hold = quay.simulator.fault(fault="error", method="VM.start", error=error)
    with pytest.raises(XenAPI.Failure, match="SR_BACKEND_FAILURE_46"):
        api.VM.start(guest.ref, False, False)

    again = await told(move(staged))
    seen = await staged.trip.observe(quay.source)
    quay.simulator.lift(hold)

    assert word == again == LOST
    assert not seen.resident_host_id
    assert seen.tagged
    assert quay.starts(guest) == 1
    assert acts(quay, staged.trip, since) <= HARMLESS
    assert staged.trip.where() == [DEST]
    assert api.VM.get_power_state(guest.ref) == "Halted"


@TWO_WAYS
async def test_case_18_success_with_a_disk_missing_is_told_with_what_is_left(
    quay: Quay, way: Way
) -> None:
    staged = Staged(way(quay))
    await prepare(staged)
    assert await told(move(staged)) == CAME
    pool = staged.trip.pool
    vm = pool.vm(staged.trip.guest.uuid)
    assert vm is not None
    vbds = [pool.api.VBD.get_record(vbd) for vbd in vm["VBDs"]]
    disks = [vbd["VDI"] for vbd in vbds if vbd["type"] == "Disk"]
    gone = pool.api.VDI.get_record(disks[-1])
    quay.simulator.fault(fault="lost_vdi", vdi=gone["uuid"])

    findings = (await staged.trip.post_at_dest()).findings

    (told_of,) = [one for one in findings if "size_bytes" in one.measured]
    assert told_of.severity == WARNING
    lost = int(told_of.measured["left_with_bytes"]) - int(told_of.measured["size_bytes"])
    assert lost == int(gone["virtual_size"])
    assert told_of.remedy


@TWO_WAYS
async def test_case_19_success_of_a_guest_that_shut_down_on_the_way_is_no_success(
    quay: Quay, way: Way
) -> None:
    staged = Staged(way(quay))
    trip = staged.trip
    await prepare(staged)
    hold = quay.simulator.fault(fault="hold", phase="mirror", vm=trip.guest.name)
    following = trip.follow_with(staged.ticket)
    await following.next()
    quay.near_pool.api.VM.clean_shutdown(trip.guest.ref)
    quay.simulator.lift(hold)

    last = await following.last()

    vm = trip.pool.vm(trip.guest.uuid)
    assert vm is not None
    assert vm["power_state"] == "Halted"
    disks = [trip.pool.api.VBD.get_VDI(vbd) for vbd in vm["VBDs"]]
    if trip.across:
        assert await told(post_at_dest(staged)) == "INSTANCE_NOT_RUNNING"
    else:
        assert last.error.message.endswith("neither at the destination nor at the source")
        await trip.roll_back()
        known = trip.pool.all("VDI")
        assert all(disk in known for disk in disks if disk != "OpaqueRef:NULL")
    assert quay.starts(trip.guest) == 1


async def test_case_20_a_cd_in_a_detached_drive_is_refused_before_xapi_stumbles_over_it(
    quay: Quay,
) -> None:
    staged = Staged(quay.across())
    trip = staged.trip
    vbds = quay.near_pool.api.VM.get_VBDs(trip.guest.ref)
    (drive,) = [vbd for vbd in vbds if quay.near_pool.api.VBD.get_type(vbd) == "CD"]
    quay.near_pool.api.VBD.unplug(drive)

    source, _ = await quay.watched(
        trip.check, lambda both: "is not attached" in str(both[0].findings)
    )
    await prepare(staged)
    last = await trip.follow_with(staged.ticket).last()

    assert "DISK_NOT_MIGRATABLE" in errors(source.findings)
    assert STALE in last.error.xapi_error[1]
    assert await told(move(staged)) == IN_DOUBT
    assert quay.starts(trip.guest) == 1
    assert trip.where() == [SOURCE]
    await trip.roll_back()
    assert trip.residue() == set()
    assert quay.near_pool.vm(trip.guest.uuid) is not None


async def test_case_22_an_operation_that_xapi_forgot_to_clear_does_not_keep_an_arrival_open(
    quay: Quay,
) -> None:
    staged = Staged(quay.sharing())
    hold = quay.simulator.fault(fault="hold", phase="complete", vm=staged.trip.guest.name)
    following = staged.trip.follow_with(None)
    await following.next()
    quay.simulator.fault(fault="ghost_operation", host=DEST, vm=staged.trip.guest.name)
    quay.simulator.lift(hold)

    last = await following.last()
    findings = await staged.trip.finish()

    assert last.outcome == ARRIVED
    assert not errors(findings)
    assert staged.trip.where() == [DEST]
    assert staged.trip.residue() == set()
    await lay_ghosts(quay, staged.trip.guest)


async def test_case_22_a_guest_with_a_forgotten_operation_waits_for_its_toolstack(
    quay: Quay,
) -> None:
    trip = quay.sharing()
    quay.simulator.fault(fault="ghost_operation", host=SOURCE, vm=trip.guest.name)
    await trip.prepare()

    before = await told(move(Staged(trip)))
    sent = quay.starts(trip.guest)
    await lay_ghosts(quay, trip.guest)
    after = await told(move(Staged(trip)))

    assert before == "ABORTED OPERATION_IN_PROGRESS"
    assert sent == 0
    assert after == CAME


async def lay_ghosts(quay: Quay, guest: Guest) -> None:
    """Restart the coordinator's toolstack, and wait until the guest's record is clear."""
    simulator = quay.simulator
    simulator.fault(fault="restart_toolstack", host=leader(simulator))

    def ghosts() -> set[str]:
        try:
            pool = Pool(simulator, leader(simulator))
            return set(pool.api.VM.get_current_operations(guest.ref).values())
        except (XenAPI.Failure, OSError, LookupError):
            return {"not known"}

    await quay.watched(lambda: asyncio.to_thread(ghosts), lambda left: not left)


async def test_case_24_a_coordinator_that_is_replaced_in_the_middle_proves_nothing(
    quay: Quay,
) -> None:
    staged, simulator = Staged(quay.sharing()), quay.simulator
    trip = staged.trip
    hold = simulator.fault(fault="hold", phase="precopy", vm=trip.guest.name)
    following = trip.follow_with(None)
    await following.next()
    (other,) = {*LEADERS} - {leader(simulator)}
    simulator.fault(fault="coordinator_failover", host=other)
    simulator.lift(hold)

    first = await following.last()
    await quay.watched(lambda: asyncio.to_thread(trip.where), lambda hosts: hosts == [DEST])
    simulator.fault(fault="restart_toolstack", host=DEST)
    there = quay.near.host.host_id
    await quay.watched(
        lambda: told(trip.observe(quay.near)), lambda seen: f'resident_host_id: "{there}"' in seen
    )

    assert first.outcome == UNKNOWN
    assert await told(move(staged)) == CAME
    assert not errors(await trip.finish())
    assert quay.starts(trip.guest) == 1
    assert trip.where() == [DEST]
    led = replace(quay, near_pool=Pool(simulator, leader(simulator)))
    assert trip.at(yard=led).residue() == set()
