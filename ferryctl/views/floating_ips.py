"""Floating IPs and their pools as tables."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rich.table import Table
from rich.text import Text

from ferryctl import screen, units
from xenferry.controller.v1 import floating_ips_pb2

_STYLES = {"active": "green", "pending": "yellow"}


@dataclass(frozen=True, slots=True)
class Names:
    """Names of hosts and instances by uuid."""

    hosts: Mapping[str, str]
    instances: Mapping[str, str]


def pools(found: Sequence[floating_ips_pb2.FloatingIpPool]) -> Table:
    """Return pools with their addresses and how many are taken."""
    grid = screen.table("pool", "network", "addresses", "taken", "uuid", fixed=("uuid",))
    for pool in found:
        grid.add_row(
            pool.name,
            pool.cidr,
            f"{pool.first_address} to {pool.last_address}",
            f"{pool.allocated} of {pool.size}",
            pool.pool_id,
        )
    return grid


def floating_ips(found: Sequence[floating_ips_pb2.FloatingIp], names: Names) -> Table:
    """Return floating IPs with where they lead and who carries them."""
    grid = screen.table(
        "address", "state", "instance", "fixed address", "host", "uuid", fixed=("uuid", "state")
    )
    for each in found:
        state = units.word(floating_ips_pb2.FloatingIpState.Name, each.state, "FLOATING_IP_STATE_")
        grid.add_row(
            each.address,
            Text(state, _STYLES.get(state, "")),
            names.instances.get(each.instance_id, each.instance_id) or "-",
            each.fixed_address or "-",
            _host(each, names),
            each.floating_ip_id,
        )
    return grid


def _host(each: floating_ips_pb2.FloatingIp, names: Names) -> str:
    """Return who carries it, and who shall where that differs."""
    carrier = names.hosts.get(each.host_id, each.host_id) or "-"
    if each.host_id == each.wanted_host_id:
        return carrier
    wanted = names.hosts.get(each.wanted_host_id, each.wanted_host_id) or "nobody"
    return f"{carrier}, soon {wanted}"
