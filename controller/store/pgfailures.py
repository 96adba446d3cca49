"""What PostgreSQL's failures mean: whose fault, and whether anything was left behind."""

from dataclasses import dataclass

import sqlalchemy as sa

# SQLSTATEs after which PostgreSQL has rolled back, and a repeat may go well: serialization,
# deadlock, lock timeout, a plan that another replica's upgrade made stale.
_ROLLED_BACK = ("40001", "40P01", "55P03", "0A000")
# Classes of SQLSTATEs that are nobody's mistake here: connection, resources, operator, system.
_TROUBLE_CLASSES = ("08", "53", "57", "58", "XX", "28", "40", "55")


@dataclass(slots=True)
class Attempt:
    """How far one run of a transaction came."""

    committing: bool = False
    """From here on only PostgreSQL knows whether it is committed."""


def is_trouble(error: Exception) -> bool:
    """Tell whether the database fails, rather than a statement being wrong."""
    if not isinstance(error, sa.exc.DBAPIError):
        return True
    if error.connection_invalidated or isinstance(error, sa.exc.InterfaceError):
        return True
    state = _state(error)
    return state in _ROLLED_BACK or state[:2] in _TROUBLE_CLASSES


def left_nothing(error: Exception, attempt: Attempt) -> bool:
    """Tell whether a repeat is safe: PostgreSQL says so, or it was never asked to commit."""
    if isinstance(error, sa.exc.DBAPIError) and _state(error) in _ROLLED_BACK:
        return True
    return not attempt.committing


def _state(error: sa.exc.DBAPIError) -> str:
    return str(getattr(error.orig, "sqlstate", None) or "")
