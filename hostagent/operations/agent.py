"""What every operation is given."""

from dataclasses import dataclass, field

from hostagent.dataplane.carrier import Carrier
from hostagent.model.settings import MigrationSettings
from hostagent.operations.block.tickets import Tickets
from hostagent.operations.fences import Fences
from hostagent.operations.moves import Moves
from hostagent.operations.retold import Retold
from hostagent.operations.turns import Turns
from hostagent.xapi.client import Client
from hostagent.xapi.mirror import Mirror


@dataclass(frozen=True, slots=True)
class Agent:
    """One agent: the host it serves and how it reaches it."""

    client: Client
    mirror: Mirror
    host_id: str
    settings: MigrationSettings
    fences: Fences
    moves: Moves
    carrier: Carrier
    session_id: str
    version: str
    tickets: Tickets = field(default_factory=Tickets)
    turns: Turns = field(default_factory=Turns)
    retold: Retold = field(default_factory=Retold)
