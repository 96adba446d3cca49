"""Versions are compared part by part, as numbers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.model.inventory import SoftwareVersion
from controller.planning import versions

VERSIONS = st.lists(st.integers(0, 30), min_size=1, max_size=4).map(
    lambda numbers: ".".join(str(number) for number in numbers)
)


@pytest.mark.parametrize(
    ("older", "newer"),
    [("6.9", "6.10"), ("6.1", "6.1.1"), ("4.17.5-9", "4.17.5-13"), ("1.249.26", "26.1.0")],
)
def test_a_version_is_older_than_the_next_one(older: str, newer: str) -> None:
    assert versions.key(older) < versions.key(newer)


def test_trailing_zeros_mean_nothing() -> None:
    assert versions.key("6.1") == versions.key("6.1.0.0")


@given(VERSIONS, VERSIONS, VERSIONS)
def test_versions_are_totally_preordered(one: str, two: str, three: str) -> None:
    keys = [versions.key(version) for version in (one, two, three)]

    assert keys[0] <= keys[1] or keys[1] <= keys[0]
    assert not (keys[0] <= keys[1] <= keys[2]) or keys[0] <= keys[2]


@given(VERSIONS, st.integers(0, 3))
def test_raising_a_part_makes_it_newer(version: str, place: int) -> None:
    numbers = [int(number) for number in version.split(".")]
    numbers[place % len(numbers)] += 1

    assert versions.key(version) < versions.key(".".join(map(str, numbers)))


@given(VERSIONS, VERSIONS)
def test_of_two_hosts_that_differ_exactly_one_is_older(one: str, other: str) -> None:
    left, right = SoftwareVersion(xen=one), SoftwareVersion(xen=other)

    older = [versions.older_parts(left, right), versions.older_parts(right, left)]

    same = versions.key(one) == versions.key(other)
    assert sorted(older) == ([(), ()] if same else [(), ("xen",)])


@pytest.mark.parametrize("untold", ["", "unknown"])
def test_a_part_that_a_side_does_not_tell_is_not_compared(untold: str) -> None:
    new, old = SoftwareVersion(xapi_build="26.17.0"), SoftwareVersion(xapi_build=untold)

    assert versions.older_parts(old, new) == ()
    assert "xapi_build" in versions.untold_parts(old, new)


def test_the_product_version_is_not_compared() -> None:
    assert versions.older_parts(SoftwareVersion("6.2"), SoftwareVersion("8.3")) == ()
