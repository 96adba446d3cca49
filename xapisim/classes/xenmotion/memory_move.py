"""The last part of a storage migration of a running VM: its memory, as VM.pool_migrate moves it,
with other endings.
"""

from collections.abc import Callable

from xapisim.classes.engine import Engine
from xapisim.classes.migration.endings import TEARDOWN_S
from xapisim.classes.migration.run import Run
from xapisim.classes.migration.state import Migration
from xapisim.errors import XapiError, internal
from xapisim.hypervisor import Domain

Deliver = Callable[[Domain], None]
"""Writes down that the guest runs at the destination."""


class MemoryMove(Run):
    def __init__(self, engine: Engine, migration: Migration, far: Engine, deliver: Deliver) -> None:
        super().__init__(engine, migration, far)
        self._deliver = deliver
        self.arrived = False

    async def _complete(self) -> None:
        if self._dest is None:
            raise self._broken("the destination's domain is gone")
        self._switch(self._dest)
        self._tasks.note(self._m.task, "debug_info:cancel_points_seen", str(self._ticks))
        await self._enter("complete")
        self._arrive(self._dest)
        await self._take_uncancelled(TEARDOWN_S)

    def _arrive(self, dest: Domain) -> None:
        self.arrived = True
        self._deliver(dest)

    def _broken(self, text: str) -> XapiError:
        """Not translated, unlike VM.pool_migrate's (recorded on xapi 26.17)."""
        quoted = text.replace('"', r"\"")
        inner = f"[S(Internal_error);S({quoted})]"
        return internal(f"Xenops_interface.Xenopsd_error({inner})")
