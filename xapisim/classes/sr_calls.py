"""SR.*: storage repositories come, are scanned and go."""

from xapisim.classes import storage_rules
from xapisim.classes.call import Call, Handler, takes
from xapisim.errors import XapiError
from xapisim.values import VOID, Value


def introduce(
    call: Call,
    uuid: str,
    name_label: str,
    name_description: str,
    sr_type: str,
    content_type: str,
    shared: bool,
    sm_config: dict[str, str],
) -> Value:
    """The type isn't checked before a PBD is plugged (recorded on xapi 26.17)."""
    if uuid in call.database.tables["SR"].by_uuid:
        raise XapiError("SR_UUID_EXISTS", uuid)
    return _add(
        call,
        {
            "uuid": uuid or call.pool.ids.fresh_uuid(),
            "name_label": name_label,
            "name_description": name_description,
            "type": sr_type,
            "content_type": content_type,
            "shared": shared,
            "sm_config": sm_config,
        },
    )


def _add(call: Call, fields: dict[str, Value]) -> str:
    unknown = storage_rules.UNKNOWN
    sizes = {"physical_size": unknown, "physical_utilisation": unknown}
    sr = call.pool.add("SR", {**fields, **sizes})
    storage_rules.refresh_sr(call.pool, sr)
    return sr


@takes(9)
def create(call: Call, host: str, device_config: dict[str, str], *details: Value) -> Value:
    """A shared SR gets a plugged PBD at every host, whatever host is named (recorded)."""
    _physical_size, name_label, description, sr_type, content_type, shared, sm_config = details
    if sr_type not in storage_rules.drivers(call.pool):
        raise XapiError("SR_UNKNOWN_DRIVER", sr_type)
    if not shared:
        call.database.row("host", host)
    sr = introduce(call, "", name_label, description, sr_type, content_type, shared, sm_config)
    for seen_by in call.database.refs("host") if shared else [host]:
        pbd = {"host": seen_by, "SR": sr, "device_config": device_config}
        call.pool.add("PBD", {**pbd, "currently_attached": True})
        _leave_task(call, seen_by)
    storage_rules.refresh_sr(call.pool, sr)
    return sr


def _leave_task(call: Call, host: str) -> None:
    """Each PBD is plugged in a task of its own, which stays after its parent is gone (recorded)."""
    task = call.engine.tasks.create("Async.PBD.plug", host, parent=call.task)
    call.engine.tasks.succeed(task, "<value></value>")


def scan(call: Call, sr: str) -> Value:
    """Finds out the sizes that nobody knew yet."""
    call.database.row("SR", sr)
    storage_rules.check_has_pbds(call.pool, sr)
    storage_rules.measure(call.pool, sr)
    return VOID


def probe(
    call: Call, host: str, _config: dict[str, str], sr_type: str, _sm_config: dict[str, str]
) -> Value:
    """No driver of the simulator finds an SR that isn't there yet."""
    call.database.row("host", host)
    if sr_type not in storage_rules.drivers(call.pool):
        raise XapiError("SR_UNKNOWN_DRIVER", sr_type)
    return "<SRlist/>"


def assert_supports_database_replication(call: Call, sr: str) -> Value:
    """Every host has to see the SR, and its driver has to keep metadata."""
    call.database.row("SR", sr)
    if any(not storage_rules.is_attached(call.pool, sr, ref) for ref in call.database.refs("host")):
        raise XapiError("SR_HAS_NO_PBDS", sr)
    storage_rules.check_feature(call.pool, sr, "SR_METADATA")
    return VOID


def update(call: Call, sr: str) -> Value:
    call.database.row("SR", sr)
    storage_rules.check_has_pbds(call.pool, sr)
    return VOID


def forget(call: Call, sr: str) -> Value:
    """The records go, with those of the disks and PBDs; in a simulator destroy does no more."""
    fields = dict(call.database.record("SR", sr))
    if storage_rules.plugged_pbds(call.pool, sr):
        raise XapiError("SR_HAS_PBD", sr)
    for vdi in fields["VDIs"]:
        storage_rules.drop_vdi(call.pool, vdi)
    for pbd in fields["PBDs"]:
        call.database.delete("PBD", pbd)
    call.database.delete("SR", sr)
    return VOID


def set_shared(call: Call, sr: str, shared: bool) -> Value:
    pbds = call.database.read("SR", sr, "PBDs")
    if not shared and len(pbds) > 1:
        raise XapiError("SR_HAS_MULTIPLE_PBDS", *reversed(pbds))
    call.database.update("SR", sr, shared=shared)
    return VOID


def get_supported_types(call: Call) -> Value:
    return storage_rules.drivers(call.pool)


METHODS: dict[str, Handler] = {
    "SR.introduce": introduce,
    "SR.scan": scan,
    "SR.probe": probe,
    "SR.assert_supports_database_replication": assert_supports_database_replication,
    "SR.update": update,
    "SR.forget": forget,
    "SR.destroy": forget,
    "SR.set_shared": set_shared,
    "SR.get_supported_types": get_supported_types,
}
OPERATIONS: dict[str, Handler] = {"SR.create": create}
