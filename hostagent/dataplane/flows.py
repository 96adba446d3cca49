"""Ends flows that the kernel leads by a translation that does not hold any more.

A translation is looked up for the first packet of a flow alone; the others go where that one went,
for as long as conntrack knows the flow, whatever the rules say by then.
"""

import ipaddress
import socket
from collections.abc import Iterator, Mapping, Sequence

from hostagent.dataplane import conntrack
from hostagent.dataplane.conntrack import Conntrack, Flow
from hostagent.model.floating_ips import Binding

# To be asked for the flows of one address the kernel goes through its whole table, 12 ms for the
# usual 262,144 buckets; in that time about as many flows are read here.
FLOWS_A_WALK = 300
_FAMILIES = {4: socket.AF_INET, 6: socket.AF_INET6}


def check() -> None:
    """Raise OSError unless the kernel tells of its flows."""
    with conntrack.opened() as line:
        line.count()


def forget(left: Mapping[str, str], bindings: Sequence[Binding]) -> None:
    """End what does not agree with bindings that are new, or with others having been left.

    `left` are addresses with the fixed ones that they led to, empty: not known. Raises OSError.
    """
    for version, family in _FAMILIES.items():
        old = {
            one: fixed
            for one, fixed in left.items()
            if ipaddress.ip_address(one).version == version
        }
        new = [one for one in bindings if one.version == version]
        if old or new:
            _forget(family, _Change(old, new))


class _Change:
    """What led where, and what leads where now; by packed addresses."""

    def __init__(self, left: Mapping[str, str], bindings: Sequence[Binding]) -> None:
        old = {_packed(one): _packed(fixed) for one, fixed in left.items()}
        self._to_fixed = {_packed(one.address): _packed(one.fixed_address) for one in bindings}
        self._fixed = set(self._to_fixed.values())
        self.gone = old.keys() - self._to_fixed.keys()
        self.addresses = old.keys() | self._to_fixed.keys()
        self.fixed = self._fixed.union(old.values())

    def forbids(self, flow: Flow) -> bool:
        """Tell whether a flow goes another way than it would if it began now."""
        if flow.dest in self.gone or flow.answers_to in self.gone:
            return True
        if flow.dest in self._to_fixed:
            return flow.answers_from != self._to_fixed[flow.dest]
        if flow.answers_to in self._to_fixed and flow.answers_to != flow.source:
            return flow.source != self._to_fixed[flow.answers_to]
        # Begun before its way out was translated.
        return flow.source in self._fixed and not flow.translated


def _forget(family: int, change: _Change) -> None:
    with conntrack.opened() as line:
        known = line.count()
        if not known:
            return
        walks = len(change.addresses) + len(change.fixed)
        # Asked for an IPv6 address, kernels up to 6.18 at least leave out just what has it.
        whole = family == socket.AF_INET6 or b"" in change.fixed
        if whole or known <= FLOWS_A_WALK * (walks - 1):
            found = line.flows(family)
        else:
            found = _asked_for(line, family, change)
        stale = {flow.key: flow for flow in found if change.forbids(flow)}
        line.end(family, list(stale.values()))


def _asked_for(line: Conntrack, family: int, change: _Change) -> Iterator[Flow]:
    """Yield the flows to the addresses and from the fixed ones.

    Those to an address that is gone, of which there may be thousands, end without being read.
    """
    for address in change.addresses:
        if address not in change.gone or not line.end_to(family, address):
            yield from line.flows(family, dest=address)
    for address in change.fixed:
        yield from line.flows(family, source=address)


def _packed(address: str) -> bytes:
    return ipaddress.ip_address(address).packed if address else b""
