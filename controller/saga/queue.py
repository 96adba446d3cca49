"""The queue as this process sees it: every migration that waits for a slot, and every one with one.

All replicas hear of the same changes and line up the same, so each starts only those of its own
whose turn it is among all. The ledger has the last word on slots, because what is heard may be old;
who is told so waits again.
"""

import asyncio

from controller.model.migration import Migration, MigrationState
from controller.model.slots import RUNNING, Limits
from controller.ports.ledger import ClaimLost
from controller.saga import turns
from controller.saga.turns import Place


class Queue:
    """Gives out slots.

    `_granted` are those that may start here and whose row does not say yet that they have.
    """

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self._waiting: dict[str, asyncio.Future[None]] = {}
        self._granted: dict[str, Place] = {}
        self._queued: dict[str, Place] = {}
        self._running: dict[str, Place] = {}
        self._positions: dict[str, int] | None = None
        self._serving = False

    async def turn(self, migration: Migration) -> None:
        """Wait until a QUEUED migration may start; raises ClaimLost if it ends meanwhile."""
        key = migration.migration_id
        self._granted.pop(key, None)
        self._queued[key] = Place.of(migration)
        granted = self._waiting[key] = asyncio.get_running_loop().create_future()
        self._changed()
        try:
            await granted
        finally:
            del self._waiting[key]

    def position(self, migration_id: str) -> int:
        """Return how many stand before a migration that waits, plus one; 0 for others."""
        if self._positions is None:
            lined_up = turns.line_up(self._open(), self._taken())
            self._positions = {each.migration_id: n for n, each in enumerate(lined_up, 1)}
        return self._positions.get(migration_id, 0)

    def see(self, migration: Migration) -> None:
        """Take where a migration stands now, whoever drives it and whoever wrote it."""
        key = migration.migration_id
        if migration.state is MigrationState.QUEUED:
            self._queued[key] = Place.of(migration)
            self._positions = None
            return
        waited = self._queued.pop(key, None)
        granted = self._granted.pop(key, None)
        ran = self._running.pop(key, None)
        if migration.state in RUNNING:
            self._running[key] = Place.of(migration)
        waiting = self._waiting.get(key)
        if waiting is not None and migration.state.ended and not waiting.done():
            waiting.set_exception(ClaimLost(f"migration {key} has ended"))
        if waited or granted or ran:
            self._changed()

    def leave(self, migration_id: str) -> None:
        """Give back a slot that was not used; who waits is served by it."""
        if self._granted.pop(migration_id, None) is not None:
            self._changed()

    def _open(self) -> list[Place]:
        return [place for key, place in self._queued.items() if key not in self._granted]

    def _taken(self) -> list[Place]:
        return [*self._running.values(), *self._granted.values()]

    def _changed(self) -> None:
        """Serve once, however much changes at once."""
        self._positions = None
        if not self._serving and self._waiting:
            self._serving = True
            asyncio.get_running_loop().call_soon(self._serve)

    def _serve(self) -> None:
        """Let those start that wait here and are due; a slot that is due elsewhere is left free."""
        self._serving = False
        for place in turns.ready(self._open(), self._taken(), self.limits):
            granted = self._waiting.get(place.migration_id)
            if granted is not None and not granted.done():
                self._granted[place.migration_id] = place
                granted.set_result(None)
        self._positions = None
