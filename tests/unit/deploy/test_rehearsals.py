"""The fault matrix and the soak: what they are made of."""

import pytest

from controller.saga.steps import Finish, Table
from controller.saga.tables import TABLES
from deploy.faults import cells, strikes
from deploy.soak import schedule


@pytest.mark.parametrize("table", TABLES.values(), ids=lambda table: table.kind.value)
def test_every_step_of_the_tables_is_a_moment_of_the_matrix(table: Table) -> None:
    finish = [step.name for step in table.finish if isinstance(step, Finish)]
    steps = {table.pivot.name, *finish, *(undo.name for undo in table.back)}
    steps |= {step.name for step in table.prepare}

    stops = {stop.step for path in cells.PATHS for stop in cells.stops(table, path)}

    assert steps <= stops


def test_every_fault_of_the_matrix_is_known_and_every_cell_has_a_name_of_its_own() -> None:
    every = cells.every()

    assert {cell.fault for cell in every} == set(strikes.STRIKES)
    assert len({cell.name for cell in every}) == len(every)


def test_a_schedule_is_a_function_of_its_seed_and_round() -> None:
    assert schedule.of_round(7, 3) == schedule.of_round(7, 3)
    assert schedule.of_round(7, 3) != schedule.of_round(7, 4)
    assert schedule.of_round(7, 3) != schedule.of_round(8, 3)


def test_a_schedule_is_in_the_order_of_time() -> None:
    for number in range(1, 50):
        times = [event.at_s for event in schedule.of_round(1, number)]
        assert times == sorted(times)
