"""Floating IPs: pools of addresses, and where each address leads."""

import enum
import ipaddress
from dataclasses import dataclass
from datetime import datetime

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class FloatingIpState(enum.StrEnum):
    """How far an association is."""

    IDLE = "IDLE"
    PENDING = "PENDING"
    ACTIVE = "ACTIVE"


def sort_key(address: Address) -> str:
    """Return what orders addresses by family and number."""
    return f"{address.version}:{int(address):032x}"


@dataclass(frozen=True, slots=True)
class Range:
    """Addresses of one family, first and last included, and the network that they are of."""

    cidr: str
    first: Address
    last: Address
    prefix_length: int

    @property
    def size(self) -> int:
        """How many addresses there are."""
        return int(self.last) - int(self.first) + 1

    def has(self, address: Address) -> bool:
        """Tell whether an address is one of them."""
        same = address.version == self.first.version
        return same and int(self.first) <= int(address) <= int(self.last)

    def overlaps(self, other: "Range") -> bool:
        """Tell whether an address is in both."""
        same = self.first.version == other.first.version
        begins, ends = int(other.first), int(other.last)
        return same and int(self.first) <= ends and begins <= int(self.last)


@dataclass(frozen=True, slots=True)
class Pool:
    """Addresses to take floating IPs from."""

    pool_id: str
    name: str
    range: Range
    create_time: datetime
    allocated: int = 0


@dataclass(frozen=True, slots=True)
class FloatingIp:
    """An address that was taken from a pool; texts are empty where there is nothing.

    `wanted_host_id` is the host of the instance, `host_id` the one that said that it carries it.
    """

    floating_ip_id: str
    address: str
    pool_id: str
    create_time: datetime
    update_time: datetime
    instance_id: str = ""
    fixed_address: str = ""
    host_id: str = ""
    wanted_host_id: str = ""
    problem: str = ""

    @property
    def state(self) -> FloatingIpState:
        """How far it is."""
        if self.host_id != self.wanted_host_id or (self.instance_id and not self.host_id):
            return FloatingIpState.PENDING
        return FloatingIpState.ACTIVE if self.host_id else FloatingIpState.IDLE


@dataclass(frozen=True, slots=True)
class Binding:
    """An address that a host carries for an instance."""

    address: str
    prefix_length: int
    instance_id: str
    fixed_address: str


@dataclass(frozen=True, slots=True)
class Load:
    """All that a host shall carry, and the newest revision of it that it said it has applied."""

    host_id: str
    revision: int
    bindings: tuple[Binding, ...]
    applied_revision: int

    @property
    def settled(self) -> bool:
        """Whether the host has said that it carries this."""
        return self.revision == self.applied_revision


@dataclass(frozen=True, slots=True)
class Carried:
    """What a host said that it carries, and what it could not do; empty: all was done."""

    addresses: tuple[str, ...]
    problem: str = ""
