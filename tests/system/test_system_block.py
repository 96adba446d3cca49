"""Block migration between two simulated pools, with real processes: moved, stopped, and killed."""

from collections.abc import Iterator

import pytest

from deploy.demo import simulator
from deploy.demo.processes import wait_until
from deploy.demo.stack import ROOT, Stack
from tests.support import nursery
from tests.support.stack import (
    IMPATIENT,
    IMPATIENT_AGENT,
    differences,
    open_migration,
    wait_at_rest,
)
from xenferry.controller.v1 import inventory_pb2, migration_pb2

MAIL_1 = "5d0c1b3e-7a52-4d0f-9c55-000000000201"
SUCCEEDED = migration_pb2.MIGRATION_STATE_SUCCEEDED
CANCELLED = migration_pb2.MIGRATION_STATE_CANCELLED


@pytest.fixture(scope="module")
def two_pools(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Yield the demo's pool and a second one of one host, with an agent for each host."""
    second_pool = ROOT / "deploy" / "worlds" / "lighthouse.toml"
    with Stack(
        tmp_path_factory.mktemp("two-pools"),
        time_factor=200.0,
        controller_tables=IMPATIENT,
        agent_tables=IMPATIENT_AGENT,
        launcher=nursery.launch,
        more_worlds=[second_pool],
    ) as running:
        yield running


@pytest.fixture
def stack(two_pools: Stack) -> Iterator[Stack]:
    """Yield the pools once every agent is heard; a test may have killed the controller."""
    wait_until("all hosts to be alive", two_pools.all_alive)
    yield two_pools
    simulator.lift_all(two_pools.control)


def place(stack: Stack) -> tuple[str, str]:
    """Return the name of the host of mail-1, and of one in the other pool."""
    with stack.services() as services:
        request = inventory_pb2.GetInstanceRequest(instance="mail-1")
        host_id = services.inventory.GetInstance(request, timeout=10).facts.host_id
    names = {host.facts.host_id: host.facts.name for host in stack.hosts()}
    here = names[host_id]
    return here, "xs1" if here == "xs4" else "xs4"


def hold_in_the_copy(stack: Stack) -> str:
    """Return a migration whose disks are being copied, until faults are lifted."""
    simulator.arm(stack.control, fault="hold", phase="mirror", vm="mail-1")
    migration_id = open_migration(stack, MAIL_1, place(stack)[1])
    wait_until("XAPI to copy", lambda: is_sent(stack))
    return migration_id


def is_sent(stack: Stack) -> bool:
    """Tell whether XAPI was asked to send mail-1 and has not ended."""
    with stack.services() as services:
        request = inventory_pb2.GetInstanceRequest(instance="mail-1")
        facts = services.inventory.GetInstance(request, timeout=10).facts
    return "migrate_send" in facts.current_operations


def test_a_guest_goes_to_the_other_pool_and_back(stack: Stack) -> None:
    for _ in range(2):
        here, there = place(stack)

        migration = wait_at_rest(stack, open_migration(stack, MAIL_1, there))

        assert migration.state == SUCCEEDED, migration
        assert place(stack) == (there, here)
        assert differences(stack) == []
        assert migration.reserved_disk_bytes == 0


def test_a_copy_that_is_cancelled_leaves_nothing_behind(stack: Stack) -> None:
    before = place(stack)
    migration_id = hold_in_the_copy(stack)

    cancelled = stack.ferryctl("cancel", migration_id)
    simulator.lift_all(stack.control)

    assert cancelled.returncode == 0, cancelled.stderr
    migration = wait_at_rest(stack, migration_id)
    assert migration.state == CANCELLED, migration
    assert place(stack) == before
    assert differences(stack) == []


def test_a_controller_killed_in_the_copy_brings_it_home(stack: Stack) -> None:
    here, there = place(stack)
    migration_id = hold_in_the_copy(stack)

    stack.kill_controller()
    stack.start_controller()
    simulator.lift_all(stack.control)

    migration = wait_at_rest(stack, migration_id)
    assert migration.state == SUCCEEDED, migration
    assert place(stack) == (there, here)
    assert differences(stack) == []
