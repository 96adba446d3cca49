"""A rolling pool upgrade: nothing goes back to a host that is not upgraded yet."""

from collections.abc import Iterator

import pytest

from tests.contract.xapisim.client import Client
from tests.support.sim import Simulator

WORLD = """
[pool]
name = "p"
[[host]]
name = "new"
[[host]]
name = "old"
version = "8.2"
[[network]]
name = "lan"
[[sr]]
name = "nfs"
[[sr]]
name = "other"
[[vm]]
name = "app"
memory = "256 MiB"
host = "new"
disks = [{ sr = "nfs" }]
[[vm]]
name = "late"
memory = "256 MiB"
host = "old"
"""


@pytest.fixture(scope="module")
def sim() -> Iterator[Simulator]:
    with Simulator(WORLD, lockstep=True) as simulator:
        yield simulator


@pytest.fixture
def client(sim: Simulator) -> Iterator[Client]:
    """In the middle of the upgrade."""
    client = Client(sim, "new")
    (pool,) = client.api.pool.get_all()
    client.api.pool.add_to_other_config(pool, "rolling_upgrade_in_progress", "true")
    yield client
    client.api.pool.remove_from_other_config(pool, "rolling_upgrade_in_progress")


def test_a_guest_does_not_go_back_to_an_older_host(client: Client) -> None:
    app, old = client.vm("app"), client.host("old")

    assert client.failure(client.api.VM.pool_migrate, app, old, {}) == [
        "NOT_SUPPORTED_DURING_UPGRADE"
    ]
    assert client.failure(client.api.VM.assert_can_boot_here, app, old) == [
        "VM_HOST_INCOMPATIBLE_VERSION",
        old,
        app,
    ]


def test_a_guest_with_its_disks_does_not_go_back_either(client: Client) -> None:
    app, old = client.vm("app"), client.host("old")
    (lan,) = client.api.network.get_by_name_label("lan")
    (sr,) = client.api.SR.get_by_name_label("other")
    (vbd,) = client.api.VM.get_VBDs(app)
    ticket = client.api.host.migrate_receive(old, lan, {})

    failure = client.failure(
        client.api.VM.assert_can_migrate,
        app,
        ticket,
        True,
        {client.api.VBD.get_VDI(vbd): sr},
        {},
        {},
    )

    assert failure == ["NOT_SUPPORTED_DURING_UPGRADE"]


def test_no_host_leaves_the_pool(client: Client) -> None:
    assert client.failure(client.api.pool.eject, client.host("old")) == [
        "NOT_SUPPORTED_DURING_UPGRADE"
    ]


def test_a_guest_moves_on_to_an_upgraded_host(client: Client) -> None:
    client.move("late", "new")

    assert client.where("late") == "new"
    assert client.api.VM.assert_can_boot_here(client.vm("late"), client.host("new")) == ""
