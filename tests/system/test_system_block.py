"""Block migration between two simulated pools, with real processes: moved, stopped, and killed."""

import uuid
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
import XenAPI

from deploy.demo import simulator
from deploy.demo.processes import wait_until
from deploy.demo.stack import LOGIN, ROOT, Stack
from tests.support import nursery
from tests.support.stack import (
    IMPATIENT,
    IMPATIENT_AGENT,
    differences,
    open_migration,
    wait_at_rest,
)
from xenferry.common.v1 import inventory_pb2 as facts_pb2
from xenferry.controller.v1 import inventory_pb2, migration_pb2

MAIL_1 = "5d0c1b3e-7a52-4d0f-9c55-000000000201"
VOLUME = "vol-mail"
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


def add_volume(stack: Stack, host: str) -> None:
    """Attach a raw volume to mail-1 at its host, and return once the controller knows of it."""
    session = XenAPI.Session(stack.endpoints[host])
    session.xenapi.login_with_password(*LOGIN, "1.0", "operator")
    api: Any = session.xenapi
    (here,) = api.host.get_by_name_label(host)
    sr = api.SR.introduce(str(uuid.uuid4()), VOLUME, "", "iscsi", "user", True, {})
    pbd = {"host": here, "SR": sr, "device_config": {"target": "10.0.0.9"}}
    api.PBD.plug(api.PBD.create(pbd))
    words: Any = (str(uuid.uuid4()), VOLUME, "", sr, "user", False, False, {}, VOLUME, {}, {})
    drive = {"VM": api.VM.get_by_uuid(MAIL_1), "VDI": api.VDI.introduce(*words), "mode": "RW"}
    rest = {"userdevice": "autodetect", "bootable": False, "type": "Disk", "empty": False}
    more = {"other_config": {}, "qos_algorithm_type": "", "qos_algorithm_params": {}}
    api.VBD.plug(api.VBD.create(drive | rest | more))
    session.xenapi.session.logout()
    wait_until("the volume to be known", lambda: VOLUME in {one.name for one in disks(stack)})


def disks(stack: Stack) -> Sequence[facts_pb2.Disk]:
    """Return the disks of mail-1, as the controller knows them."""
    with stack.services() as services:
        request = inventory_pb2.GetInstanceRequest(instance="mail-1")
        return services.inventory.GetInstance(request, timeout=10).facts.disks


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


def test_a_controller_killed_in_the_copy_finds_the_volume_attached(stack: Stack) -> None:
    here, there = place(stack)
    add_volume(stack, here)
    before = simulator.calls_since(stack.control)[-1]["number"]

    def count(method: str, **wanted: str) -> int:
        calls = simulator.calls_since(stack.control, before)
        return sum({"method": method, **wanted}.items() <= call.items() for call in calls)

    migration_id = hold_in_the_copy(stack)
    stack.kill_controller()
    stack.start_controller()
    wait_until("a third preparation", lambda: count("host.migrate_receive") == 3)
    ended_meanwhile = count("session.logout", originator="xapi")
    simulator.lift_all(stack.control)

    migration = wait_at_rest(stack, migration_id)
    assert migration.state == SUCCEEDED, migration
    assert place(stack) == (there, here)
    assert VOLUME in {one.name for one in disks(stack)}
    made = [count(method) for method in ("SR.introduce", "PBD.create", "VDI.introduce")]
    assert made == [1, 1, 1]
    assert ended_meanwhile == 0, "a ticket that is in use stays"
    assert count("session.logout", originator="xapi") == 3
    assert differences(stack) == []
