"""What dom0's plug-in keeps of operations, and for how long."""

import os
import time
from collections.abc import Iterator

import pytest

from tests.support import dom0_code
from tests.support.dom0_code import Dom0

DAY_S = 86_400.0


@pytest.fixture
def dom0() -> Iterator[Dom0]:
    """Return the plug-in's code with nothing kept."""
    with dom0_code.loaded() as dom0:
        yield dom0


def kept(dom0: Dom0, age_days: float, **values: str) -> str:
    """Keep a record as it was so many days ago; returns its operation's id."""
    operation_id = dom0.begin("join")
    dom0.record(operation_id).write(**{"phase": "ended", "agent": "running", **values})
    written = time.time() - age_days * DAY_S
    os.utime(dom0.directory / f"{operation_id}.json", (written, written))
    return operation_id


def left(dom0: Dom0) -> set[str]:
    """Return what is there after a pruning."""
    dom0.state.prune()
    return {path.name for path in dom0.directory.iterdir()}


def test_what_ended_long_ago_is_forgotten(dom0: Dom0) -> None:
    kept(dom0, dom0.state.KEPT_DAYS + 1)
    young = kept(dom0, dom0.state.KEPT_DAYS - 1)

    assert left(dom0) == {f"{young}.json"}


def test_of_many_the_newest_stay_and_what_ended_within_a_day(dom0: Dom0) -> None:
    vars(dom0.state)["KEPT"] = 3
    ids = [kept(dom0, age_days) for age_days in (0.5, 2, 3, 4, 5)]
    recent = [kept(dom0, 0.1) for _ in range(2)]

    assert left(dom0) == {f"{one}.json" for one in (ids[0], *recent)}


@pytest.mark.parametrize(
    "values", [{"phase": "joining"}, {"agent": "stopped"}, {"agent": "failed"}]
)
def test_what_is_left_to_be_done_is_kept_however_old(dom0: Dom0, values: dict[str, str]) -> None:
    unfinished = kept(dom0, 1000, **values)

    assert left(dom0) == {f"{unfinished}.json"}


def test_drafts_of_the_dead_go_and_what_can_not_be_read_stays(dom0: Dom0) -> None:
    (dom0.directory / "one.json.4711").write_text('{"half')
    (dom0.directory / "two.json").write_text('{"half')
    (dom0.directory / "three.json").write_text("{}")
    (dom0.directory / "lock").touch()
    for path in dom0.directory.iterdir():
        os.utime(path, (0, 0))

    assert left(dom0) == {"two.json", "three.json", "lock"}


def test_a_file_that_can_not_be_removed_keeps_nothing_else(dom0: Dom0) -> None:
    (dom0.directory / "odd.json.4711").mkdir()
    kept(dom0, 1000)

    assert left(dom0) == {"odd.json.4711"}


def test_a_pruning_that_died_half_way_is_done_by_the_next(dom0: Dom0) -> None:
    for _ in range(3):
        kept(dom0, 1000)
    forget = dom0.state.forget

    def dying(path: str) -> None:
        forget(path)
        raise KeyboardInterrupt

    vars(dom0.state)["forget"] = dying
    with pytest.raises(KeyboardInterrupt):
        dom0.state.prune()
    vars(dom0.state)["forget"] = forget
    half = len(list(dom0.directory.iterdir()))

    assert half == 2
    assert left(dom0) == set()
