"""Every check of guest and host, in a world that trips it alone."""

import pytest

from tests.service.hostagent.course import (
    OK,
    SHARED,
    WARNING,
    Course,
    disagreements,
    operator,
    reasons,
    tripping,
)
from tests.service.hostagent.pool import errors
from xenferry.common.v1 import finding_pb2, reason_pb2

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_where_nothing_is_wrong_every_check_passes_and_says_what_it_measured(
    course: Course,
) -> None:
    there, here = await course.both("fit", "good")

    assert {one.severity for one in (*there.findings, *here.findings)} == {OK}
    assert all(one.message and not one.remedy for one in (*there.findings, *here.findings))
    assert there.dest_check_data.kind == here.kind == SHARED
    assert reasons(there.findings, OK) == {
        "DEST_NOT_ALIVE",
        "DEST_DISABLED",
        "OPERATION_IN_PROGRESS",
        "INSUFFICIENT_MEMORY",
        "INSUFFICIENT_CPUS",
        "CPU_INCOMPATIBLE",
        "HARDWARE_VERSION_UNSUPPORTED",
        "LICENCE_RESTRICTION",
        "HIGH_AVAILABILITY",
        "BLOCK_MIGRATION_NEEDLESS",
        "POOLS_DIFFER",
        "STORAGE_NOT_SHARED",
        "NETWORK_NOT_AVAILABLE",
    }
    assert reasons(here.findings, OK) == {
        "INSTANCE_MOVED",
        "INSTANCE_NOT_RUNNING",
        "OPERATION_IN_PROGRESS",
        "OPERATION_BLOCKED",
        "INSTANCE_PROTECTED",
        "DEVICE_NOT_MIGRATABLE",
        "INSTANCE_IMMOBILE",
        "GUEST_NOT_SUSPENDABLE",
        "DEST_IS_SOURCE",
        "DEST_OLDER",
        "POOLS_DIFFER",
        "LICENCE_RESTRICTION",
        "BLOCK_MIGRATION_NEEDLESS",
        "EXPORT_LOST",
        "STORAGE_NOT_SHARED",
    }


@pytest.mark.parametrize(
    ("guest", "host", "reason", "measured"),
    [
        ("diskless", "off", "DEST_DISABLED", {"enabled": "false"}),
        ("diskless", "dead", "DEST_NOT_ALIVE", {"live": "false"}),
        ("diskless", "lesser", "CPU_INCOMPATIBLE", {"features_hvm": "00000001-00000000"}),
        ("diskless", "foreign", "CPU_INCOMPATIBLE", {"vendor": "AuthenticAMD"}),
        ("fit", "narrow", "INSUFFICIENT_CPUS", {"cpus": "1", "vcpus": "2"}),
        ("hw", "plain", "HARDWARE_VERSION_UNSUPPORTED", {"hardware_platform_version": "2"}),
        ("insider", "good", "NETWORK_NOT_AVAILABLE", {"used_on": "home"}),
        ("tied", "apart", "NETWORK_NOT_AVAILABLE", {}),
        ("patched", "off", "STORAGE_NOT_SHARED", {}),
    ],
)
async def test_a_destination_in_the_pool_is_refused_for_one_reason(
    course: Course, guest: str, host: str, reason: str, measured: dict[str, str]
) -> None:
    there = await course.at_dest(guest, host)
    expected = {reason} | ({"DEST_DISABLED"} if host == "off" else set())

    assert errors(there.findings) == expected
    found = [one for one in there.findings if reason_pb2.Reason.Name(one.reason)[7:] == reason]
    (finding,) = [one for one in found if one.severity == finding_pb2.SEVERITY_ERROR]
    assert finding.remedy
    assert measured.items() <= dict(finding.measured).items()


@pytest.mark.parametrize(("host", "spare"), [("exact", 0), ("short", -1)])
async def test_memory_is_counted_as_xapi_counts_it_to_the_byte(
    course: Course, host: str, spare: int
) -> None:
    there = await course.at_dest("fit", host)
    (memory,) = [
        one for one in there.findings if one.reason == reason_pb2.REASON_INSUFFICIENT_MEMORY
    ]
    xapi = operator(course.simulator)
    (ref,) = xapi.host.get_by_name_label(host)
    free, needed = int(memory.measured["free_bytes"]), int(memory.measured["needed_bytes"])

    assert free == int(xapi.host.compute_free_memory(ref)) == needed + spare
    assert errors(there.findings) == ({"INSUFFICIENT_MEMORY"} if spare else set())
    expected = ["HOST_NOT_ENOUGH_FREE_MEMORY", str(needed), str(free)] if spare else []
    assert memory.xapi_error == expected
    assert not [one for one in there.findings if one.severity == WARNING]


@pytest.mark.parametrize(
    ("guest", "reason"),
    [
        ("parked", "INSTANCE_NOT_RUNNING"),
        ("paused", "INSTANCE_NOT_RUNNING"),
        ("bare", "GUEST_NOT_SUSPENDABLE"),
        ("stubborn", "GUEST_NOT_SUSPENDABLE"),
        ("blocked", "OPERATION_BLOCKED"),
        ("infra", "INSTANCE_PROTECTED"),
        ("pci", "DEVICE_NOT_MIGRATABLE"),
        ("vgpu", "DEVICE_NOT_MIGRATABLE"),
        ("vusb", "DEVICE_NOT_MIGRATABLE"),
        ("sriov", "DEVICE_NOT_MIGRATABLE"),
        ("nested", "INSTANCE_IMMOBILE"),
        ("immobile", "INSTANCE_IMMOBILE"),
    ],
)
@pytest.mark.parametrize("dest", ["good", "f1"])
async def test_a_guest_is_kept_at_its_source_for_one_reason(
    course: Course, guest: str, reason: str, dest: str
) -> None:
    data = (await course.at_dest("fit", dest)).dest_check_data

    here = await course.at_source(guest, data)

    assert errors(here.findings) == {reason}
    assert tripping(here.findings).remedy


async def test_what_xapi_would_allow_stays_refused_and_the_disagreement_is_told_and_counted(
    course: Course,
) -> None:
    before = disagreements("HARDWARE_VERSION_UNSUPPORTED", "allows")

    there = await course.at_dest("hw", "plain")

    warning = tripping(there.findings, WARNING)
    after = disagreements("HARDWARE_VERSION_UNSUPPORTED", "allows")
    assert warning.reason == reason_pb2.REASON_CHECKS_DISAGREE
    assert warning.measured["xapi"] == "allows"
    assert errors(there.findings) == {"HARDWARE_VERSION_UNSUPPORTED"}
    assert after == before + 1


async def test_a_destination_with_an_older_part_is_refused_by_the_source(course: Course) -> None:
    _, here = await course.both("diskless", "older")

    assert errors(here.findings) == {"DEST_OLDER"}
    assert tripping(here.findings).measured["dest_xen"] == "4.13.4"
