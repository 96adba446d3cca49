"""What callers ask of migrations that are under way: to be stopped, to be settled."""

import asyncio
import contextlib
from dataclasses import dataclass

from controller.model.migration import Migration, MigrationState, Resolution
from controller.ports.changes import Changes
from controller.ports.history import MigrationFilter
from controller.saga.cancelling import Canceller
from controller.saga.interventions import TooLate
from controller.saga.resolving import Resolver

_UNDECIDED = (MigrationState.PREPARING, MigrationState.MOVING)


@dataclass(frozen=True, slots=True)
class Orders:
    """Cancels and resolves."""

    canceller: Canceller
    resolver: Resolver
    changes: Changes

    async def cancel(self, migration_id: str, reason: str, within_s: float) -> Migration:
        """Ask for it, and wait so long for what comes of it; raises InterventionRefused.

        The answer is the migration on its way back, or still open with `cancel_requested` where
        the source has not told yet; TooLate says that the guest has arrived.
        """
        subscription = self.changes.subscribe(MigrationFilter(migration_id=migration_id))
        try:
            migration = await self.canceller.cancel(migration_id, reason)
            # When the time is up it is asked for and not decided; the row says so.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(within_s):
                    while migration.state in _UNDECIDED:
                        heard = await subscription.next()
                        migration = (heard.changes or [migration])[-1]
        finally:
            subscription.close()
        if migration.state in (MigrationState.FINISHING, MigrationState.SUCCEEDED):
            raise TooLate(migration)
        return migration

    async def resolve(self, migration_id: str, asked: Resolution, reason: str) -> Migration:
        """Take an operator's decision; raises InterventionRefused."""
        return await self.resolver.resolve(migration_id, asked, reason)
