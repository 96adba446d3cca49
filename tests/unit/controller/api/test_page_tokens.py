"""Page tokens: what was given out is taken back, and nothing else is, whatever it looks like."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as some

from chassis.errors import InvalidArgument
from controller.api import paging
from controller.api.validation import Violations


@given(first=some.text(), second=some.text())
def test_token_of_a_name_comes_back(first: str, second: str) -> None:
    violations = Violations()

    assert paging.decode_names(violations, "b", paging.encode("b", first, second)) == (
        first,
        second,
    )
    violations.raise_any()


@given(token=some.text(min_size=1) | some.binary().map(lambda b: base64.b64encode(b).decode()))
def test_foreign_text_is_a_violation_and_never_a_crash(token: str) -> None:
    for decode in (paging.decode_names, paging.decode_times):
        violations = Violations()
        assert decode(violations, "b", token) is None
        if token:
            with pytest.raises(InvalidArgument):
                violations.raise_any()


@pytest.mark.parametrize("text", ["[" * 5_000, '["b",1e999,"x"]', '["b",-1,"x"]', '["b","x","y"]'])
def test_forged_time_is_a_violation(text: str) -> None:
    violations = Violations()

    token = base64.urlsafe_b64encode(text.encode()).decode()

    assert paging.decode_times(violations, "b", token) is None
    with pytest.raises(InvalidArgument):
        violations.raise_any()
