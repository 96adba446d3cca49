"""Which kind of move, and every check of disks and pools, in a world that trips it alone."""

from typing import Any

import pytest

from tests.service.hostagent.course import (
    BLOCK,
    GIB,
    SHARED,
    WARNING,
    Course,
    operator,
    reasons,
    tripping,
)
from tests.service.hostagent.pool import errors
from xenferry.common.v1 import reason_pb2

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_licences_are_looked_at_for_the_kind_of_move_on_both_sides(course: Course) -> None:
    shared = await course.both("calm", "s2", source="s1")
    block = await course.both("heavy", "s2", source="s1")

    for there, here in (shared, block):
        assert "LICENCE_RESTRICTION" in errors(there.findings)
        assert "LICENCE_RESTRICTION" in errors(here.findings)
    assert shared[0].dest_check_data.kind == SHARED
    assert block[0].dest_check_data.kind == BLOCK
    assert {"BLOCK_MIGRATION_UNSUPPORTED", "DEST_SR_UNUSABLE"} <= errors(block[0].findings)
    assert reasons(block[0].findings, WARNING) == {"HIGH_AVAILABILITY"}
    assert "DEST_OLDER" in errors(shared[1].findings)


@pytest.mark.parametrize(
    ("guest", "host", "wanted", "kind", "refusals"),
    [
        ("fit", "good", None, SHARED, set()),
        ("fit", "good", False, SHARED, set()),
        ("fit", "good", True, BLOCK, {"BLOCK_MIGRATION_NEEDLESS"}),
        ("loc", "good", None, BLOCK, set()),
        ("loc", "good", True, BLOCK, set()),
        ("loc", "good", False, SHARED, {"STORAGE_NOT_SHARED"}),
        ("fit", "f1", None, BLOCK, set()),
        ("fit", "f1", True, BLOCK, set()),
        ("fit", "f1", False, SHARED, {"POOLS_DIFFER", "STORAGE_NOT_SHARED"}),
        ("patched", "apart", None, SHARED, {"STORAGE_NOT_SHARED"}),
        ("patched", "apart", True, BLOCK, set()),
    ],
)
async def test_how_a_guest_would_travel_is_told_with_the_reason(
    course: Course, guest: str, host: str, wanted: bool | None, kind: int, refusals: set[str]
) -> None:
    more = {} if wanted is None else {"block_migration": wanted}

    there, here = await course.both(guest, host, **more)

    assert there.dest_check_data.kind == here.kind == kind
    assert errors(there.findings) == errors(here.findings) | refusals == refusals
    for findings in (there.findings, here.findings):
        (why,) = [
            one for one in findings if one.reason == reason_pb2.REASON_BLOCK_MIGRATION_NEEDLESS
        ]
        assert why.measured["kind"] == ("BLOCK" if kind == BLOCK else "SHARED_STORAGE")


@pytest.mark.parametrize(
    ("guest", "host", "word"),
    [
        ("cbt", "f1", "tracking"),
        ("crypt", "f1", "encrypted"),
        ("reset", "f1", "reset"),
        ("chained", "f1", "29 images"),
        ("huge", "f1", "MiB"),
        ("stick", "f1", "udev"),
        ("cbt", "good", "tracking"),
        ("crypt", "good", "encrypted"),
    ],
)
async def test_a_disk_that_can_not_be_copied_is_named(
    course: Course, guest: str, host: str, word: str
) -> None:
    more = {"sr_matching_filter": "other-config:tier=gold"} if guest == "huge" else {}
    there = await course.at_dest(guest, host, **more)
    here = await course.at_source(guest, there.dest_check_data)

    assert errors(here.findings) == {"DISK_NOT_MIGRATABLE"}
    finding = tripping(here.findings)
    assert finding.subject == f"vdi/{guest}-disk0"
    assert word in finding.message
    assert bool(finding.xapi_error) == (host == "good")


async def test_snapshots_that_travel_and_a_cd_that_does_not_are_warned_of(course: Course) -> None:
    there, here = await course.both("snapped", "f1")
    _, reader = await course.both("reader", "f1")

    assert not errors(here.findings)
    assert "1 snapshot" in tripping(here.findings, WARNING).message
    assert there.dest_check_data.disk_needed_bytes == 2 * GIB
    assert not errors(reader.findings)
    assert "eject the CD" in tripping(reader.findings, WARNING).message


@pytest.mark.parametrize(
    ("setting", "sr", "word"),
    [
        ("default-sr:true", "depot", ""),
        ("other-config:tier=gold", "gold-2", ""),
        ("other-config:tier=none", "", "none has tier=none"),
        ("other-config:tier=iso", "", "is for CDs"),
        ("other-config:tier=away", "", "not attached at f1"),
        ("other-config:tier=raw", "", "type udev"),
    ],
)
async def test_the_filter_names_the_repository_that_takes_the_disks(
    course: Course, setting: str, sr: str, word: str
) -> None:
    there = await course.at_dest("loc", "f1", sr_matching_filter=setting)

    names = {one.sr_id: one.name for one in there.dest_check_data.host.storage_repositories}
    assert names.get(there.dest_check_data.dest_sr_id, "") == sr
    if word:
        assert errors(there.findings) == {"DEST_SR_UNUSABLE"}
        assert word in tripping(there.findings).message
    else:
        assert not errors(there.findings)


@pytest.mark.parametrize(
    ("tier", "over_commit", "needed", "fits"),
    [
        ("thin", False, 20 * GIB, False),
        ("thin", True, GIB, True),
        ("thick", True, 20 * GIB, False),
        ("thick", False, 20 * GIB, False),
        ("exact", False, 20 * GIB, True),
    ],
)
async def test_room_for_the_disks_is_counted_by_their_size_or_by_what_is_stored(
    course: Course, tier: str, over_commit: bool, needed: int, fits: bool
) -> None:
    there = await course.at_dest(
        "wide",
        "f1",
        sr_matching_filter=f"other-config:tier={tier}",
        disk_over_commit=over_commit,
    )

    assert there.dest_check_data.disk_needed_bytes == needed
    assert errors(there.findings) == (set() if fits else {"INSUFFICIENT_DISK_SPACE"})


@pytest.mark.parametrize(
    ("network", "address", "word"),
    [
        ("", "10.71.0.1", ""),
        ("lan", "10.71.0.1", ""),
        ("production", "10.71.1.1", ""),
        ("mute", "", "has no address"),
        ("loose", "", "no interface on loose"),
        ("nowhere", "", "names 0 networks"),
    ],
)
async def test_the_network_that_carries_the_disks_needs_an_address_here(
    course: Course, network: str, address: str, word: str
) -> None:
    there = await course.at_dest("loc", "f1", migration_network=network)

    assert there.dest_check_data.migration_address == address
    if word:
        assert errors(there.findings) == {"MIGRATION_NETWORK_UNUSABLE"}
        assert word in tripping(there.findings).message
    else:
        assert not errors(there.findings)


@pytest.mark.parametrize(
    ("guest", "reason", "word"),
    [
        ("twin", "INSTANCE_EXISTS_AT_DEST", "elder"),
        ("echo", "MAC_IN_USE", "parrot"),
        ("stray", "NETWORK_NOT_AVAILABLE", "odd"),
    ],
)
async def test_what_is_in_the_way_in_another_pool_is_named(
    course: Course, guest: str, reason: str, word: str
) -> None:
    there = await course.at_dest(guest, "f1")

    assert errors(there.findings) == {reason}
    assert word in tripping(there.findings).message


async def test_a_kind_that_the_destination_did_not_prepare_for_is_refused(course: Course) -> None:
    data = (await course.at_dest("fit", "good")).dest_check_data

    here = await course.at_source("loc", data)

    assert "DEVICES_CHANGED" in errors(here.findings)


async def test_a_check_makes_no_session_and_changes_nothing(course: Course) -> None:
    await course.both("loc", "good")
    xapi = operator(course.simulator)
    before = {name: getattr(xapi, name).get_all_records() for name in ("VM", "VDI", "SR")}
    calls = course.simulator.trace()[-1]["number"]

    await course.both("loc", "good")
    await course.both("loc", "f1")

    made = {call["method"] for call in course.simulator.trace(calls)}
    assert "host.migrate_receive" not in made
    assert "VM.assert_can_migrate" in made
    assert {name: getattr(xapi, name).get_all_records() for name in before} == before


async def test_a_move_is_estimated_from_its_bytes_and_the_speed_of_the_wire(
    course: Course,
) -> None:
    _, shared = await course.both("fit", "good")
    _, block = await course.both("loc", "f1")

    assert shared.estimate.total_bytes == 4 * GIB
    assert block.estimate.total_bytes == 11 * GIB
    for estimate in (shared.estimate, block.estimate):
        assert 0 < estimate.downtime_s < estimate.duration_p50_s < estimate.duration_p90_s
    assert shared.estimate.duration_p90_s < block.estimate.duration_p50_s


async def test_an_instance_is_told_with_what_another_pool_needs_to_judge_it(
    course: Course,
) -> None:
    fit, infra = await course.instance("fit"), await course.instance("infra")
    snapped, hw = await course.instance("snapped"), await course.instance("hw")
    home = await course.agent("home")

    assert list(fit.interfaces[0].addresses) == ["10.0.0.7", "fd00::7"]
    assert fit.interfaces[0].bridge == "xenbr0"
    assert fit.cpu_vendor
    assert fit.cpu_features
    assert not fit.paravirtual
    assert (infra.protected, fit.protected) == (True, False)
    assert snapped.disks[0].snapshots == 1
    assert (await course.instance("wide")).disks[0].physical_bytes == GIB
    assert (await course.instance("cbt")).disks[0].cbt_enabled
    assert (await course.instance("crypt")).disks[0].encrypted
    assert hw.hardware_platform_version == 2
    srs = {sr.name: sr for sr in home.host.storage_repositories}
    assert srs["shared"].sr_id == home.host.default_sr_id
    assert (srs["shared"].thin, srs["usb"].thin) == (True, False)
    assert list(home.host.hardware_platform_versions) == [0, 1, 2]
    assert home.host.cpu_features_hvm


@pytest.mark.parametrize(
    ("guest", "told", "reason"),
    [
        ("fit", {"cpu_vendor": "AuthenticAMD"}, "CPU_INCOMPATIBLE"),
        ("fit", {"cpu_features_hvm": "00000001-00000000"}, "CPU_INCOMPATIBLE"),
        ("fit", {"cpu_count": 1}, "INSUFFICIENT_CPUS"),
        ("hw", {"hardware_platform_versions": [0, 1]}, "HARDWARE_VERSION_UNSUPPORTED"),
    ],
)
async def test_across_pools_the_source_compares_its_own_record_with_the_far_host(
    course: Course, guest: str, told: dict[str, Any], reason: str
) -> None:
    data = (await course.at_dest(guest, "f1")).dest_check_data
    for name in told:
        data.host.ClearField(name)
    data.host.MergeFrom(type(data.host)(**told))

    here = await course.at_source(guest, data)

    assert errors(here.findings) == {reason}
