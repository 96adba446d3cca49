"""The sessions behind the receive tickets that this agent took, to be ended with the migration.

In memory alone: they are credentials. Those of a predecessor that was killed live until XAPI finds
them unused for 24 hours. A repeat takes a new ticket and leaves the older one alone, because a move
that is under way may be using it.
"""

from collections import OrderedDict

REMEMBERED = 1_000


class Tickets:
    """Sessions by migration."""

    def __init__(self) -> None:
        self._sessions: OrderedDict[str, tuple[str, ...]] = OrderedDict()
        self.opened: set[str] = set()  # migrations that this process wrote into the book

    def keep(self, migration_id: str, session: str) -> None:
        """Remember a session until its migration ends."""
        held = self._sessions.pop(migration_id, ())
        self._sessions[migration_id] = (*held, session)
        if len(self._sessions) > REMEMBERED:
            self._sessions.popitem(last=False)

    def take(self, migration_id: str) -> tuple[str, ...]:
        """Return the sessions of a migration and forget them."""
        return self._sessions.pop(migration_id, ())
