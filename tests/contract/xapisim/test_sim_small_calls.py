"""Calls that change one record: secrets, messages, tracking, devices by force."""

from collections.abc import Iterator

import pytest

from tests.contract.xapisim.client import Client
from tests.support.sim import Simulator

WORLD = """
[pool]
name = "small"
[[host]]
name = "xs1"
[[network]]
name = "lan"
[[network]]
name = "dmz"
[[sr]]
name = "nfs"
[[sr]]
name = "raw"
type = "iscsi"
[[vm]]
name = "app"
memory = "256 MiB"
host = "xs1"
drivers = false
disks = [{ sr = "nfs" }, { sr = "raw" }]
networks = ["lan"]
"""


@pytest.fixture(scope="module")
def sim() -> Iterator[Simulator]:
    with Simulator(WORLD) as simulator:
        yield simulator


def test_a_secret_is_kept_until_it_is_destroyed(client: Client) -> None:
    secret = client.api.secret.create({"value": "word", "other_config": {}})
    uuid = client.api.secret.get_uuid(secret)

    assert client.api.secret.get_value(client.api.secret.get_by_uuid(uuid)) == "word"

    client.api.secret.destroy(secret)
    gone = client.failure(client.api.secret.get_value, secret)
    assert gone == ["HANDLE_INVALID", "secret", secret]


def test_a_message_is_about_an_object_that_exists(client: Client) -> None:
    uuid = client.api.VM.get_uuid(client.vm("app"))
    create = client.api.message.create

    message = create("NOTE", "3", "VM", uuid, "hello")

    record = client.api.message.get_record(message)
    assert (record["body"], record["obj_uuid"], record["priority"]) == ("hello", uuid, "3")
    refused = client.failure(create, "NOTE", "3", "VM", "nothing", "hello")
    assert refused == ["UUID_INVALID", "VM", "nothing"]


def drives(client: Client) -> list[str]:
    found: list[str] = client.api.VM.get_VBDs(client.vm("app"))
    return sorted(found, key=client.api.VBD.get_userdevice)


def test_blocks_are_tracked_where_the_driver_can(client: Client) -> None:
    first, second = (client.api.VBD.get_VDI(vbd) for vbd in drives(client))

    for _ in range(2):
        client.api.VDI.enable_cbt(first)
    assert client.api.VDI.get_cbt_enabled(first) is True

    client.api.VDI.disable_cbt(first)
    assert client.api.VDI.get_cbt_enabled(first) is False
    refused = client.failure(client.api.VDI.enable_cbt, second)
    assert refused == ["SR_OPERATION_NOT_SUPPORTED", client.api.VDI.get_SR(second)]


def test_force_takes_devices_from_a_guest_without_drivers(client: Client) -> None:
    vbd = drives(client)[1]
    (vif,) = client.api.VM.get_VIFs(client.vm("app"))
    assert client.failure(client.api.VBD.unplug, vbd)[0] == "VM_MISSING_PV_DRIVERS"

    for _ in range(2):
        client.api.VBD.unplug_force(vbd)
        client.api.VIF.unplug_force(vif)

    assert client.api.VBD.get_currently_attached(vbd) is False
    assert client.api.VIF.get_currently_attached(vif) is False


def test_an_interface_goes_to_another_network(client: Client) -> None:
    (vif,) = client.api.VM.get_VIFs(client.vm("app"))
    (lan,) = client.api.network.get_by_name_label("lan")
    (dmz,) = client.api.network.get_by_name_label("dmz")

    client.api.VIF.move(vif, dmz)

    assert client.api.network.get_VIFs(dmz) == [vif]
    assert client.api.network.get_VIFs(lan) == []
    gone = client.failure(client.api.VIF.move, vif, "OpaqueRef:none")
    assert gone == ["HANDLE_INVALID", "network", "OpaqueRef:none"]
