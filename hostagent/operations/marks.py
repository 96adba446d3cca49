"""The marks on a VM that say which migration moves it: written before the move, cleared after.

XAPI keeps them with the VM's record, through restarts and to another pool. What a migration makes
beside the VM (PBDs, disks) bears the same marks.
"""

from collections.abc import Mapping

from hostagent.model.cleanup import Action, Item
from hostagent.model.move import Fence
from hostagent.model.records import VmRecord
from hostagent.operations import endings
from hostagent.xapi import marking
from hostagent.xapi.client import Client

MIGRATION = "xenferry:migration_id"
EPOCH = "xenferry:epoch"
# What a VM had attached when it left, see `hostagent.operations.block.luggage`.
LEFT = "xenferry:left"
# Which CDs XAPI ejects for the move, see `hostagent.operations.block.discs`.
DISCS = "xenferry:cds"
# That the guest ran at its destination in another pool, see `hostagent.operations.leases.arrivals`.
ARRIVED = "xenferry:arrived"
OF_VM = (MIGRATION, EPOCH, LEFT, DISCS, ARRIVED)


def fence_of(other_config: Mapping[str, str]) -> Fence | None:
    """Return what is written, or None; an epoch that is missing counts as 0."""
    migration_id = other_config.get(MIGRATION, "")
    if not migration_id:
        return None
    epoch = other_config.get(EPOCH, "")
    return Fence(migration_id, int(epoch) if epoch.isdecimal() else 0)


def bears(other_config: Mapping[str, str], fence: Fence) -> bool:
    """Tell whether an object bears the mark of this migration, whatever the epoch."""
    return other_config.get(MIGRATION) == fence.migration_id


def of(fence: Fence) -> dict[str, str]:
    """Return the marks of a migration."""
    return {EPOCH: str(fence.epoch), MIGRATION: fence.migration_id}


async def put(
    client: Client, vm: VmRecord, fence: Fence, more: Mapping[str, str] | None = None
) -> None:
    """Write the fence on the VM; marks of an earlier migration are replaced."""
    wanted = {**(more or {}), **of(fence)}
    stale = {key: value for key, value in wanted.items() if vm.other_config.get(key) != value}
    if stale:
        replaced = [key for key in stale if key in vm.other_config]
        await marking.mark(client, "VM", vm.ref, stale, replaced)


async def take_back(client: Client, vm: VmRecord) -> None:
    """Remove what `put` wrote, for a move that did not begin and may be asked for again."""
    await marking.unmark(client, "VM", vm.ref, OF_VM)


async def clear(client: Client, vm: VmRecord, fence: Fence) -> tuple[Item, ...]:
    """End the migration at this VM: remember that it is over, remove its marks, report on each.

    The marks of another migration are kept.
    """
    subject = f"instance/{vm.name}"
    change = endings.change(vm.other_config, fence, endings.OF_VM)
    written = fence_of(vm.other_config)
    if written is not None and written.migration_id != fence.migration_id:
        await endings.write(client, "VM", vm.ref, change)
        why = f"the mark is of migration {written.migration_id}"
        return (Item(f"{subject} {MIGRATION}", Action.KEPT, why),)
    present = [key for key in OF_VM if key in vm.other_config]
    # A note of the arrival may be written right now: it goes in any case, and last of all.
    late = [ARRIVED] if LEFT in present and ARRIVED not in present else []
    removed = await endings.write(client, "VM", vm.ref, change, [*present, *late])
    return tuple(_item(f"{subject} {key}", removed[key]) for key in present)


def _item(subject: str, error: tuple[str, ...]) -> Item:
    if error:
        return Item(subject, Action.FAILED, "XAPI refused to remove it", error)
    return Item(subject, Action.REMOVED)
