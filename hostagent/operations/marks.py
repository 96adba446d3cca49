"""The marks on a VM that say which migration moves it: written before the move, cleared after.

XAPI keeps them with the VM's record, through restarts and to another pool.
"""

from collections.abc import Mapping

from hostagent.model.cleanup import Action, Item
from hostagent.model.move import Fence
from hostagent.model.records import VmRecord
from hostagent.xapi import vms
from hostagent.xapi.client import Client

MIGRATION = "xenferry:migration_id"
EPOCH = "xenferry:epoch"


def fence_of(other_config: Mapping[str, str]) -> Fence | None:
    """Return what is written, or None; an epoch that is missing counts as 0."""
    migration_id = other_config.get(MIGRATION, "")
    if not migration_id:
        return None
    epoch = other_config.get(EPOCH, "")
    return Fence(migration_id, int(epoch) if epoch.isdecimal() else 0)


def bears(other_config: Mapping[str, str], fence: Fence) -> bool:
    """Tell whether the VM bears the mark of this migration, whatever the epoch."""
    return other_config.get(MIGRATION) == fence.migration_id


async def put(client: Client, vm: VmRecord, fence: Fence) -> None:
    """Write the fence on the VM; marks of an earlier migration are replaced."""
    wanted = {EPOCH: str(fence.epoch), MIGRATION: fence.migration_id}
    stale = {key: value for key, value in wanted.items() if vm.other_config.get(key) != value}
    if stale:
        await vms.mark(client, vm.ref, stale, [key for key in stale if key in vm.other_config])


async def clear(client: Client, vm: VmRecord, fence: Fence) -> tuple[Item, ...]:
    """Remove the marks of this migration and report on each; those of another are kept."""
    subject = f"instance/{vm.name}"
    written = fence_of(vm.other_config)
    if written is not None and written.migration_id != fence.migration_id:
        why = f"the mark is of migration {written.migration_id}"
        return (Item(f"{subject} {MIGRATION}", Action.KEPT, why),)
    present = [key for key in (MIGRATION, EPOCH) if key in vm.other_config]
    if not present:
        return ()
    removed = await vms.unmark(client, vm.ref, present)
    return tuple(_item(f"{subject} {key}", error) for key, error in removed.items())


def _item(subject: str, error: tuple[str, ...]) -> Item:
    if error:
        return Item(subject, Action.FAILED, "XAPI refused to remove it", error)
    return Item(subject, Action.REMOVED)
