"""The receive ticket as it travels: XAPI's map, and beside it references of the destination's pool.

VM.migrate_send wants its maps in references of the destination's pool, which the source's agent
can't look up: it does not speak to that pool. So the destination's agent sends them along, under
keys that begin with "xenferry:" and are taken out again before XAPI gets its map. A ticket is new
for each move, so the references are too.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from hostagent.model.errors import MoveRefused
from hostagent.model.finding import Reason, refused
from hostagent.xapi.mirror import Mirror

PREFIX = "xenferry:"
SR = f"{PREFIX}sr:"
NETWORK = f"{PREFIX}network:"


@dataclass(frozen=True, slots=True)
class Ticket:
    """`xapi` is a bearer credential; the others map uuids to references at the destination."""

    xapi: Mapping[str, str] = field(repr=False)
    srs: Mapping[str, str]
    networks: Mapping[str, str]


def write(mirror: Mirror, given: Mapping[str, str], attached: Mapping[str, str]) -> dict[str, str]:
    """Return what travels: XAPI's map, the SRs that the host has attached, the pool's networks."""
    srs = {f"{SR}{uuid}": ref for uuid, ref in attached.items()}
    networks = {f"{NETWORK}{one.uuid}": one.ref for one in mirror.networks.values()}
    return {**given, **srs, **networks}


def read(values: Mapping[str, str], subject: str) -> Ticket:
    """Take apart what travelled; raises MoveRefused if it is no ticket."""
    xapi = {key: value for key, value in values.items() if not key.startswith(PREFIX)}
    if not xapi:
        text = "a block migration was asked for without a receive ticket"
        raise MoveRefused(
            refused(Reason.BAD_ARGUMENT, subject, text, "prepare the destination and hand it on")
        )
    return Ticket(xapi, _after(values, SR), _after(values, NETWORK))


def _after(values: Mapping[str, str], prefix: str) -> dict[str, str]:
    return {
        key.removeprefix(prefix): value for key, value in values.items() if key.startswith(prefix)
    }
