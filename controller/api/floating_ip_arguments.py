"""Requests of the FloatingIps service as model values; each raises InvalidArgument with all."""

import ipaddress
from dataclasses import dataclass

from controller.api.validation import Violations
from controller.model.floating_ips import Address, Range
from controller.ports.floating_ips import Allocation
from xenferry.controller.v1 import floating_ips_pb2

# Stands in for a network that can't be read, which is refused once the rest was looked at.
_ANY = ipaddress.ip_network("0.0.0.0/0")
_BROADCAST = ipaddress.IPv4Address("255.255.255.255")

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True, slots=True)
class Association:
    """Where a floating IP shall lead; `fixed_address` None: the instance's only one."""

    floating_ip: str
    instance: str
    fixed_address: Address | None
    unverified: bool


def new_pool(request: floating_ips_pb2.CreateFloatingIpPoolRequest) -> tuple[str, Range]:
    """Return the name and the addresses of the pool to be made."""
    violations = Violations()
    name = violations.new_name("name", request.name)
    network = _network(violations, request.cidr) or _ANY
    first = _address(violations, "first_address", request.first_address)
    last = _address(violations, "last_address", request.last_address)
    _check_inside(violations, "first_address", first, network)
    _check_inside(violations, "last_address", last, network)
    longest = network.max_prefixlen
    if not 0 <= request.prefix_length <= longest:
        violations.add("prefix_length", f"must be 0 to {longest}, not {request.prefix_length}")
    violations.raise_any()
    addresses = _range(network, first, last, request.prefix_length)
    if addresses.size < 1:
        text = f"{addresses.last} comes before the first address, {addresses.first}"
        violations.add("last_address", text)
    violations.raise_any()
    return name, addresses


def of_pool(violations: Violations, value: str) -> str:
    """Return a uuid or name of a pool, or an empty text for all."""
    return violations.name("pool", value) if value else ""


def pool(value: str) -> str:
    """Return a uuid or name."""
    violations = Violations()
    name = violations.name("pool", value)
    violations.raise_any()
    return name


def allocation(request: floating_ips_pb2.AllocateFloatingIpRequest) -> Allocation:
    """Return which address to take."""
    violations = Violations()
    name = violations.name("pool", request.pool)
    address = _address(violations, "address", request.address)
    request_id = violations.optional_uuid("request_id", request.request_id)
    violations.raise_any()
    return Allocation(name, address, request_id)


def association(request: floating_ips_pb2.AssociateFloatingIpRequest) -> Association:
    """Return where a floating IP shall lead."""
    violations = Violations()
    named = _floating_ip(violations, request.floating_ip)
    instance = violations.name("instance", request.instance)
    fixed = _address(violations, "fixed_address", request.fixed_address)
    if request.unverified and not request.fixed_address:
        violations.add("unverified", "needs a fixed_address")
    violations.raise_any()
    return Association(named, instance, fixed, request.unverified)


def floating_ip(value: str) -> str:
    """Return a uuid or an address as it is kept."""
    violations = Violations()
    named = _floating_ip(violations, value)
    violations.raise_any()
    return named


def _floating_ip(violations: Violations, value: str) -> str:
    """Return a name, or an address in the one spelling that is kept."""
    named = violations.name("floating_ip", value)
    try:
        return str(ipaddress.ip_address(named))
    except ValueError:
        return named


def _network(violations: Violations, text: str) -> Network | None:
    try:
        network = ipaddress.ip_network(text)
    except ValueError as error:
        violations.add("cidr", f"must be a network such as 203.0.113.0/24: {error}"[:200])
        return None
    _check_usable(violations, "cidr", network[0])
    _check_usable(violations, "cidr", network[-1])
    return network


def _address(violations: Violations, field: str, text: str) -> Address | None:
    if not text:
        return None
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        violations.add(field, f"must be an IP address, not {text[:60]!r}")
        return None
    _check_usable(violations, field, address)
    return address


def _check_usable(violations: Violations, field: str, address: Address) -> None:
    """Refuse what no interface of one machine has for others; "%eth0" is a word of one machine."""
    scoped = isinstance(address, ipaddress.IPv6Address) and address.scope_id is not None
    local = address.is_loopback or address.is_link_local or address.is_unspecified
    if scoped or local or address.is_multicast or address == _BROADCAST:
        violations.add(field, f"must be an address that other machines reach, not {address}"[:200])


def _check_inside(
    violations: Violations, field: str, address: Address | None, network: Network
) -> None:
    if address is not None and address not in network:
        violations.add(field, f"must be in {network}, which {address} is not")


def _range(network: Network, first: Address | None, last: Address | None, length: int) -> Range:
    """Return the range; a network's own address and its broadcast address are no host's."""
    lowest, highest = network[0], network[-1]
    if network.num_addresses > 2:
        lowest = network[1]
        highest = network[-2] if network.version == 4 else highest
    return Range(str(network), first or lowest, last or highest, length or network.max_prefixlen)
