"""The live migrations under way in a pool, so that others can find, cancel or orphan them."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from xapisim.classes.tasks import Tasks


@dataclass(slots=True, eq=False)
class Migration:
    """One move of one VM. `names` is how a fault may call the VM."""

    vm: str
    vm_uuid: str
    source: str
    dest: str
    task: str
    names: frozenset[str]
    left: str = ""
    """Where the VM was when the call came in; it may have waited for an earlier move."""
    cancelled: asyncio.Event = field(default_factory=asyncio.Event)
    finished: asyncio.Event = field(default_factory=asyncio.Event)
    orphaned: bool = False
    """The toolstack that ran it is gone: the copy goes on, and nobody writes down where it ends."""
    dest_toolstack_lost: bool = False


class Migrations:
    def __init__(self) -> None:
        self._by_vm: dict[str, Migration] = {}

    @contextmanager
    def tracked(self, migration: Migration) -> Iterator[None]:
        self._by_vm[migration.vm] = migration
        try:
            yield
        finally:
            if self._by_vm.get(migration.vm) is migration:
                del self._by_vm[migration.vm]
            migration.finished.set()

    def of_vm(self, vm: str) -> Migration | None:
        return self._by_vm.get(vm)

    def all(self) -> list[Migration]:
        return list(self._by_vm.values())

    async def cancel_and_wait(self, vm: str, tasks: Tasks) -> None:
        """hard_shutdown and hard_reboot do this first (recorded on xapi 26.17)."""
        migration = self._by_vm.get(vm)
        if migration is not None:
            tasks.cancel(migration.task)
            migration.cancelled.set()
            await migration.finished.wait()
