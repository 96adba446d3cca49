"""Which network of another pool is the network of an interface: the setting network_matching."""

from collections.abc import Iterable
from enum import Enum

from hostagent.model.facts import NetworkFacts


class NetworkMatching(Enum):
    """What two networks of different pools have in common when they are one."""

    NAME = "name"
    BRIDGE = "bridge"

    def like(self, networks: Iterable[NetworkFacts], wanted: NetworkFacts) -> list[NetworkFacts]:
        """Return the available ones that this rule takes for `wanted`; an empty sign is no sign."""
        sign = self.sign(wanted)
        return [one for one in networks if one.available and sign and self.sign(one) == sign]

    def sign(self, network: NetworkFacts) -> str:
        """Return what this rule compares of a network."""
        return network.name if self is NetworkMatching.NAME else network.bridge

    @property
    def other(self) -> "NetworkMatching":
        """The rule that the setting could name instead."""
        return NetworkMatching.BRIDGE if self is NetworkMatching.NAME else NetworkMatching.NAME


def parse(text: str) -> NetworkMatching:
    """Read the setting; raises ValueError."""
    names = [one.value for one in NetworkMatching]
    if text not in names:
        raise ValueError(f"network_matching must be {' or '.join(names)}, not {text!r}")
    return NetworkMatching(text)
