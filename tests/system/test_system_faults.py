"""A few cells of the fault matrix, with real processes: every fault once, moments in turns.

`scripts/faults` runs them all; what a fault does at any moment in one process is in
tests/unit/controller/saga/test_faults.py.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.faults import cells, trial
from deploy.faults.cells import Cell
from deploy.faults.ground import Ground
from tests.support import nursery

# Waits out a deadline of several seconds, and nothing else.
SLOW = "timed-out"
STRIDE = 37


def _chosen() -> list[Cell]:
    """Return a cell a fault: kinds, paths and moments change from one to the next."""
    every = cells.every()
    faults = dict.fromkeys(cell.fault for cell in every if cell.fault != SLOW)
    of_fault = [[cell for cell in every if cell.fault == fault] for fault in faults]
    return [some[number * STRIDE % len(some)] for number, some in enumerate(of_fault)]


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    """Yield two pools with agents and a controller whose calls can be kept."""
    folder: Path = tmp_path_factory.mktemp("ground")
    with Ground(folder, nursery.launch) as running:
        yield running


@pytest.mark.parametrize("cell", _chosen(), ids=lambda cell: cell.name)
def test_a_fault_at_a_moment_leaves_every_invariant_true(ground: Ground, cell: Cell) -> None:
    assert trial.run(ground, cell).problems == ()
