"""Notes on a guest from another pool that it ran here: from then on its record is no leftover.

Between a guest's arrival and PostAtDestination it looks, once it is shut down, just like a record
that was half made. So the agent of the destination, which sees it run, writes that down at once.
"""

from hostagent.model.move import Fence
from hostagent.model.records import VmRecord
from hostagent.operations import marks
from hostagent.operations.agent import Agent
from hostagent.operations.leases import book
from hostagent.xapi import marking
from hostagent.xapi.mirror import Change


class Arrivals:
    """Listens to the mirror for guests that begin to run at this host under a migration's mark."""

    def __init__(self, agent: Agent) -> None:
        self._agent = agent
        self._noted: set[str] = set()
        agent.mirror.listen(self._hear)

    def _hear(self, changes: tuple[Change, ...]) -> None:
        for change in changes:
            if change.kind == "vm" and change.record is not None:
                self._look(change.record)

    def _look(self, vm: VmRecord) -> None:
        fence = marks.fence_of(vm.other_config)
        if fence is None or vm.ref in self._noted or not vm.running or seen(vm, fence):
            return
        host = self._agent.mirror.hosts.get(vm.resident_on)
        if host is None or host.uuid != self._agent.host_id:
            return
        entry = book.entry_of(host.other_config, fence.migration_id)
        if entry is None or not entry.across:
            return
        self._noted.add(vm.ref)
        note = {marks.ARRIVED: fence.migration_id}
        stale = [key for key in note if key in vm.other_config]
        self._agent.moves.errand(_write(self._agent, vm.ref, note, stale))


async def _write(agent: Agent, vm_ref: str, note: dict[str, str], stale: list[str]) -> None:
    """Write the note; take it back if the migration has ended meanwhile."""
    await marking.mark(agent.client, "VM", vm_ref, note, stale)
    if marks.MIGRATION not in await marking.other_config(agent.client, "VM", vm_ref):
        await marking.unmark(agent.client, "VM", vm_ref, note)


def seen(vm: VmRecord, fence: Fence) -> bool:
    """Tell whether it is written that the guest ran here after this migration brought it."""
    return vm.other_config.get(marks.ARRIVED) == fence.migration_id
