"""How the part before the commit point can end; what comes next takes one of these and no other.

`Crossed` is all that the finish accepts and `TurnedBack` all that the way back accepts, so a
rollback of a guest that has arrived can't be written.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Prepared:
    """Everything before the pivot is done."""


@dataclass(frozen=True, slots=True)
class Crossed:
    """XAPI says that the guest runs at the destination: only forward from here."""


@dataclass(frozen=True, slots=True)
class TurnedBack:
    """The guest runs at the source and nothing moves it: only back from here."""
