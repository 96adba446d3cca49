"""The queue of this process: migrations that wait for a slot, and those that have one.

The ledger has the last word on slots, because another replica may have taken one meanwhile; who is
told so waits again.
"""

import asyncio

from controller.model.migration import Migration, MigrationState
from controller.model.slots import RUNNING, Limits
from controller.ports.ledger import ClaimLost
from controller.saga import turns
from controller.saga.turns import Place


class Queue:
    """Gives out slots."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self._waiting: dict[str, tuple[Place, asyncio.Future[None]]] = {}
        self._running: dict[str, Place] = {}
        self._queued: dict[str, Place] = {}
        self._positions: dict[str, int] | None = None

    async def turn(self, migration: Migration) -> None:
        """Wait until a QUEUED migration may start; raises ClaimLost if it ends meanwhile."""
        key = migration.migration_id
        granted: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting[key] = Place.of(migration), granted
        self._serve()
        try:
            await granted
        finally:
            del self._waiting[key]

    def position(self, migration_id: str) -> int:
        """Return how many stand before a migration that waits, plus one; 0 for others."""
        if self._positions is None:
            lined_up = turns.line_up(self._queued.values(), self._running.values())
            self._positions = {each.migration_id: n for n, each in enumerate(lined_up, 1)}
        return self._positions.get(migration_id, 0)

    def see(self, migration: Migration) -> None:
        """Take a change of any migration, also of one that another replica drives."""
        key = migration.migration_id
        if migration.state is MigrationState.QUEUED:
            self._queued[key] = Place.of(migration)
        elif self._queued.pop(key, None) is None:
            return
        self._positions = None

    def note(self, migration: Migration) -> None:
        """Take where a migration that is driven here stands now, whoever wrote it."""
        key = migration.migration_id
        if migration.state in RUNNING:
            self._running[key] = Place.of(migration)
        elif migration.state is not MigrationState.QUEUED:
            self.leave(key)
        waiting = self._waiting.get(key)
        if waiting is not None and migration.state.ended and not waiting[1].done():
            waiting[1].set_exception(ClaimLost(f"migration {key} has ended"))

    def leave(self, migration_id: str) -> None:
        """Give a slot back."""
        if self._running.pop(migration_id, None) is not None:
            self._serve()

    def _serve(self) -> None:
        self._positions = None
        open_places = [place for place, granted in self._waiting.values() if not granted.done()]
        for place in turns.ready(open_places, list(self._running.values()), self.limits):
            self._running[place.migration_id] = place
            self._waiting[place.migration_id][1].set_result(None)
