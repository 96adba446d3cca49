"""Versions and CPUs are compared as XAPI compares them."""

from dataclasses import replace

import pytest

from hostagent.model.facts import HostFacts, InstanceFacts, SoftwareVersion
from hostagent.model.finding import Reason, Severity
from hostagent.operations.checks import cpu, versions


@pytest.mark.parametrize(
    ("left", "right", "expected"),
    [
        ("6.9", "6.10", True),
        ("6.10", "6.9", False),
        ("6.10", "6.10", False),
        ("6.1", "6.1.0", False),
        ("6.1", "6.1.1", True),
        ("4.17.5-3", "4.17.5-12", True),
        ("26.17.0", "1.249.32", False),
        ("", "6.1", False),
        ("6.1", "", False),
    ],
)
def test_versions_are_compared_part_by_part_as_numbers(
    left: str, right: str, expected: bool
) -> None:
    assert versions.older(left, right) is expected


def test_one_finding_tells_every_part_that_is_older_with_both_values() -> None:
    source = HostFacts("a", "xs1", software=SoftwareVersion("8.3", "3.4.0", "26.17.0", "4.17.5-3"))
    dest = HostFacts("b", "xs2", software=SoftwareVersion("8.2", "3.2.1", "1.249.32", "4.17.5-3"))

    found = versions.not_older(dest, source)

    assert (found.reason, found.severity) == (Reason.DEST_OLDER, Severity.ERROR)
    assert found.message == (
        "xs2 is older: platform_version 3.2.1 where xs1 has 3.4.0, "
        "xapi_build 1.249.32 where xs1 has 26.17.0"
    )
    assert found.measured["dest_platform_version"] == "3.2.1"
    assert found.measured["source_xen"] == "4.17.5-3"


def test_a_newer_destination_passes() -> None:
    source = HostFacts("a", "xs1", software=SoftwareVersion("8.2", "3.2.1", "1.249.32", "4.13.5"))
    dest = HostFacts("b", "xs2", software=SoftwareVersion("8.3", "3.4.0", "26.17.0", "4.17.5"))

    finding = versions.not_older(dest, source)

    assert finding.severity is Severity.OK


@pytest.mark.parametrize(
    ("used", "offered", "expected"),
    [
        ("ff-0f", "ff-ff", False),
        ("ff-0f", "ff-07", True),
        ("ff-01", "ff", True),
        ("ff-00", "ff", False),
        ("ff", "ff-01", False),
        ("zz", "ff", None),
    ],
)
def test_a_feature_that_the_guest_saw_must_be_there(
    used: str, offered: str, expected: bool | None
) -> None:
    assert cpu.missing(used, offered) is expected


def test_a_guest_booted_on_another_vendor_is_refused() -> None:
    amd = InstanceFacts("web-1", cpu_vendor="AuthenticAMD")

    (finding,) = cpu.compatible(amd, HostFacts("xs1", cpu_vendor="GenuineIntel"))

    assert finding.reason is Reason.CPU_INCOMPATIBLE


def test_a_pv_guest_is_compared_with_the_features_for_pv() -> None:
    host = HostFacts("xs1", cpu_vendor="v", cpu_features_hvm="ff", cpu_features_pv="0f")
    guest = InstanceFacts("web-1", cpu_vendor="v", cpu_features="ff")

    found = cpu.compatible(replace(guest, paravirtual=True), host)

    assert [finding.severity for finding in cpu.compatible(guest, host)] == [Severity.OK] * 2
    assert [finding.severity for finding in found] == [Severity.OK, Severity.ERROR]


def test_nothing_is_said_where_a_side_tells_nothing() -> None:
    assert cpu.compatible(InstanceFacts("web-1"), HostFacts("xs1")) == []
