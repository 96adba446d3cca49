"""Is the destination, in the guest's own pool, on every network of the guest?"""

from collections.abc import Sequence

from hostagent.model.facts import HostFacts, InstanceFacts
from hostagent.model.finding import Finding, Reason, passed, refused
from hostagent.model.records import HostRecord, VmRecord
from hostagent.xapi.mirror import Mirror

SHARED_BY_DECREE = "assume_network_is_shared"


def available(
    dest: HostFacts, instance: InstanceFacts, judged: Sequence[Finding] = ()
) -> list[Finding]:
    """Inside a pool it has to be the very network, with an interface of the destination on it.

    Networks that `judged` (see `internal`) has refused are not told twice.
    """
    told = {finding.measured["network_id"] for finding in judged}
    there = {network.network_id for network in dest.networks if network.available}
    wanted = {interface.network_id: interface.network_name for interface in instance.interfaces}
    return [
        _one(dest, network_id, name, network_id in there)
        for network_id, name in wanted.items()
        if network_id not in told
    ]


def internal(mirror: Mirror, vm: VmRecord, dest: HostRecord) -> list[Finding]:
    """A network without any interface is inside one host: where running VMs use it, there it is
    (XAPI A12). The guest itself counts among them.
    """
    found = []
    for ref in vm.vifs:
        vif = mirror.vifs.get(ref)
        network = mirror.networks.get(vif.network) if vif else None
        if network is None or network.pifs or network.other_config.get(SHARED_BY_DECREE) == "true":
            continue
        others = _users(mirror, network.vifs) - {dest.ref}
        names = ", ".join(sorted(mirror.hosts[host].name for host in others))
        if others:
            found.append(_inside(network.name, network.uuid, names, dest))
    return found


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


def _users(mirror: Mirror, vifs: tuple[str, ...]) -> set[str]:
    """Return the hosts of VMs that are on a network now."""
    known = [mirror.vifs[ref] for ref in vifs if ref in mirror.vifs]
    vms = [mirror.vms[vif.vm] for vif in known if vif.attached and vif.vm in mirror.vms]
    places = {vm.resident_on for vm in vms}
    return {host for host in places if host in mirror.hosts}


def _inside(name: str, network_id: str, hosts: str, dest: HostRecord) -> Finding:
    return refused(
        Reason.NETWORK_NOT_AVAILABLE,
        f"network/{name}",
        f"{name} has no interface of any host, and running VMs use it on {hosts}",
        f"give {name} an interface on every host, or move where its other VMs are",
        network_id=network_id,
        host_id=dest.uuid,
        used_on=hosts,
    )
