"""A database as the store uses it; sqlite.py and postgres.py are the two there are.

A transaction is a plain function of a Connection, the same on both, and it is written as if it were
alone: whatever writes migrations or inventory waits for its turn, on one connection or on all.
"""

from collections.abc import Callable
from typing import Protocol, TypeVar

import sqlalchemy as sa

ResultT = TypeVar("ResultT")


class Database(Protocol):
    """Runs transactions; what was committed is on the disk."""

    @property
    def trouble(self) -> str:
        """What the last transaction died of; empty when it went well."""

    @property
    def shared(self) -> bool:
        """Whether other replicas may use it at the same time."""

    async def read(self, body: Callable[[sa.Connection], ResultT]) -> ResultT:
        """Run a transaction that only reads, all of it at one moment; raises StoreUnavailable."""

    async def write(
        self,
        purpose: str,
        body: Callable[[sa.Connection], ResultT],
        then: Callable[[ResultT], None] | None = None,
    ) -> ResultT:
        """Run a transaction; raises StoreUnavailable and what the body raises.

        The body may run more than once. `then` is called on the loop after the commit and before
        this returns, and even when the caller was cancelled in between.
        """

    async def close(self) -> None:
        """Finish what is queued, then let go."""
