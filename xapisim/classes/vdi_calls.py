"""VDI.*: disks are made, introduced, copied within their SR, resized and removed."""

from xapisim.classes import storage_rules
from xapisim.classes.call import Call, Handler, takes
from xapisim.classes.pool import Pool
from xapisim.errors import XapiError
from xapisim.values import EPOCH, NULL, VOID, Value

COPY_MIB_S = 114.0
"""How fast disks are copied."""
MAX_SNAPSHOTS = storage_rules.MAX_CHAIN - 1
_KEPT = (
    "name_label",
    "name_description",
    "SR",
    "virtual_size",
    "type",
    "sharable",
    "read_only",
    "other_config",
    "xenstore_data",
    "sm_config",
    "tags",
    "on_boot",
    "allow_caching",
)
_INTRODUCED = (
    "uuid",
    "name_label",
    "name_description",
    "SR",
    "type",
    "sharable",
    "read_only",
    "other_config",
    "location",
    "xenstore_data",
    "sm_config",
    "managed",
    "virtual_size",
    "physical_utilisation",
    "metadata_of_pool",
    "is_a_snapshot",
    "snapshot_time",
    "snapshot_of",
)


def create(call: Call, record: dict[str, Value]) -> Value:
    call.database.row("SR", record["SR"])
    storage_rules.check_has_pbds(call.pool, record["SR"])
    storage_rules.check_feature(call.pool, record["SR"], "VDI_CREATE")
    kept = {name: record[name] for name in _KEPT if name in record}
    return storage_rules.add_vdi(call.pool, kept)


@takes(18)
def introduce(call: Call, *params: Value) -> Value:
    """A disk that the SR has already; no two have the same location."""
    given = dict(zip(_INTRODUCED, params, strict=True))
    call.database.row("SR", given["SR"])
    storage_rules.check_has_pbds(call.pool, given["SR"])
    for vdi in call.database.read("SR", given["SR"], "VDIs"):
        if call.database.read("VDI", vdi, "location") == given["location"]:
            raise XapiError("LOCATION_NOT_UNIQUE", given["SR"], given["location"])
    return storage_rules.add_vdi(call.pool, {**given, "managed": True})


def forget(call: Call, vdi: str) -> Value:
    call.database.row("VDI", vdi)
    storage_rules.check_unused(call.pool, vdi, "forget")
    storage_rules.drop_vdi(call.pool, vdi)
    return VOID


def destroy(call: Call, vdi: str) -> Value:
    fields = call.database.row("VDI", vdi).fields
    storage_rules.check_unused(call.pool, vdi, "destroy")
    storage_rules.check_has_pbds(call.pool, fields["SR"])
    storage_rules.drop_vdi(call.pool, vdi)
    return VOID


def take_snapshot(pool: Pool, vdi: str) -> str:
    """A second disk with the same contents that knows which one it was taken of."""
    fields = dict(pool.database.record("VDI", vdi))
    storage_rules.check_feature(pool, fields["SR"], "VDI_SNAPSHOT")
    if len(fields["snapshots"]) >= MAX_SNAPSHOTS:
        raise XapiError("SR_BACKEND_FAILURE_109", "", "The snapshot chain is too long", "")
    kept = {name: fields[name] for name in _KEPT}
    marks = {"is_a_snapshot": True, "snapshot_of": vdi, "snapshot_time": pool.clock.stamp()}
    return storage_rules.add_vdi(pool, {**kept, **marks})


def duplicate(pool: Pool, vdi: str) -> str:
    """A disk of its own with the same contents."""
    fields = dict(pool.database.record("VDI", vdi))
    kept = {name: fields[name] for name in _KEPT}
    return storage_rules.add_vdi(pool, {**kept, "snapshot_of": NULL, "snapshot_time": EPOCH})


def snapshot(call: Call, vdi: str, _driver_params: dict[str, str]) -> Value:
    return take_snapshot(call.pool, vdi)


def clone(call: Call, vdi: str, _driver_params: dict[str, str]) -> Value:
    return duplicate(call.pool, vdi)


async def copy(call: Call, vdi: str, sr: str, base: str, into: str) -> Value:
    """A disk with the same contents on another SR, or in a disk that is there already.

    Only blocks that a base doesn't have travel, but the simulator's disks have no blocks.
    """
    fields = dict(call.database.record("VDI", vdi))
    for other in (base, into):
        if other != NULL:
            call.database.row("VDI", other)
    if into == NULL:
        call.database.row("SR", sr)
        storage_rules.check_has_pbds(call.pool, sr)
        storage_rules.check_feature(call.pool, sr, "VDI_CREATE")
    else:
        _check_holds(call, into, fields["virtual_size"])
    await call.pool.clock.sleep(fields["virtual_size"] / 2**20 / COPY_MIB_S)
    if into != NULL:
        return into
    kept = {name: fields[name] for name in _KEPT} | {"SR": sr, "sm_config": {}}
    return storage_rules.add_vdi(call.pool, kept)


def _check_holds(call: Call, into: str, size: int) -> None:
    target = call.database.row("VDI", into).fields
    if target["read_only"]:
        raise XapiError("VDI_READONLY", into)
    if target["virtual_size"] < size:
        raise XapiError("VDI_TOO_SMALL", into, str(size))
    storage_rules.check_unused(call.pool, into, "copy")


def resize(call: Call, vdi: str, size: int) -> Value:
    fields = call.database.row("VDI", vdi).fields
    storage_rules.check_unused(call.pool, vdi, "resize")
    storage_rules.check_feature(call.pool, fields["SR"], "VDI_RESIZE")
    more = size - fields["virtual_size"]
    storage_rules.check_space(call.pool, fields["SR"], more)
    storage_rules.charge(call.pool, fields["SR"], more, more)
    used = fields["physical_utilisation"] + more
    call.database.update("VDI", vdi, virtual_size=size, physical_utilisation=used)
    return VOID


METHODS: dict[str, Handler] = {
    "VDI.create": create,
    "VDI.introduce": introduce,
    "VDI.forget": forget,
    "VDI.destroy": destroy,
    "VDI.snapshot": snapshot,
    "VDI.clone": clone,
    "VDI.resize": resize,
}
OPERATIONS: dict[str, Handler] = {"VDI.copy": copy}
