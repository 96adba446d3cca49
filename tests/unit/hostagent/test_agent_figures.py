"""Figures: memory as XAPI counts it, what a move costs, which SR a filter means."""

import pytest

from hostagent.model import sr_filter
from hostagent.model.facts import DiskFacts, SrFacts
from hostagent.model.settings import MigrationSettings
from hostagent.operations import estimate, memory
from hostagent.operations.checks import rooms
from hostagent.operations.estimate import Load
from tests.unit.hostagent.records import a_vm

GIB = 2**30


@pytest.mark.parametrize(
    ("gib", "vcpus", "needed"),
    [
        (20, 1, 21_646_802_944),  # recorded: HOST_NOT_ENOUGH_FREE_MEMORY of a 20 GiB guest
        (16, 4, 17_321_426_944),  # xapi 26.x
    ],
)
def test_what_a_guest_needs_is_what_xapi_said_it_needs(gib: int, vcpus: int, needed: int) -> None:
    size = gib * GIB
    vm = a_vm(memory_dynamic_min=size, memory_static_max=size, vcpus_max=vcpus, memory_overhead=0)

    assert memory.needed(vm) == needed


def test_the_overhead_that_xapi_tells_is_believed_and_memory_is_counted_in_whole_mib() -> None:
    vm = a_vm(memory_dynamic_min=GIB + 1, memory_overhead=9 << 20)

    assert memory.needed(vm) == GIB + (1 << 20) + (9 << 20)
    assert memory.reserved(vm) == GIB + 1 + (9 << 20)


def test_a_guest_on_a_faster_link_moves_faster_and_a_busy_one_takes_longer() -> None:
    slow, fast = estimate.of(Load(4 * GIB), 1_000), estimate.of(Load(4 * GIB), 10_000)

    assert slow is not None
    assert fast is not None
    assert slow.total_bytes == fast.total_bytes == 4 * GIB
    assert 30 < slow.duration_p50_s < slow.duration_p90_s < 150
    assert fast.duration_p50_s < slow.duration_p50_s
    assert 0.8 < fast.downtime_s < slow.downtime_s < 5


def test_disks_are_expected_to_be_copied_at_the_speed_that_was_seen() -> None:
    told = estimate.of(Load(0, stored=60 * GIB, virtual=120 * GIB, disks=2), 1_000)

    assert told is not None
    assert told.total_bytes == 60 * GIB
    assert told.duration_p50_s == pytest.approx(60 * GIB / 60e6, rel=0.05)
    assert told.duration_p90_s == pytest.approx(120 * GIB / 60e6, rel=0.05)


@pytest.mark.parametrize("mbps", [0, 65_535, -1])
def test_where_the_speed_is_not_known_nothing_is_estimated(mbps: int) -> None:
    assert estimate.of(Load(GIB), mbps) is None


@pytest.mark.parametrize(
    ("text", "config", "expected"),
    [
        ("other-config:tier=gold", {"tier": "gold"}, True),
        ("other-config:tier=gold", {"tier": "silver"}, False),
        ("other-config:tier=gold", {}, False),
        ("other-config:a:b=c=d:e", {"a:b": "c=d:e"}, True),
        ("other-config:tier=", {"tier": ""}, True),
        ("default-sr:true", {"tier": "gold"}, False),
    ],
)
def test_a_filter_is_cut_at_its_first_colon_and_equals_sign(
    text: str, config: dict[str, str], expected: bool
) -> None:
    assert sr_filter.parse(text).matches(config) is expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "default-sr",
        "default-sr:false",
        "other-config",
        "other-config:tier",
        "other-config:=x",
        "name:x=y",
    ],
)
def test_any_other_filter_refuses_the_settings(text: str) -> None:
    with pytest.raises(ValueError, match="sr_matching_filter must be"):
        MigrationSettings(sr_matching_filter=text)


@pytest.mark.parametrize("text", ["", "Name", "uuid", "name,bridge"])
def test_a_network_is_matched_by_name_or_by_bridge_and_by_nothing_else(text: str) -> None:
    with pytest.raises(ValueError, match="network_matching must be name or bridge"):
        MigrationSettings(network_matching=text)


@pytest.mark.parametrize("most", [0, 4])
def test_more_storage_moves_than_xapi_allows_are_refused(most: int) -> None:
    with pytest.raises(ValueError, match="max_storage_moves"):
        MigrationSettings(max_storage_moves=most)


def a_disk(size: int, stored: int, snapshots: int = 0) -> DiskFacts:
    """Return a disk."""
    return DiskFacts("u", "d", "s", "sr", False, size, False, stored, snapshots=snapshots)


@pytest.mark.parametrize(
    ("thin", "over_commit", "needed"),
    [(False, False, 35), (False, True, 35), (True, False, 35), (True, True, 8)],
)
def test_room_is_counted_by_size_unless_a_thin_repository_may_be_over_committed(
    thin: bool, over_commit: bool, needed: int
) -> None:
    sr = SrFacts("s", "sr", "nfs", True, True, 0, thin=thin)
    disks = [a_disk(10, 1, snapshots=2), a_disk(5, 0)]

    assert rooms.needed(disks, sr, over_commit=over_commit) == needed
