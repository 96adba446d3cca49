"""A second VM made of a first one: its record, its drives and its interfaces, as snapshots and
clones need them.
"""

from collections.abc import Callable

from xapisim.classes import operations, storage_rules
from xapisim.classes.pool import Pool
from xapisim.values import EPOCH, NULL, Value

NOT_CARRIED = frozenset(
    {
        "allowed_operations",
        "current_operations",
        "resident_on",
        "scheduled_to_be_resident_on",
        "affinity",
        "suspend_VDI",
        "suspend_SR",
        "snapshot_of",
        "parent",
        "metrics",
        "guest_metrics",
        "protection_policy",
        "snapshot_schedule",
        "appliance",
        "groups",
        "attached_PCIs",
        "VUSBs",
        "VGPUs",
        "VTPMs",
        "consoles",
        "crash_dumps",
        "snapshots",
        "children",
        "VBDs",
        "VIFs",
        "blobs",
    }
)
"""What belongs to a VM's place and time and not to the VM."""

CopyDisk = Callable[[str], str]


def carried(fields: dict[str, Value]) -> dict[str, Value]:
    return {name: value for name, value in fields.items() if name not in NOT_CARRIED}


def copy_of(pool: Pool, far: Pool, class_name: str, ref: str) -> str:
    """A record with the same contents in the other pool (or the same one), or NULL."""
    row = pool.database.tables[class_name].rows.get(ref)
    if row is None:
        return NULL
    return far.add(class_name, {key: word for key, word in row.fields.items() if key != "uuid"})


def replicate(pool: Pool, vm: str, changes: dict[str, Value], copy_disk: CopyDisk) -> str:
    """A halted VM like the other one; `changes` says in what it differs."""
    old = dict(pool.database.record("VM", vm))
    same = {name: value for name, value in carried(old).items() if name != "uuid"}
    same |= {"power_state": "Halted", "domid": -1, "blocked_operations": {}, "version": 0}
    for class_name, name in (("VM_metrics", "metrics"), ("VM_guest_metrics", "guest_metrics")):
        same[name] = copy_of(pool, pool, class_name, old[name])
    new = pool.add("VM", {"snapshot_time": EPOCH, **same, **changes})
    replicate_drives(pool, vm, new, copy_disk)
    if vm in pool.without_tools:
        pool.without_tools |= {new}
    operations.refresh(pool, new)
    return new


def replicate_drives(pool: Pool, vm: str, new: str, copy_disk: CopyDisk) -> None:
    """Disks are copied, discs are shared."""
    for vbd in reversed(pool.database.read("VM", vm, "VBDs")):
        old = dict(pool.database.record("VBD", vbd))
        vdi = old["VDI"]
        is_disk = old["type"] == "Disk" and pool.database.has("VDI", vdi)
        fields = {name: value for name, value in old.items() if name != "uuid"}
        fields |= {"VM": new, "VDI": copy_disk(vdi) if is_disk else vdi}
        fields |= {"currently_attached": False, "metrics": NULL, "current_operations": {}}
        if is_disk:
            fields["other_config"] = {**old["other_config"], "owner": ""}
        storage_rules.refresh_vbd(pool, pool.add("VBD", fields))


def replicate_interfaces(
    pool: Pool, vm: str, new: str, changes: Callable[[str], dict[str, Value]]
) -> None:
    """`changes` gives what is different in the one at this position, such as a MAC of its own."""
    for vif in reversed(pool.database.read("VM", vm, "VIFs")):
        old = pool.database.record("VIF", vif)
        fields = {name: value for name, value in old.items() if name != "uuid"}
        fields |= {"VM": new, "currently_attached": False, "metrics": NULL}
        fields |= changes(old["device"])
        storage_rules.refresh_vif(pool, pool.add("VIF", fields))
