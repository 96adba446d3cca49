"""The line between the two hosts of a migration: whether it holds, and when it is given up."""

import asyncio

from xapisim.classes.migration.holds import first_of
from xapisim.classes.migration.state import Migration
from xapisim.classes.pool import Pool
from xapisim.hypervisor import Domain

HOST_GIVEN_UP_S = 116.0
"""How long XAPI tries a host that doesn't answer (recorded on xapi 26.17)."""
STREAM_GIVEN_UP_S = 924.0
"""How long a TCP stream with data under way waits for a host that is gone (Linux' default)."""


class LineLostError(Exception):
    """The other side is given up; the guest stays where it is, if it is anywhere."""


class Line:
    def __init__(self, near: Pool, far: Pool, migration: Migration) -> None:
        self._near = near
        self._far = far
        self._m = migration

    @property
    def source_died(self) -> bool:
        return self._m.source in self._near.dead

    @property
    def dest_died(self) -> bool:
        return self._m.dest in self._far.dead

    def _is_cut(self) -> bool:
        """A toolstack that is away stalls a migration unless nobody watches that any more; power
        and network are needed in any case.
        """
        if self.source_died or self.dest_died or self._is_parted():
            return True
        near, far = self._near.reachability, self._far.reachability
        away = far.is_away(self._m.dest) or near.is_away(self._m.source)
        return away and not self._m.orphaned

    def _is_parted(self) -> bool:
        source, dest = self._near.host_names(self._m.source), self._far.host_names(self._m.dest)
        return self._near.faults.cuts("migration", source, dest)

    async def restored(self, *ends: Domain | None) -> None:
        """Waits while the line is cut; LineLostError when a side is given up, or came back without
        its domain.
        """
        if self._is_cut():
            await self._wait()
        if any(end is not None and not self._still_there(end) for end in ends):
            raise LineLostError

    def _still_there(self, end: Domain) -> bool:
        return self._near.hypervisor.has(end) or self._far.hypervisor.has(end)

    async def _wait(self) -> None:
        given_up = asyncio.ensure_future(self._patience())
        try:
            while self._is_cut() and not given_up.done():
                near, far = self._near.reachability.changed(), self._far.reachability.changed()
                await first_of(near, far, self._near.faults.changed(), _end(given_up))
        finally:
            given_up.cancel()
        if self._is_cut():
            raise LineLostError

    async def _patience(self) -> None:
        """Only what is certain to be gone is given up."""
        while not (self.source_died or self.dest_died or self._is_parted()):
            near, far = self._near.reachability.changed(), self._far.reachability.changed()
            await first_of(near, far, self._near.faults.changed())
        limit_s = HOST_GIVEN_UP_S if self.source_died else STREAM_GIVEN_UP_S
        await self._near.clock.sleep(limit_s)


async def _end(job: "asyncio.Future[None]") -> None:
    await asyncio.wait([job])
