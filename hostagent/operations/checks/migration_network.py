"""Which network carries a block migration, and which address a host has on it."""

from dataclasses import dataclass

from hostagent.model.finding import Finding, Reason, passed, refused
from hostagent.model.records import HostRecord, NetworkRecord, PifRecord
from hostagent.xapi.mirror import Mirror


@dataclass(frozen=True, slots=True)
class Crossing:
    """The network and the address of the host there, empty where there is none, and why."""

    network: NetworkRecord | None
    address: str
    finding: Finding
    pif: PifRecord | None = None


def find(mirror: Mirror, host: HostRecord, setting: str) -> Crossing:
    """`setting` is a uuid or a name; empty: the management network of this very host."""
    found = _named(mirror, host, setting)
    if len(found) != 1:
        what = f"migration_network {setting!r}" if setting else "the management interface"
        text = f"{what} of {host.name} names {len(found)} networks, not one"
        return _unusable(host, None, text, "set migration.migration_network to the network's uuid")
    network = found[0]
    pif = _pif(mirror, host, network)
    if pif is None:
        text = f"{host.name} has no interface on {network.name}"
        return _unusable(host, network, text, f"connect {host.name} to {network.name}")
    if not pif.attached or not pif.address:
        state = "has no address" if pif.attached else "is unplugged"
        text = f"the interface of {host.name} on {network.name} {state}"
        remedy = "plug it and give it an address (xe pif-plug, xe pif-reconfigure-ip)"
        return _unusable(host, network, text, remedy)
    text = f"{host.name} has {pif.address} on {network.name}"
    figures = {"network_id": network.uuid, "address": pif.address}
    finding = passed(Reason.MIGRATION_NETWORK_UNUSABLE, f"network/{network.name}", text, **figures)
    return Crossing(network, pif.address, finding, pif)


def _named(mirror: Mirror, host: HostRecord, setting: str) -> list[NetworkRecord]:
    if setting:
        return [one for one in mirror.networks.values() if setting in (one.uuid, one.name)]
    refs = {pif.network for pif in mirror.pifs.values() if pif.host == host.ref and pif.management}
    return [mirror.networks[ref] for ref in refs if ref in mirror.networks]


def _pif(mirror: Mirror, host: HostRecord, network: NetworkRecord) -> PifRecord | None:
    ours = [pif for pif in mirror.pifs.values() if pif.host == host.ref and not pif.bond_slave_of]
    return next((pif for pif in ours if pif.network == network.ref), None)


def _unusable(host: HostRecord, network: NetworkRecord | None, text: str, remedy: str) -> Crossing:
    subject = f"network/{network.name}" if network else f"host/{host.name}"
    figures = {"network_id": network.uuid if network else "", "host_id": host.uuid}
    finding = refused(Reason.MIGRATION_NETWORK_UNUSABLE, subject, text, remedy, **figures)
    return Crossing(network, "", finding)
