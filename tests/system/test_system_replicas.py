"""Two controller processes on one PostgreSQL, one of which dies or is frozen in mid-move."""

from collections.abc import Iterator

import pytest

from deploy.demo import simulator
from deploy.demo.processes import wait_until
from deploy.demo.stack import CALL_S
from tests.support import pg
from tests.support.replicated import Replicated, freeze, replicated, thaw
from tests.support.stack import differences, open_migration, wait_at_rest
from xenferry.controller.v1 import inventory_pb2, migration_pb2, scheduler_pb2

SUCCEEDED = migration_pb2.MIGRATION_STATE_SUCCEEDED


@pytest.fixture(scope="module")
def _running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Replicated]:
    with replicated(tmp_path_factory.mktemp("replicas"), pg.empty_database()) as running:
        yield running


@pytest.fixture
def stack(_running: Replicated) -> Replicated:
    """Return a running stack with two controllers, the first of which is asked."""
    if not _running.controller.running:
        _running.start_controller()
    _running.ask(_running.controller)
    wait_until("all hosts to be alive", _running.all_alive)
    return _running


def held_in_the_middle(stack: Replicated) -> str:
    """Return a migration, driven by the controller that is asked, whose memory copy is held."""
    simulator.arm(stack.control, fault="hold", phase="precopy", vm="web-1")
    asked_for = simulator.moves_from_now(stack.control)
    with stack.services() as services:
        request = inventory_pb2.GetInstanceRequest(instance="web-1")
        instance = services.inventory.GetInstance(request, timeout=CALL_S)
    names = {host.facts.host_id: host.facts.name for host in stack.hosts()}
    dest = "xs2" if names[instance.facts.host_id] == "xs1" else "xs1"
    migration_id = open_migration(stack, instance.facts.instance_id, dest)
    wait_until("XAPI to be asked to move", lambda: asked_for() == 1)
    return migration_id


def migration(stack: Replicated, migration_id: str) -> migration_pb2.Migration:
    request = scheduler_pb2.GetMigrationRequest(migration_id=migration_id)
    with stack.services() as services:
        return services.scheduler.GetMigration(request, timeout=CALL_S)


def wait_taken(stack: Replicated, migration_id: str) -> None:
    """Return once another replica drives the migration."""
    wait_until("the claim to be taken", lambda: migration(stack, migration_id).epoch == 2)


def test_what_a_killed_replica_drove_is_brought_home_by_the_other(stack: Replicated) -> None:
    asked_for = simulator.moves_from_now(stack.control)
    migration_id = held_in_the_middle(stack)

    stack.kill_controller()
    stack.ask(stack.second)
    wait_taken(stack, migration_id)
    simulator.lift_all(stack.control)

    ended = wait_at_rest(stack, migration_id)
    assert (ended.state, ended.epoch) == (SUCCEEDED, 2)
    assert asked_for() == 1
    wait_until("agents to have turned to the second", stack.all_alive)
    assert differences(stack) == []


def test_a_frozen_replica_is_fenced_when_it_wakes(stack: Replicated) -> None:
    asked_for = simulator.moves_from_now(stack.control)
    migration_id = held_in_the_middle(stack)

    freeze(stack.controller)
    stack.ask(stack.second)
    wait_taken(stack, migration_id)
    thaw(stack.controller)
    simulator.lift_all(stack.control)

    ended = wait_at_rest(stack, migration_id)
    assert (ended.state, ended.epoch) == (SUCCEEDED, 2)
    assert asked_for() == 1
    stack.ask(stack.controller)
    again = wait_at_rest(stack, migration_id)
    assert list(again.journal) == list(ended.journal)
    assert {entry.epoch for entry in again.journal} == {1, 2}
    assert differences(stack) == []
