"""Ends flows that the kernel leads by a translation that does not hold any more.

A translation is looked up for the first packet of a flow alone; the others go where that one went,
for as long as conntrack knows the flow, whatever the rules say by then.
"""

import errno
import ipaddress
import socket
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from pyroute2.netlink.exceptions import NetlinkError
from pyroute2.netlink.nfnetlink.nfctsocket import IPS_NAT_MASK, NFCTAttrTuple, NFCTSocket

from hostagent.model.floating_ips import Binding

# Above it all flows are read once instead of those of each address.
FEW = 16
_FAMILIES = {4: socket.AF_INET, 6: socket.AF_INET6}


def check() -> None:
    """Raise NetlinkError or OSError unless the kernel tells of its flows."""
    with NFCTSocket() as line:
        line.count()


def forget(left: Mapping[str, str], bindings: Sequence[Binding]) -> int:
    """End what does not agree with bindings that are new, or with others having been left.

    `left` are addresses with the fixed ones that they led to, empty: not known. Returns how many
    flows were ended. Raises NetlinkError and OSError.
    """
    ended = 0
    for version, family in _FAMILIES.items():
        old = {
            one: fixed
            for one, fixed in left.items()
            if ipaddress.ip_address(one).version == version
        }
        new = [one for one in bindings if one.version == version]
        if old or new:
            ended += _forget(family, _Change(old, new))
    return ended


class _Change:
    """What led where, and what leads where now."""

    def __init__(self, left: Mapping[str, str], bindings: Sequence[Binding]) -> None:
        self._to_fixed = {one.address: one.fixed_address for one in bindings}
        self._fixed = {one.fixed_address for one in bindings}
        self._gone = left.keys() - self._to_fixed.keys()
        self.addresses = left.keys() | self._to_fixed.keys()
        self.fixed = self._fixed.union(left.values())

    def forbids(self, flow: Any) -> bool:
        """Tell whether a flow goes another way than it would if it began now."""
        source, dest = _ends(flow.get_attr("CTA_TUPLE_ORIG"))
        answers_from, answers_to = _ends(flow.get_attr("CTA_TUPLE_REPLY"))
        if dest in self._gone or answers_to in self._gone:
            return True
        if dest in self._to_fixed:
            return answers_from != self._to_fixed[dest]
        if answers_to in self._to_fixed and answers_to != source:
            return source != self._to_fixed[answers_to]
        # Begun before its way out was translated.
        return source in self._fixed and not flow.get_attr("CTA_STATUS") & IPS_NAT_MASK


def _forget(family: int, change: _Change) -> int:
    with NFCTSocket(family) as line:
        stale = [flow for flow in _flows(line, family, change) if change.forbids(flow)]
        return sum(_end(line, flow) for flow in stale)


def _flows(line: NFCTSocket, family: int, change: _Change) -> Iterator[Any]:
    """Yield the flows to the addresses and from the fixed ones, and maybe others."""
    # Asked for an IPv6 address, kernels up to 6.18 at least leave out just what has it.
    whole = family == socket.AF_INET6 or "" in change.fixed
    if whole or len(change.addresses) > FEW:
        yield from line.dump()
        return
    for address in change.addresses:
        yield from line.dump(tuple_orig=NFCTAttrTuple(family, daddr=address))
    for address in change.fixed:
        yield from line.dump(tuple_orig=NFCTAttrTuple(family, saddr=address))


def _ends(tuple_: Any) -> tuple[str, str]:
    """Return where a direction of a flow comes from and goes to."""
    addresses: Iterable[tuple[str, str]] = tuple_.get_attr("CTA_TUPLE_IP")["attrs"]
    found = {name[-3:]: str(ipaddress.ip_address(value)) for name, value in addresses}
    return found["SRC"], found["DST"]


def _end(line: NFCTSocket, flow: Any) -> bool:
    try:
        line.entry("del", tuple_orig=_plain(flow.get_attr("CTA_TUPLE_ORIG")))
    except NetlinkError as refused:
        if refused.code != errno.ENOENT:
            raise
        return False
    return True


def _plain(attributes: Any) -> dict[str, Any]:
    """Return nested attributes of an answer as those of a question."""
    found = []
    for name, value in attributes["attrs"]:
        nested = hasattr(value, "get_attr")
        found.append((name, _plain(value) if nested else value))
    return {"attrs": found}
