"""Memory and pre-copy arithmetic against figures recorded on real hosts."""

import math

import pytest

from xapisim.classes import memory
from xapisim.classes.migration.precopy import MAX_ROUNDS, Precopy
from xapisim.classes.pool import VmLoad

GIB = 2**30


def vm(gib: float, vcpus: int, domain_type: str = "hvm") -> dict[str, object]:
    return {
        "VCPUs_max": vcpus,
        "memory_static_max": int(gib * GIB),
        "memory_dynamic_min": int(gib * GIB),
        "memory_overhead": 0,
        "HVM_shadow_multiplier": 1.0,
        "domain_type": domain_type,
    }


@pytest.mark.parametrize(
    ("gib", "vcpus", "domain_type", "needed"),
    [
        (20, 1, "hvm", 21646802944),
        (16, 4, "hvm", 17321426944),
        (0.5, 1, "hvm", 536870912 + 8388608),
        (1, 2, "pv", GIB + 12582912),
    ],
)
def test_a_vm_needs_what_xapi_says_it_needs(
    gib: float, vcpus: int, domain_type: str, needed: int
) -> None:
    assert memory.needed_bytes(vm(gib, vcpus, domain_type)) == needed


def test_an_idle_guest_is_copied_in_two_rounds() -> None:
    copy = Precopy(4096, VmLoad(dirty_rate_mib_s=0.0, touched_fraction=0.5))

    assert list(copy.rounds(400)) == [2048]
    assert copy.left_mib == 0


def test_each_round_sends_what_the_last_one_let_the_guest_write() -> None:
    copy = Precopy(4000, VmLoad(dirty_rate_mib_s=40, touched_fraction=1.0))

    first, second, third = list(copy.rounds(400))[:3]

    assert (first, second, third) == (4000, 400, 40)


def test_a_guest_that_writes_faster_than_the_network_is_suspended_for_the_fifth_round() -> None:
    copy = Precopy(1000, VmLoad(dirty_rate_mib_s=10_000, touched_fraction=0.9))

    assert list(copy.rounds(100)) == [900] * (MAX_ROUNDS - 1)
    assert math.isclose(copy.left_mib, 900)
