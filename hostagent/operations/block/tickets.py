"""The sessions behind the receive tickets that this agent gave, to be ended with the migration.

In memory alone: they are credentials. XAPI lists no sessions (session.get_all is unknown to it), so
an agent that was started since knows none; the controller, which carried the tickets, hands them
back when the migration ends. What neither knows any more XAPI forgets after 24 hours without use.
A repeat takes a new ticket and leaves the older one alone, because a move that is under way may be
using it.
"""

from collections import OrderedDict
from collections.abc import Iterable

from hostagent.model import metrics

REMEMBERED = 1_000


class Tickets:
    """Sessions by migration."""

    def __init__(self) -> None:
        self._sessions: OrderedDict[str, tuple[str, ...]] = OrderedDict()
        self.opened: set[str] = set()  # migrations that this process wrote into the book

    def keep(self, migration_id: str, session: str) -> None:
        """Remember a session until its migration ends."""
        self._hold(migration_id, (*self._sessions.get(migration_id, ()), session))
        if len(self._sessions) > REMEMBERED:
            self._hold(next(iter(self._sessions)), ())

    def take(self, migration_id: str, returned: Iterable[str] = ()) -> tuple[str, ...]:
        """Return the sessions of a migration, with those that came back, and forget them."""
        held = self._sessions.get(migration_id, ())
        self._hold(migration_id, ())
        return tuple(dict.fromkeys((*held, *returned)))

    def drop(self, migration_id: str, session: str) -> None:
        """Forget a session that has died."""
        held = self._sessions.get(migration_id, ())
        self._hold(migration_id, tuple(one for one in held if one != session))

    def open(self) -> list[tuple[str, str]]:
        """Return every session with its migration."""
        return [(of, one) for of, sessions in self._sessions.items() for one in sessions]

    def _hold(self, migration_id: str, sessions: tuple[str, ...]) -> None:
        """Have these sessions of a migration and no others."""
        before = self._sessions.pop(migration_id, ())
        if sessions:
            self._sessions[migration_id] = sessions
        metrics.TICKETS.inc(len(sessions) - len(before))
