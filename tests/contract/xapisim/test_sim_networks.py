"""Networks and VLANs come and go."""

import pytest

from tests.contract.xapisim.client import Client

NETWORK = {"name_label": "lab", "name_description": "", "other_config": {}, "MTU": "1500"}


def test_a_network_without_interfaces_can_be_removed(client: Client) -> None:
    network = client.api.network.create(NETWORK)

    bridge = client.api.network.get_bridge(network)
    client.api.network.destroy(network)

    assert bridge.startswith("xapi")
    error = client.failure(client.api.network.get_record, network)
    assert error == ["HANDLE_INVALID", "network", network]


def test_a_vlan_gives_every_host_an_interface_on_its_network(client: Client) -> None:
    network = client.api.network.create(NETWORK)

    pifs = client.api.pool.create_VLAN("eth0", network, "77")

    hosts = {client.api.PIF.get_host(pif) for pif in pifs}
    assert hosts == set(client.api.host.get_all())
    assert {client.api.PIF.get_VLAN(pif) for pif in pifs} == {"77"}
    used = client.failure(client.api.network.destroy, network)
    assert (used[0], set(used[1:])) == ("NETWORK_CONTAINS_PIF", set(pifs))
    for pif in pifs:
        client.api.VLAN.destroy(client.api.PIF.get_VLAN_master_of(pif))
    client.api.network.destroy(network)


@pytest.mark.parametrize(
    ("device", "tag", "error"),
    [("eth0", "4095", ["VLAN_TAG_INVALID", "4095"]), ("eth9", "7", ["INVALID_DEVICE", "eth9"])],
)
def test_a_vlan_that_cannot_be_is_refused(
    client: Client, device: str, tag: str, error: list[str]
) -> None:
    network = client.api.network.create(NETWORK)

    assert client.failure(client.api.pool.create_VLAN, device, network, tag) == error


def test_the_management_interface_stays_plugged(client: Client) -> None:
    pif = client.api.host.get_management_interface(client.host("xs2"))

    assert client.failure(client.api.PIF.unplug, pif) == ["PIF_IS_MANAGEMENT_INTERFACE", pif]


def test_an_interface_is_unplugged_and_plugged_again(client: Client) -> None:
    network = client.api.network.create(NETWORK)
    pif = client.api.pool.create_VLAN("eth0", network, "78")[0]

    client.api.PIF.unplug(pif)
    unplugged = client.api.PIF.get_currently_attached(pif)
    client.api.PIF.plug(pif)

    assert not unplugged
    assert client.api.PIF.get_currently_attached(pif)
