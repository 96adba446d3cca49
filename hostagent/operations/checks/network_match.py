"""Which network of the destination takes an interface of a guest that comes from another pool.

The check and the move ask here, by the one rule that the destination's agent is set to
(migration.network_matching), so that a guest arrives where the check said.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from hostagent.model.facts import HostFacts, InstanceFacts, InterfaceFacts, NetworkFacts
from hostagent.model.finding import Finding, Reason, passed, refused
from hostagent.model.network_matching import NetworkMatching
from hostagent.operations.words import listed


@dataclass(frozen=True, slots=True)
class Match:
    """The network, None where there is none or more than one, and what there is to tell of it."""

    network: NetworkFacts | None
    finding: Finding


def of_all(dest: HostFacts, instance: InstanceFacts, by: NetworkMatching) -> list[Finding]:
    """Return a finding for each interface."""
    return [of(dest, interface, by).finding for interface in instance.interfaces]


def of(dest: HostFacts, interface: InterfaceFacts, by: NetworkMatching) -> Match:
    """Return the only network of the destination that is like the interface's."""
    wanted = NetworkFacts(
        interface.network_id, interface.network_name, interface.bridge, available=True
    )
    found = by.like(dest.networks, wanted)
    figures = {
        "network_id": wanted.network_id,
        "host_id": dest.host_id,
        "mac": interface.mac,
        "network_matching": by.value,
    }
    if len(found) != 1:
        return Match(None, _unlike(dest, wanted, found, by, figures))
    text = f"{dest.name} is on {_named(found[0])}, of the same {by.value} as {wanted.name}"
    figures |= {"dest_network_id": found[0].network_id}
    subject = f"network/{wanted.name}"
    return Match(found[0], passed(Reason.NETWORK_NOT_AVAILABLE, subject, text, **figures))


def _unlike(
    dest: HostFacts,
    wanted: NetworkFacts,
    found: Sequence[NetworkFacts],
    by: NetworkMatching,
    figures: dict[str, str],
) -> Finding:
    candidates = found or by.other.like(dest.networks, wanted)
    text = f"{dest.name} is on {len(found)} networks of {by.value} {by.sign(wanted)}, not on one"
    if candidates:
        like = by if found else by.other
        text += f"; of {like.value} {like.sign(wanted)} it is on {_all_named(candidates)}"
    figures = {
        **figures,
        "matching": str(len(found)),
        "candidates": ", ".join(one.network_id for one in candidates),
    }
    subject, remedy = f"network/{wanted.name}", _remedy(dest, wanted, candidates, by)
    return refused(Reason.NETWORK_NOT_AVAILABLE, subject, text, remedy, **figures)


def _remedy(
    dest: HostFacts, wanted: NetworkFacts, candidates: Sequence[NetworkFacts], by: NetworkMatching
) -> str:
    only = f"give one network of {dest.name} the {by.value} {by.sign(wanted)}"
    if len(by.other.like(candidates, wanted)) == 1:
        setting = f'migration.network_matching = "{by.other.value}" in the agent of {dest.name}'
        return f"{only}, or set {setting}, or choose another destination"
    rule = f'migration.network_matching is "{by.value}" there'
    return f"{only} ({rule}), or choose another destination"


def _all_named(networks: Sequence[NetworkFacts]) -> str:
    return listed([_named(one) for one in networks])


def _named(network: NetworkFacts) -> str:
    return f"{network.name or network.network_id} ({network.bridge})"
