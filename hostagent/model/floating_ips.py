"""Floating IPs as an agent is told of them, and how it carries them."""

import ipaddress
from dataclasses import dataclass
from enum import Enum

# The kernel's limit for the name of an interface.
INTERFACE_LENGTH = 15


@dataclass(frozen=True, slots=True)
class Binding:
    """An address that this host carries for an instance; both addresses are of one family."""

    address: str
    prefix_length: int
    instance_id: str
    fixed_address: str

    @property
    def version(self) -> int:
        """4 or 6."""
        return ipaddress.ip_address(self.address).version

    @property
    def length(self) -> int:
        """Length of the prefix to put the address up with."""
        return self.prefix_length or ipaddress.ip_address(self.address).max_prefixlen


class Action(Enum):
    """What was done with one address."""

    ADDED = "ADDED"
    REMOVED = "REMOVED"
    FAILED = "FAILED"


@dataclass(frozen=True, slots=True)
class Item:
    """One address that was touched."""

    address: str
    action: Action
    why: str = ""


@dataclass(frozen=True, slots=True)
class Applied:
    """What is carried after a set was applied."""

    revision: int
    carried: tuple[Binding, ...]
    items: tuple[Item, ...]


class Driver(Enum):
    """Who puts addresses up."""

    NONE = "none"
    NFTABLES = "nftables"


@dataclass(frozen=True, slots=True)
class FloatingIpSettings:
    """How this host carries floating IPs."""

    floating_ip_driver: str = "none"
    """none: the set is taken and nothing on the machine is touched, for networks where others watch
    the FloatingIps service; nftables: this agent puts addresses and translations up itself."""
    public_interface: str = ""
    """Interface that the public network is on; needed by nftables."""
    namespace: str = ""
    """Network namespace that all of it lives in; empty: the agent's own."""
    masquerade: bool = True
    """True: instances see connections to a floating IP come from this host, so that their answers
    come back to it whatever their gateway is. False: they see the client, connections live through
    a move, and the instances' gateway must be an address that every agent has."""
    instance_interface: str = ""
    """Interface that instances' networks are on, to tell neighbours there that an instance has
    arrived; empty: instances tell them themselves."""

    def __post_init__(self) -> None:
        names = [driver.value for driver in Driver]
        if self.floating_ip_driver not in names:
            raise ValueError(
                f"floating_ip_driver must be {' or '.join(names)}, not {self.floating_ip_driver!r}"
            )
        if self.driver is Driver.NFTABLES and not self.public_interface:
            raise ValueError("floating_ip_driver nftables needs a public_interface")
        for name in ("public_interface", "instance_interface"):
            if len(getattr(self, name)) > INTERFACE_LENGTH:
                raise ValueError(f"{name} must be at most {INTERFACE_LENGTH} characters")

    @property
    def driver(self) -> Driver:
        """Who puts addresses up."""
        return Driver(self.floating_ip_driver)
