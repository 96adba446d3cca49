"""Is the destination on every network of the guest?"""

from hostagent.model.facts import HostFacts, InstanceFacts
from hostagent.model.finding import Finding, Reason, passed, refused


def available(dest: HostFacts, instance: InstanceFacts) -> list[Finding]:
    """A network without any physical interface is internal: XAPI itself judges those (A12)."""
    there = {network.network_id for network in dest.networks if network.available}
    wanted = {interface.network_id: interface.network_name for interface in instance.interfaces}
    return [
        _one(dest, network_id, name, network_id in there) for network_id, name in wanted.items()
    ]


def _one(dest: HostFacts, network_id: str, name: str, present: bool) -> Finding:
    figures = {"network_id": network_id, "host_id": dest.host_id}
    if present:
        return passed(
            Reason.NETWORK_NOT_AVAILABLE, f"network/{name}", f"{dest.name} is on {name}", **figures
        )
    return refused(
        Reason.NETWORK_NOT_AVAILABLE,
        f"network/{name}",
        f"{dest.name} has no interface on {name}",
        f"connect {dest.name} to {name}, or choose another destination",
        **figures,
    )
