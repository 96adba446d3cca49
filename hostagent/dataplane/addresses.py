"""Floating IPs on the public interface, told apart from every other address there."""

import errno
import ipaddress
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from pyroute2 import IPRoute
from pyroute2.netlink.exceptions import NetlinkError

from hostagent.model.floating_ips import INTERFACE_LENGTH, Binding

# Both mark an address as ours: the protocol is kept by Linux 5.18 and later, the label, for IPv4
# alone, by every kernel.
PROTOCOL = 0x78
LABEL = ":xf"
_NO_DUPLICATE_DETECTION = 0x02
_IS_UP = 0x1


class NotOurs(OSError):
    """The interface has the address already, from somebody else."""

    def __init__(self, address: str) -> None:
        text = f"{address} is on the interface already and was not put there by xenferry"
        super().__init__(errno.EEXIST, text)


@dataclass(frozen=True, slots=True)
class PublicInterface:
    """The interface that the public network is on, over one line to the kernel."""

    name: str
    index: int
    _line: IPRoute

    def check(self) -> None:
        """Raise OSError unless it is up."""
        with _spoken(self.name):
            (link,) = self._line.get_links(self.index)
        if link.get_attr("IFLA_OPERSTATE") == "DOWN" or not link["flags"] & _IS_UP:
            raise OSError(errno.ENETDOWN, f"interface {self.name} is down")

    def ours(self) -> dict[str, int]:
        """Return the floating IPs that it has, with their prefix lengths; raises OSError."""
        return {address: length for address, (length, mine) in self._all().items() if mine}

    def add(self, binding: Binding) -> None:
        """Put an address up; raises OSError, NotOurs when somebody else has."""
        _, mine = self._all().get(binding.address, (0, True))
        if not mine:
            raise NotOurs(binding.address)
        with _spoken(self.name):
            self._line.addr("add", index=self.index, **self._options(binding))

    def remove(self, address: str, prefix_length: int) -> None:
        """Take an address of ours down; raises OSError."""
        with _spoken(self.name):
            self._line.addr("del", index=self.index, address=address, prefixlen=prefix_length)

    def _options(self, binding: Binding) -> dict[str, Any]:
        options: dict[str, Any] = {
            "address": binding.address,
            "prefixlen": binding.length,
            "proto": PROTOCOL,
        }
        if binding.version == 6:
            return {**options, "flags": _NO_DUPLICATE_DETECTION}
        label = self.name + LABEL
        return {**options, "label": label} if len(label) <= INTERFACE_LENGTH else options

    def _all(self) -> dict[str, tuple[int, bool]]:
        """Return every address with its prefix length, and whether it is ours."""
        found = {}
        with _spoken(self.name):
            for message in self._line.get_addr(index=self.index):
                address = message.get_attr("IFA_LOCAL") or message.get_attr("IFA_ADDRESS")
                label = message.get_attr("IFA_LABEL") or ""
                mine = message.get_attr("IFA_PROTO") == PROTOCOL or label == self.name + LABEL
                found[str(ipaddress.ip_address(address))] = message["prefixlen"], mine
        return found


@contextmanager
def public_interface(name: str) -> Iterator[PublicInterface]:
    """Yield the interface of that name; raises OSError when there is none."""
    with IPRoute() as line:
        with _spoken(name):
            found = line.link_lookup(ifname=name)
        if not found:
            raise OSError(errno.ENODEV, f"there is no interface {name}")
        yield PublicInterface(name, int(found[0]), line)


@contextmanager
def _spoken(name: str) -> Iterator[None]:
    """Let the kernel's refusals be OSErrors."""
    try:
        yield
    except NetlinkError as refused:
        raise OSError(refused.code, f"{name}: {refused.args[-1]}") from refused
