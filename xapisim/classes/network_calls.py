"""network.*, PIF.*, VLAN.*: networks come and go, and what a host has on them."""

from xapisim.classes.call import Call, Handler
from xapisim.errors import XapiError
from xapisim.values import VOID, Value

LAST_TAG = 4094
_NO_MAC = "fe:ff:ff:ff:ff:ff"
"""What XAPI gives as the MAC of an interface that is a VLAN (recorded on xapi 26.17)."""


def create(call: Call, record: dict[str, Value]) -> Value:
    """The bridge has a name of its own unless one is given that nobody has."""
    bridge = record.get("bridge", "")
    taken = {row.fields["bridge"] for row in call.database.rows("network")}
    if bridge in taken:
        raise XapiError("BRIDGE_NAME_EXISTS", bridge)
    number = 0
    while not bridge or bridge in taken:
        bridge, number = f"xapi{number}", number + 1
    return call.pool.add("network", {**record, "bridge": bridge})


def destroy(call: Call, network: str) -> Value:
    fields = call.database.row("network", network).fields
    attached = [
        vif for vif in fields["VIFs"] if call.database.read("VIF", vif, "currently_attached")
    ]
    if attached:
        raise XapiError("NETWORK_CONTAINS_VIF", *attached)
    if fields["PIFs"]:
        raise XapiError("NETWORK_CONTAINS_PIF", *fields["PIFs"])
    call.database.delete("network", network)
    return VOID


def scan(call: Call, host: str) -> Value:
    """Nobody adds network cards to simulated hosts."""
    call.database.row("host", host)
    return VOID


def plug(call: Call, pif: str) -> Value:
    call.database.update("PIF", pif, currently_attached=True)
    return VOID


def unplug(call: Call, pif: str) -> Value:
    fields = call.database.row("PIF", pif).fields
    if fields["management"]:
        raise XapiError("PIF_IS_MANAGEMENT_INTERFACE", pif)
    if fields["disallow_unplug"]:
        raise XapiError("PIF_DOES_NOT_ALLOW_UNPLUG", pif)
    call.database.update("PIF", pif, currently_attached=False)
    return VOID


def create_vlan(call: Call, tagged: str, tag: int, network: str) -> Value:
    """The host's interface on that network, with packets tagged on the one below; plugged."""
    if not 0 <= tag <= LAST_TAG:
        raise XapiError("VLAN_TAG_INVALID", str(tag))
    below = call.database.row("PIF", tagged).fields
    call.database.row("network", network)
    for row in call.database.rows("PIF"):
        same = all(row.fields[key] == below[key] for key in ("host", "device"))
        if same and row.fields["VLAN"] == tag:
            raise XapiError("PIF_VLAN_EXISTS", row.ref)
    vlan = call.pool.ids.fresh_ref()
    shared = {key: below[key] for key in ("device", "host", "metrics", "MTU")}
    kind = {"VLAN": tag, "VLAN_master_of": vlan, "MAC": _NO_MAC, "physical": False}
    state = {"currently_attached": True, "managed": True, "ip_configuration_mode": "None"}
    untagged = call.pool.add("PIF", {**shared, **kind, **state, "network": network})
    record = {"tagged_PIF": tagged, "untagged_PIF": untagged, "tag": tag}
    uuid = call.pool.ids.fresh_uuid()
    return call.database.insert("VLAN", vlan, {**record, "uuid": uuid})


def create_vlan_everywhere(call: Call, device: str, network: str, tag: int) -> Value:
    """On every host that has this device; the new PIFs."""
    below = [
        row.ref
        for row in list(call.database.rows("PIF"))
        if row.fields["device"] == device and row.fields["physical"]
    ]
    if not below:
        raise XapiError("INVALID_DEVICE", device)
    vlans = [create_vlan(call, pif, tag, network) for pif in below]
    return [call.database.read("VLAN", vlan, "untagged_PIF") for vlan in vlans]


def destroy_vlan(call: Call, vlan: str) -> Value:
    """Its PIF goes with it."""
    untagged = call.database.read("VLAN", vlan, "untagged_PIF")
    call.database.delete("VLAN", vlan)
    if call.database.has("PIF", untagged):
        call.database.delete("PIF", untagged)
    return VOID


METHODS: dict[str, Handler] = {
    "network.create": create,
    "network.destroy": destroy,
    "PIF.scan": scan,
    "PIF.plug": plug,
    "PIF.unplug": unplug,
    "VLAN.create": create_vlan,
    "VLAN.destroy": destroy_vlan,
    "pool.create_VLAN": create_vlan_everywhere,
}
