"""Guests that act up in the middle of a move, and every end that a failed move can have."""

from collections.abc import Iterator

import pytest

from tests.contract.xapisim.client import Client
from tests.support.sim import Simulator

WORLD = """
[pool]
name = "pair"
[[host]]
name = "h1"
[[host]]
name = "h2"
[[network]]
name = "lan"
[[sr]]
name = "shared"
[[vm]]
name = "app-{n}"
count = 4
memory = "512 MiB"
host = "h2"
disks = [{ sr = "shared", size = "1 GiB" }]
[[vm]]
name = "end-{n}"
count = 6
memory = "512 MiB"
host = "h2"
disks = [{ sr = "shared", size = "1 GiB" }]
"""
FAST = 300.0


@pytest.fixture(scope="module")
def sim() -> Iterator[Simulator]:
    """Each test has a guest of its own."""
    with Simulator(WORLD, lockstep=True) as simulator:
        yield simulator


@pytest.fixture
def client(sim: Simulator) -> Client:
    return Client(sim, "h1")


@pytest.mark.parametrize(("fault", "vm"), [("guest_shutdown", "app-1"), ("guest_crash", "app-2")])
def test_a_guest_that_stops_in_the_middle_of_a_move_ends_it(
    client: Client, fault: str, vm: str
) -> None:
    client.api.VM.set_actions_after_crash(client.vm(vm), "destroy")
    client.sim.fault(fault=fault, vm=vm, phase="precopy")

    record = client.wait(client.migrate(vm, "h1"))

    assert record["error_info"][0] == "VM_MIGRATE_FAILED"
    assert record["error_info"][4] == "The VM changed its power state during migration"
    assert client.api.VM.get_power_state(client.vm(vm)) == "Halted"
    assert client.sim.where(vm) == []


def test_a_guest_that_reboots_once_in_the_middle_is_moved_all_the_same(client: Client) -> None:
    client.sim.fault(fault="guest_reboot", vm="app-3", phase="precopy", nth=1)

    record = client.wait(client.migrate("app-3", "h1"))

    assert (record["status"], client.sim.where("app-3")) == ("success", ["h1"])


def test_a_guest_that_keeps_rebooting_stays_where_it_is(client: Client) -> None:
    client.sim.fault(fault="guest_reboot", vm="app-4", phase="precopy")

    record = client.wait(client.migrate("app-4", "h1"))

    assert record["error_info"] == ["INTERNAL_ERROR", "xenopsd internal error: End_of_file"]
    (domain,) = [one for one in client.sim.domains() if one["vm"] == "app-4"]
    assert (client.where("app-4"), domain["host"], domain["alive"]) == ("h2", "h2", True)
    assert client.api.VM.get_domid(client.vm("app-4")) == str(domain["domid"])


@pytest.mark.parametrize(
    ("vm", "end", "state", "says", "really"),
    [
        ("end-1", "source_running", "Running", "h2", ["h2"]),
        ("end-2", "dest_running", "Running", "h1", ["h1"]),
        ("end-3", "halted", "Halted", "", []),
        ("end-4", "suspended", "Suspended", "", []),
        ("end-5", "duplicated", "Running", "h2", ["h1", "h2"]),
        ("end-6", "dest_unrecorded", "Running", "h2", ["h1"]),
    ],
)
def test_a_failed_migration_can_end_in_every_way_that_was_ever_seen(
    client: Client, vm: str, end: str, state: str, says: str, really: list[str]
) -> None:
    client.sim.fault(fault="fail_migration", phase="sync4", vm=vm, end=end)

    record = client.wait(client.migrate(vm, "h1"))

    assert record["status"] == "failure"
    assert client.api.VM.get_power_state(client.vm(vm)) == state
    assert client.where(vm) == says
    assert sorted(client.sim.where(vm)) == really
    assert client.api.VM.get_current_operations(client.vm(vm)) == {}
