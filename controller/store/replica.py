"""One replica among several: it shows that it lives, and takes what the dead have left.

Everything here is for a database that replicas share; see ADR 0009.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass

import sqlalchemy as sa
import structlog

from controller.ports.clock import Clock
from controller.ports.failures import StoreUnavailable
from controller.store import claims, heartbeats, records
from controller.store.heartbeats import Heard
from controller.store.inventory import Inventory
from controller.store.liveness import Liveness
from controller.store.postgres import PostgresDatabase
from controller.store.settings import StoreSettings

BEATS_A_CLAIM = 4
SLOWEST_BEAT_S = 0.5
# A beat that looks for claims that have run out comes this long after they have.
JUST_AFTER_S = 0.01
OVERLAP_MICROS = 5_000_000

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Beat:
    """What one beat brought: PostgreSQL's time, agents heard elsewhere, anything to take.

    `others_hold_s`: when the claims of another replica run out first, None without another.
    """

    now: int
    others: list[Heard]
    left: bool
    others_hold_s: float | None


def pause_s(claim_s: float, others_hold_s: float | None) -> float:
    """Return when to beat again: often enough to live, and in time to take what runs out."""
    regular_s = min(claim_s / BEATS_A_CLAIM, SLOWEST_BEAT_S)
    if others_hold_s is None:
        return regular_s
    return min(regular_s, others_hold_s + JUST_AFTER_S)


class Replica:
    """Beats until cancelled; `driven` tells which migrations this process drives."""

    def __init__(
        self,
        me: str,
        database: PostgresDatabase,
        settings: StoreSettings,
        liveness: Liveness,
        inventory: Inventory,
        clock: Clock,
    ) -> None:
        self._me = me
        self._database = database
        self._settings = settings
        self._liveness = liveness
        self._inventory = inventory
        self._clock = clock
        self._since = 0
        self.woken = asyncio.Event()
        """Set when a replica has left."""
        self.news = asyncio.Event()
        """Set when another replica was told something by an agent."""

    async def enter(self) -> None:
        """Make this replica's claims hold; raises StoreUnavailable."""
        await self._beat(())

    async def run(
        self, take: Callable[[], Awaitable[int]], driven: Callable[[], Collection[str]]
    ) -> None:
        """Renew this replica's claims, and take those that ran out."""
        claim_s = self._settings.claim_s
        while True:
            self.woken.clear()
            others_hold_s = None
            try:
                beat = await self._beat(driven())
                others_hold_s = beat.others_hold_s
                if beat.left:
                    taken = await take()
                    log.info("replica.took_over", migrations=taken)
            except StoreUnavailable as error:
                log.warning("replica.not_renewed", error=str(error))
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause_s(claim_s, others_hold_s)):
                    await self.woken.wait()

    async def follow(self) -> None:
        """Follow what other replicas were told of hosts and instances."""
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._settings.poll_s):
                    await self.news.wait()
            self.news.clear()
            try:
                await self._inventory.catch_up()
            except StoreUnavailable as error:
                log.warning("replica.not_followed", error=str(error))

    async def leave(self) -> None:
        """Give up every claim, so that others need not wait until they run out."""
        with contextlib.suppress(StoreUnavailable):
            await self._database.beat(lambda connection: claims.give_up(connection, self._me))

    async def _beat(self, driven: Collection[str]) -> Beat:
        heard, since = self._liveness.untold(), self._since
        here = records.to_micros(self._clock.now())

        def body(connection: sa.Connection) -> Beat:
            now = claims.now_micros(connection, here)
            claims.renew(connection, self._me, now, self._settings.claim_s)
            heartbeats.write(connection, self._me, now, heard)
            others = heartbeats.others(connection, self._me, now, since)
            left = claims.any_unclaimed(connection, self._me, driven, now, here)
            hold_s = claims.others_hold_for_s(connection, self._me, now)
            return Beat(now, others, left, hold_s)

        beat = await self._database.beat(body)
        self._since = beat.now - OVERLAP_MICROS
        self._liveness.hear_of(beat.others)
        self._inventory.pulse()
        return beat
