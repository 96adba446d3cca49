"""A session at XAPI, and the two ways in which XAPI sends a caller elsewhere."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Ticket:
    """A session and where it is good; the session is a credential and is never shown."""

    url: str
    session: str = field(repr=False)


class SessionDied(Exception):
    """XAPI does not know the session: the call was not carried out (XAPI A3.5)."""


class Redirected(Exception):
    """We asked a pool member; `address` is the coordinator's. The call was not carried out."""

    def __init__(self, address: str) -> None:
        super().__init__(address)
        self.address = address
