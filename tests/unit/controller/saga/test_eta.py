"""The time left is an interval that keeps its word."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.model.migration import MoveEstimate
from controller.saga.eta import Eta, Remaining

MIB = 1024 * 1024
GIB = 1024 * MIB


def fed(
    *told: tuple[float, int], total: int = GIB, estimate: MoveEstimate | None = None
) -> list[Remaining | None]:
    eta = Eta(0.0, estimate)
    return [eta.take(at_s, "memory", done, total) for at_s, done in told]


def test_nothing_is_told_without_evidence() -> None:
    assert fed((0, 0)) == [None]


def test_the_estimate_of_the_check_counts_until_bytes_do() -> None:
    estimate = MoveEstimate(GIB, duration_p50_s=20, duration_p90_s=30)

    assert fed((5, 0), estimate=estimate) == [Remaining(15, 25)]


def test_a_steady_rate_gives_a_time_that_shrinks_as_time_passes() -> None:
    told = fed(*((second, second * 100 * MIB) for second in range(10)))

    p50 = [each.p50_s for each in told if each is not None]
    assert p50[0] == pytest.approx(9.24)
    assert all(then == pytest.approx(before - 1) for before, then in itertools.pairwise(p50))


def test_a_slower_second_does_not_turn_it_back() -> None:
    told = fed((0, 0), (1, 100 * MIB), (2, 200 * MIB), (3, 280 * MIB))

    p50 = [each.p50_s for each in told if each is not None]
    assert p50 == sorted(p50, reverse=True)


def test_a_stall_says_more_once_the_interval_is_left() -> None:
    steady = [(float(second), second * 100 * MIB) for second in range(5)]
    stalled = [(float(second), 400 * MIB + second) for second in range(5, 40)]

    told = fed(*steady, *stalled)

    before, after = told[4], told[-1]
    assert before is not None
    assert after is not None
    assert after.p50_s > before.p90_s


def test_disks_and_memory_count_together() -> None:
    eta = Eta(0.0, MoveEstimate(3 * GIB, 1, 2))
    eta.take(0, "disks", 0, 2 * GIB)
    disks = eta.take(1, "disks", GIB, 2 * GIB)
    eta.take(2, "disks", 2 * GIB, 2 * GIB)
    memory = eta.take(3, "memory", 0, GIB)

    assert disks is not None
    assert disks.p50_s == pytest.approx(2)
    assert memory is not None
    assert memory.p50_s == pytest.approx(1)


def test_a_phase_without_bytes_goes_on_with_what_was_told() -> None:
    eta = Eta(0.0, MoveEstimate(GIB, 100, 120))
    eta.take(0, "memory", 0, GIB)
    before = eta.take(5, "memory", GIB // 2, GIB)

    after = eta.take(6, "switching", 0, 0)

    assert before is not None
    assert after is not None
    assert (before.p50_s, before.p90_s) == pytest.approx((5, 8))
    assert (after.p50_s, after.p90_s) == pytest.approx((4, 7))


@given(
    steps=st.lists(
        st.tuples(st.floats(0.01, 5), st.integers(0, 300 * MIB)), min_size=2, max_size=40
    )
)
def test_it_never_runs_backwards_within_what_it_said(steps: list[tuple[float, int]]) -> None:
    eta, now_s, done = Eta(0.0, None), 0.0, 0
    before: tuple[float, Remaining] | None = None
    for pause_s, sent in steps:
        now_s, done = now_s + pause_s, done + sent
        told = eta.take(now_s, "memory", done, 8 * GIB)
        if told is None:
            continue
        assert 0 <= told.p50_s <= told.p90_s
        if before is not None and told.p50_s > before[1].p50_s:
            assert now_s + told.p50_s > before[0] + before[1].p90_s, "it rose within its interval"
        before = now_s, told
