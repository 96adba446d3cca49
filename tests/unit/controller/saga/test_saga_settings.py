"""Settings that would make the saga spin are refused."""

from dataclasses import fields, replace

import pytest

from controller.saga.settings import SagaSettings

NAMES = [field.name for field in fields(SagaSettings)]


@pytest.mark.parametrize("name", NAMES)
def test_a_negative_time_is_refused_by_name(name: str) -> None:
    with pytest.raises(ValueError, match=name):
        replace(SagaSettings(), **{name: -1.0})


@pytest.mark.parametrize("name", ["retry_first_s", "settle_cap_s", "settle_slowest_mib_per_s"])
def test_a_pause_of_nothing_is_refused_by_name(name: str) -> None:
    with pytest.raises(ValueError, match=name):
        replace(SagaSettings(), **{name: 0.0})


def test_no_quiet_time_at_all_may_be_asked_for() -> None:
    assert SagaSettings(settle_quiet_s=0).settle_quiet_s == 0
