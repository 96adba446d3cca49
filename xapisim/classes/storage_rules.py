"""What storage allows: drivers' features, allowed operations, space, and who has a disk in use."""

from xapisim.classes import guest_tools
from xapisim.classes.pool import Pool
from xapisim.errors import XapiError
from xapisim.values import Value

_FREE_DISK = [
    "copy",
    "generate_config",
    "clone",
    "forget",
    "update",
    "resize",
    "snapshot",
    "destroy",
]
_ATTACHED_DISK = ["clone", "snapshot"]
_ATTACHED_VBD = ["attach", "unpause", "unplug", "unplug_force", "pause"]
_FIXED_VBD = ["attach", "unpause", "pause"]
_ATTACHED_VIF = ["attach", "unplug"]
_DETACHED = ["attach"]
_PLUGGABLE_VBD = ["attach", "unpause", "plug", "pause"]
_PLUGGABLE_VIF = ["attach", "plug"]
_SR_OPERATIONS = (
    ("vdi_introduce", "VDI_SNAPSHOT"),
    ("unplug", ""),
    ("plug", ""),
    ("pbd_create", ""),
    ("update", "SR_UPDATE"),
    ("pbd_destroy", ""),
    ("vdi_resize", "VDI_RESIZE"),
    ("forget", ""),
    ("vdi_clone", ""),
    ("scan", ""),
    ("vdi_snapshot", "VDI_SNAPSHOT"),
    ("vdi_mirror", "VDI_MIRROR"),
    ("vdi_create", "VDI_CREATE"),
    ("vdi_destroy", "VDI_DELETE"),
)
"""An operation and the driver's feature it takes, in the order recorded on xapi 26.17."""
UNKNOWN = -1
"""A size that no scan has found out yet."""
SCANNED_SIZE = 2 * 2**40
"""How big an SR turns out to be."""
MAX_CHAIN = 30
"""Copies that a VHD chain can hold (xapi.md A11)."""


def drivers(pool: Pool) -> list[str]:
    """The SR types that have a driver."""
    return [row.fields["type"] for row in pool.database.rows("SM")]


def features(pool: Pool, sr: str) -> set[str]:
    sr_type = pool.database.read("SR", sr, "type")
    for row in pool.database.rows("SM"):
        if row.fields["type"] == sr_type:
            return set(row.fields["features"]) | set(row.fields["capabilities"])
    return set()


def check_feature(pool: Pool, sr: str, feature: str) -> None:
    if feature not in features(pool, sr):
        raise XapiError("SR_OPERATION_NOT_SUPPORTED", sr)


def plugged_pbds(pool: Pool, sr: str) -> list[str]:
    db = pool.database
    return [pbd for pbd in db.read("SR", sr, "PBDs") if db.read("PBD", pbd, "currently_attached")]


def is_attached(pool: Pool, sr: str, host: str) -> bool:
    return any(pool.database.read("PBD", pbd, "host") == host for pbd in plugged_pbds(pool, sr))


def check_has_pbds(pool: Pool, sr: str) -> None:
    if not plugged_pbds(pool, sr):
        raise XapiError("SR_HAS_NO_PBDS", sr)


def users(pool: Pool, vdi: str) -> list[str]:
    """The VBDs through which the disk is attached now."""
    db = pool.database
    return [vbd for vbd in db.read("VDI", vdi, "VBDs") if db.read("VBD", vbd, "currently_attached")]


def check_unused(pool: Pool, vdi: str, operation: str) -> None:
    if users(pool, vdi):
        raise XapiError("VDI_IN_USE", vdi, operation)


def refresh_sr(pool: Pool, sr: str) -> None:
    has = features(pool, sr)
    plugged = bool(plugged_pbds(pool, sr))
    operations = [
        operation
        for operation, feature in _SR_OPERATIONS
        if (not feature or feature in has) and not (operation == "forget" and plugged)
    ]
    _set_operations(pool, "SR", sr, operations)


def refresh_vdi(pool: Pool, vdi: str) -> None:
    if pool.database.has("VDI", vdi):
        _set_operations(pool, "VDI", vdi, _ATTACHED_DISK if users(pool, vdi) else _FREE_DISK)


def refresh_vbd(pool: Pool, vbd: str) -> None:
    """Only a running guest with tools gives a drive up; a suspended one has it, and nothing can be
    done to it (recorded on xapi 26.17).
    """
    fields = pool.database.row("VBD", vbd).fields
    state, has_tools = _guest(pool, fields["VM"])
    hot = has_tools and state == "Running"
    operations = _PLUGGABLE_VBD if hot else _DETACHED
    if fields["currently_attached"] and state in ("Running", "Paused"):
        operations = _ATTACHED_VBD if hot else _FIXED_VBD
    _set_operations(pool, "VBD", vbd, operations)
    refresh_vdi(pool, fields["VDI"])


def refresh_vif(pool: Pool, vif: str) -> None:
    fields = pool.database.row("VIF", vif).fields
    state, has_tools = _guest(pool, fields["VM"])
    operations = _DETACHED
    if has_tools and state == "Running":
        operations = _ATTACHED_VIF if fields["currently_attached"] else _PLUGGABLE_VIF
    _set_operations(pool, "VIF", vif, operations)


def _guest(pool: Pool, vm: str) -> tuple[str, bool]:
    row = pool.database.tables["VM"].rows.get(vm)
    if row is None:
        return "Halted", False
    return row.fields["power_state"], guest_tools.has_drivers(pool, row.fields)


def refresh_devices(pool: Pool, vm: str) -> None:
    """After the VM's devices came or went with its domain."""
    fields = pool.database.row("VM", vm).fields
    for vbd in fields["VBDs"]:
        refresh_vbd(pool, vbd)
    for vif in fields["VIFs"]:
        refresh_vif(pool, vif)


def _set_operations(pool: Pool, class_name: str, ref: str, operations: list[str]) -> None:
    if pool.database.read(class_name, ref, "allowed_operations") != operations:
        pool.database.update(class_name, ref, allowed_operations=list(operations))


def full() -> XapiError:
    return XapiError("SR_BACKEND_FAILURE_44", "", "There is insufficient space", "")


def check_space(pool: Pool, sr: str, needed_bytes: int) -> None:
    """Every disk counts with its whole size; an SR whose size nobody knows takes anything."""
    fields = pool.database.row("SR", sr).fields
    if pool.faults.for_sr("sr_full", frozenset({fields["name_label"], fields["uuid"]})):
        raise full()
    size, used = fields["physical_size"], fields["physical_utilisation"]
    if size > 0 and max(used, 0) + needed_bytes > size:
        raise full()


def measure(pool: Pool, sr: str) -> None:
    """What a scan finds out where the world doesn't say it."""
    fields = pool.database.row("SR", sr).fields
    if fields["physical_size"] == UNKNOWN:
        pool.database.update("SR", sr, physical_size=SCANNED_SIZE)
    if fields["physical_utilisation"] == UNKNOWN:
        disks = [pool.database.row("VDI", vdi).fields for vdi in fields["VDIs"]]
        used = sum(max(0, disk["physical_utilisation"]) for disk in disks)
        allocated = sum(disk["virtual_size"] for disk in disks)
        pool.database.update("SR", sr, physical_utilisation=used, virtual_allocation=allocated)


def charge(pool: Pool, sr: str, virtual_bytes: int, physical_bytes: int) -> None:
    """Books a disk that comes, or, with negative sizes, one that goes."""
    if not pool.database.has("SR", sr):
        return
    fields = pool.database.row("SR", sr).fields
    used = fields["physical_utilisation"]
    pool.database.update(
        "SR",
        sr,
        virtual_allocation=max(0, fields["virtual_allocation"] + virtual_bytes),
        physical_utilisation=used if used == UNKNOWN else max(0, used + physical_bytes),
    )


def add_vdi(pool: Pool, fields: dict[str, Value]) -> str:
    """A disk whose space is checked and booked; its location is its uuid unless given."""
    size = fields["virtual_size"]
    check_space(pool, fields["SR"], size)
    uuid = fields.get("uuid") or pool.ids.fresh_uuid()
    complete = {"managed": True, **fields, "uuid": uuid, "physical_utilisation": size}
    complete["location"] = fields.get("location") or uuid
    vdi = pool.add("VDI", complete)
    charge(pool, fields["SR"], size, size)
    refresh_vdi(pool, vdi)
    return vdi


def drop_vdi(pool: Pool, vdi: str) -> None:
    """Takes the disk, its space and the VBDs that point at it."""
    fields = pool.database.row("VDI", vdi).fields
    for vbd in list(fields["VBDs"]):
        pool.database.delete("VBD", vbd)
    charge(pool, fields["SR"], -fields["virtual_size"], -fields["physical_utilisation"])
    pool.database.delete("VDI", vdi)
