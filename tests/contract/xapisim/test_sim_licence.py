"""What a licence forbids: a world's `restrictions` say it, and XAPI's gates refuse it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contract.xapisim.client import Client
from tests.support.sim import PASSWORD, Simulator

WORLD = """
[pool]
name = "{pool}"
restrictions = {{ {restrictions} }}
[[host]]
name = "{pool}-1"
{more}
[[network]]
name = "lan"
[[sr]]
name = "nfs"
[[sr]]
name = "other"
"""
GUEST = """
[[vm]]
name = "app"
memory = "256 MiB"
host = "near-1"
disks = [{ sr = "nfs" }]
"""
HOSTS = "\n".join(f'[[host]]\nname = "far-{number}"' for number in (2, 3))


@pytest.fixture
def client(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Client]:
    """Logged in to `near`, whose restrictions the test gives, beside a free pool of three hosts."""
    near, far = request.param
    here, there = tmp_path / "near.toml", tmp_path / "far.toml"
    here.write_text(WORLD.format(pool="near", restrictions=near, more="") + GUEST)
    there.write_text(WORLD.format(pool="far", restrictions=far, more=HOSTS))
    with Simulator(here, there, time_factor=50.0) as sim:
        yield Client(sim, "near-1")


def join(client: Client) -> list[str]:
    address = client.sim.endpoints["far-1"].removeprefix("http://")
    client.api.VM.hard_shutdown(client.vm("app"))
    return client.failure(client.api.pool.join, address, "root", PASSWORD)


@pytest.mark.parametrize("client", [('restrict_xen_motion = "true"', "")], indirect=True)
def test_a_pool_without_xen_motion_moves_no_guest(client: Client) -> None:
    move = client.api.VM.pool_migrate

    failure = client.failure(move, client.vm("app"), client.host("near-1"), {})

    assert failure == ["LICENCE_RESTRICTION", "Xen_motion"]
    assert client.where("app") == "near-1"


@pytest.mark.parametrize("client", [('restrict_storage_xen_motion = "true"', "")], indirect=True)
def test_a_pool_without_storage_xen_motion_neither_sends_nor_receives(client: Client) -> None:
    host, (lan,) = client.host("near-1"), client.api.network.get_by_name_label("lan")
    refused = ["LICENCE_RESTRICTION", "Storage_motion"]

    assert client.failure(client.api.host.migrate_receive, host, lan, {}) == refused
    (vbd,) = client.api.VM.get_VBDs(client.vm("app"))
    (sr,) = client.api.SR.get_by_name_label("other")
    disk = client.api.VBD.get_VDI(vbd)
    there = client.sim.endpoints["near-1"]
    ticket = {"host": host, "session_id": client.session.handle, "master": there}
    ticket |= {kind: f"{there}/services/{kind}" for kind in ("SM", "xenops")}
    for call in (client.api.VM.assert_can_migrate, client.api.VM.migrate_send):
        assert client.failure(call, client.vm("app"), ticket, True, {disk: sr}, {}, {}) == refused


@pytest.mark.parametrize("client", [('restrict_pooling = "true"', "")], indirect=True)
def test_a_host_without_pooling_joins_no_pool(client: Client) -> None:
    assert join(client) == ["LICENSE_DOES_NOT_SUPPORT_POOLING"]


@pytest.mark.parametrize("client", [("", 'restrict_pool_size = "true"')], indirect=True)
def test_a_pool_of_limited_size_takes_no_fourth_host(client: Client) -> None:
    assert join(client) == ["LICENCE_RESTRICTION", "Pool_size"]
