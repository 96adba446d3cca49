"""What carries floating IPs, and the one that only remembers them."""

from collections.abc import Sequence
from typing import Protocol

from hostagent.dataplane.neighbours import Arrival
from hostagent.model.errors import StaleRevision
from hostagent.model.floating_ips import Action, Applied, Binding, Item


class Unusable(Exception):
    """This machine can't carry floating IPs as the settings say; the text says what to mend."""


class Carrier(Protocol):
    """Carries the floating IPs of one host."""

    async def apply(self, revision: int, bindings: Sequence[Binding]) -> Applied:
        """Carry exactly these; a repeat finds nothing to do.

        Raises StaleRevision, and NotApplied when nothing of it could be done.
        """

    async def carried(self) -> tuple[str, ...]:
        """Return the addresses that the machine shows as carried now; raises NotApplied."""

    async def announce(self, arrivals: Sequence[Arrival]) -> None:
        """Tell the neighbours on the instances' network who has arrived, where that is configured.

        Raises OSError.
        """

    async def close(self) -> None:
        """Let go of threads; what is carried stays."""


class Remembered:
    """Takes every set and touches nothing: others put the addresses up."""

    def __init__(self) -> None:
        self._revision = 0
        self._carried: tuple[Binding, ...] = ()

    async def apply(self, revision: int, bindings: Sequence[Binding]) -> Applied:
        """Remember the set; raises StaleRevision."""
        if revision < self._revision:
            raise StaleRevision(revision, self._revision)
        before, now = self._carried, tuple(bindings)
        self._revision, self._carried = revision, now
        added = [Item(one.address, Action.ADDED) for one in now if one not in before]
        removed = [
            Item(address, Action.REMOVED) for address in _addresses(before) - _addresses(now)
        ]
        return Applied(revision, now, (*removed, *added))

    async def carried(self) -> tuple[str, ...]:
        """Return what it was told to carry."""
        return tuple(binding.address for binding in self._carried)

    async def announce(self, arrivals: Sequence[Arrival]) -> None:
        """Tell nobody."""

    async def close(self) -> None:
        """Do nothing."""


def _addresses(bindings: Sequence[Binding]) -> set[str]:
    return {binding.address for binding in bindings}
