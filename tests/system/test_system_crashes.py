"""Processes that die with SIGKILL in the middle of a migration, and what is left afterwards."""

from collections.abc import Iterator

import pytest

from deploy.demo import simulator
from deploy.demo.processes import wait_until
from tests.support import journal
from tests.support.stack import Stack, differences, open_migration, wait_at_rest
from xenferry.common.v1 import inventory_pb2 as facts_pb2
from xenferry.controller.v1 import inventory_pb2, migration_pb2

# The journal of a shared-storage migration that goes well; a test compares.
JOURNAL: list[journal.Row] = [
    ("prepare_dest", "STARTED"),
    ("verify_exports", "DONE"),
    ("prepare_dest", "DONE"),
    ("move", "STARTED"),
    ("move", "DONE"),
    ("rehome_instance", "DONE"),
    ("post_at_source", "STARTED"),
    ("post_at_source", "DONE"),
    ("post_at_dest", "STARTED"),
    ("post_at_dest", "DONE"),
]

SUCCEEDED = migration_pb2.MIGRATION_STATE_SUCCEEDED
ROLLED_BACK = migration_pb2.MIGRATION_STATE_ROLLED_BACK


@pytest.fixture
def stack(shared_stack: Stack) -> Stack:
    """Return the shared stack; whatever a test kills is started again after it."""
    return shared_stack


def web_1(stack: Stack) -> tuple[facts_pb2.InstanceFacts, str]:
    """Return web-1 and the name of the one of xs1 and xs2 that it is not on."""
    request = inventory_pb2.GetInstanceRequest(instance="web-1")
    with stack.services() as services:
        facts = services.inventory.GetInstance(request, timeout=10).facts
    names = {host.facts.host_id: host.facts.name for host in stack.hosts()}
    return facts, "xs2" if names[facts.host_id] == "xs1" else "xs1"


def start_moving(stack: Stack) -> str:
    facts, dest = web_1(stack)
    return open_migration(stack, facts.instance_id, dest)


def hold_in_the_middle(stack: Stack) -> str:
    """Return a migration whose memory copy has begun and goes on only when faults are lifted."""
    simulator.arm(stack.control, fault="hold", phase="precopy", vm="web-1")
    asked_for = simulator.moves_from_now(stack.control)
    migration_id = start_moving(stack)
    wait_until("XAPI to be asked to move", lambda: asked_for() == 1)
    return migration_id


def test_the_journal_of_a_migration_that_goes_well(stack: Stack) -> None:
    migration = wait_at_rest(stack, start_moving(stack))

    assert migration.state == SUCCEEDED
    assert journal.rows(stack.database, migration.migration_id) == JOURNAL
    assert differences(stack) == []


@pytest.mark.parametrize("row", JOURNAL, ids="-".join)
def test_a_controller_killed_right_after_a_row_carries_the_migration_to_an_end(
    stack: Stack, row: journal.Row
) -> None:
    for method in ("VM.add_to_other_config", "VM.remove_from_other_config"):
        simulator.arm(stack.control, fault="delay", method=method, seconds=0.1)
    migration_id = start_moving(stack)
    journal.wait_for(stack.database, migration_id, row)

    stack.kill_controller()
    stack.start_controller()

    migration = wait_at_rest(stack, migration_id)
    assert migration.state in (SUCCEEDED, ROLLED_BACK)
    assert migration.epoch > 1 or row == JOURNAL[-1], "the last row closes the migration"
    assert differences(stack) == []


def test_a_controller_killed_in_the_middle_of_a_move_brings_it_home(stack: Stack) -> None:
    migration_id = hold_in_the_middle(stack)

    stack.kill_controller()
    stack.start_controller()
    simulator.lift_all(stack.control)

    assert wait_at_rest(stack, migration_id).state == SUCCEEDED
    assert differences(stack) == []


def test_a_controller_that_dies_again_and_again_still_brings_the_move_home(stack: Stack) -> None:
    asked_for = simulator.moves_from_now(stack.control)
    migration_id = hold_in_the_middle(stack)

    for _ in range(3):
        stack.kill_controller()
        stack.start_controller()
    simulator.lift_all(stack.control)

    migration = wait_at_rest(stack, migration_id)
    assert migration.state == SUCCEEDED
    assert asked_for() == 1
    assert differences(stack) == []


@pytest.mark.parametrize("side", ["source", "dest"])
def test_an_agent_killed_in_the_middle_of_a_move_changes_nothing_of_its_end(
    stack: Stack, side: str
) -> None:
    facts, dest = web_1(stack)
    names = {host.facts.host_id: host.facts.name for host in stack.hosts()}
    agent = dest if side == "dest" else names[facts.host_id]
    migration_id = hold_in_the_middle(stack)

    stack.kill_agent(agent)
    stack.start_agent(agent)
    simulator.lift_all(stack.control)

    assert wait_at_rest(stack, migration_id).state == SUCCEEDED
    assert differences(stack) == []


def test_a_source_agent_that_comes_back_after_the_move_is_told_of_it(stack: Stack) -> None:
    facts, _ = web_1(stack)
    names = {host.facts.host_id: host.facts.name for host in stack.hosts()}
    migration_id = hold_in_the_middle(stack)

    stack.kill_agent(names[facts.host_id])
    simulator.lift_all(stack.control)
    wait_until("the guest to arrive", lambda: _runs_elsewhere(stack, facts))
    stack.start_agent(names[facts.host_id])

    assert wait_at_rest(stack, migration_id).state == SUCCEEDED
    assert differences(stack) == []


def _runs_elsewhere(stack: Stack, facts: facts_pb2.InstanceFacts) -> bool:
    places = [
        domain.host_uuid
        for domain in simulator.living_domains(stack.control)
        if domain.vm_uuid == facts.instance_id
    ]
    return len(places) == 1 and places[0] != facts.host_id


def test_a_watch_outlives_a_restart_of_the_controller(stack: Stack) -> None:
    migration_id = hold_in_the_middle(stack)
    with stack.running_ferryctl("watch", migration_id) as watcher:
        assert watcher.stdout is not None
        assert "web-1" in watcher.stdout.readline()

        stack.kill_controller()
        assert "controller away" in _next_line_with(watcher.stdout, "away")
        stack.start_controller()
        simulator.lift_all(stack.control)
        output, _ = watcher.communicate(timeout=30)

    assert watcher.returncode == 0
    assert "web-1 runs on" in output


def _next_line_with(lines: Iterator[str], word: str) -> str:
    return next(line for line in lines if word in line)
