"""PBD.*: what makes a host see a storage repository."""

from xapisim.classes import storage_rules
from xapisim.classes.call import Call, Handler
from xapisim.errors import XapiError
from xapisim.values import VOID, Value

_SECRET_KEYS = ("password_secret",)


def plug(call: Call, pbd: str) -> Value:
    """Doing it again changes nothing; an SR that isn't shared is plugged at one host alone."""
    fields = call.database.row("PBD", pbd).fields
    if fields["currently_attached"]:
        return VOID
    sr = call.database.row("SR", fields["SR"]).fields
    if sr["type"] not in storage_rules.drivers(call.pool):
        raise XapiError("SR_UNKNOWN_DRIVER", sr["type"])
    others = storage_rules.plugged_pbds(call.pool, fields["SR"])
    if others and not sr["shared"]:
        host = call.database.read("PBD", others[0], "host")
        raise XapiError("SR_NOT_SHARABLE", fields["SR"], host)
    call.database.update("PBD", pbd, currently_attached=True)
    storage_rules.refresh_sr(call.pool, fields["SR"])
    return VOID


def unplug(call: Call, pbd: str) -> Value:
    """Refused while running VMs of that host have disks there: the error names all the disks."""
    fields = call.database.row("PBD", pbd).fields
    if not fields["currently_attached"]:
        return VOID
    in_use = _in_use(call, fields["SR"], fields["host"])
    if in_use:
        raise XapiError("VDI_IN_USE", *in_use)
    call.database.update("PBD", pbd, currently_attached=False)
    storage_rules.refresh_sr(call.pool, fields["SR"])
    return VOID


def _in_use(call: Call, sr: str, host: str) -> list[str]:
    """The disks of that host's guests, in the order of the guests' refs (recorded)."""
    found = {}
    for vdi in call.database.read("SR", sr, "VDIs"):
        for vbd in storage_rules.users(call.pool, vdi):
            vm = call.database.read("VBD", vbd, "VM")
            if call.database.has("VM", vm) and call.database.read("VM", vm, "resident_on") == host:
                found[vdi] = vm
    return sorted(found, key=lambda vdi: str(found[vdi]), reverse=True)


def create(call: Call, record: dict[str, Value]) -> Value:
    """The host needn't exist (recorded on xapi 26.17); other_config is dropped."""
    call.database.row("SR", record["SR"])
    for pbd in call.database.rows("PBD"):
        if (pbd.fields["SR"], pbd.fields["host"]) == (record["SR"], record["host"]):
            raise XapiError("PBD_EXISTS", record["SR"], record["host"], pbd.ref)
    given = {"currently_attached": False, "other_config": {}}
    return call.pool.add(
        "PBD", {**record, **given, "device_config": _with_own_secrets(call, record)}
    )


def _with_own_secrets(call: Call, record: dict[str, Value]) -> dict[str, str]:
    """Each PBD has secrets of its own."""
    config: dict[str, str] = dict(record.get("device_config", {}))
    for key, uuid in config.items():
        if key.endswith(_SECRET_KEYS):
            value = call.database.read("secret", call.database.by_uuid("secret", uuid), "value")
            copy = call.pool.add("secret", {"value": value})
            config[key] = call.database.read("secret", copy, "uuid")
    return config


def destroy(call: Call, pbd: str) -> Value:
    if call.database.read("PBD", pbd, "currently_attached"):
        raise XapiError("OPERATION_NOT_ALLOWED", "PBD is currently attached")
    config: dict[str, str] = call.database.read("PBD", pbd, "device_config")
    for key, uuid in config.items():
        if key.endswith(_SECRET_KEYS) and uuid in call.database.tables["secret"].by_uuid:
            call.database.delete("secret", call.database.by_uuid("secret", uuid))
    call.database.delete("PBD", pbd)
    return VOID


def set_device_config(call: Call, pbd: str, _config: dict[str, str]) -> Value:
    """Only hosts themselves may (recorded on xapi 26.17)."""
    call.database.row("PBD", pbd)
    raise XapiError("PERMISSION_DENIED", "")


METHODS: dict[str, Handler] = {
    "PBD.plug": plug,
    "PBD.unplug": unplug,
    "PBD.create": create,
    "PBD.destroy": destroy,
    "PBD.set_device_config": set_device_config,
}
