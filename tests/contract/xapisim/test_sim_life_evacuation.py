"""host.evacuate and the question before it."""

from collections.abc import Iterator

import pytest

from tests.contract.xapisim.client import Client
from tests.support.sim import Simulator

WORLD = """
[pool]
name = "drill"
[[host]]
name = "e1"
[[host]]
name = "e2"
[[network]]
name = "lan"
[[sr]]
name = "shared"
[[vm]]
name = "guest-{n}"
count = 3
memory = "256 MiB"
host = "e1"
disks = [{ sr = "shared", size = "1 GiB" }]
"""


@pytest.fixture
def sim() -> Iterator[Simulator]:
    with Simulator(WORLD, lockstep=True) as simulator:
        yield simulator


@pytest.fixture
def client(sim: Simulator) -> Client:
    return Client(sim, "e1")


def test_every_guest_leaves_an_evacuated_host(client: Client, sim: Simulator) -> None:
    host = client.host("e1")
    client.api.host.disable(host)
    client.api.host.assert_can_evacuate(host)

    client.api.host.evacuate(host)

    assert [sim.where(f"guest-{number}") for number in (1, 2, 3)] == [["e2"]] * 3
    assert client.api.host.get_current_operations(host) == {}
    assert client.api.task.get_all() == []


def test_a_guest_that_cannot_leave_is_the_error(client: Client) -> None:
    host, other, vm = client.host("e1"), client.host("e2"), client.vm("guest-2")
    client.api.VM.add_to_blocked_operations(vm, "pool_migrate", "stay")

    blocked = ["OPERATION_BLOCKED", vm, "stay"]

    assert client.failure(client.api.host.evacuate, host) == blocked
    asked = client.failure(client.api.host.assert_can_evacuate, host)
    assert asked == ["CANNOT_EVACUATE_HOST", ",".join(blocked)]
    assert client.api.host.get_vms_which_prevent_evacuation(host) == {vm: blocked}
    assert client.api.host.get_vms_which_prevent_evacuation(other) == {}


def test_the_first_move_that_fails_ends_the_evacuation(client: Client, sim: Simulator) -> None:
    sim.fault(fault="fail_migration", phase="precopy", vm="guest-1")

    refused = client.failure(client.api.host.evacuate, client.host("e1"), "OpaqueRef:NULL", "1")

    assert refused[0] == "INTERNAL_ERROR"
    assert sim.where("guest-1") == ["e1"]
