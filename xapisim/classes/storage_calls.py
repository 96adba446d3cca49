"""PBD.*: what makes a host see a storage repository."""

from xapisim.classes.call import Call, Handler
from xapisim.errors import XapiError
from xapisim.values import VOID, Value


def plug(call: Call, pbd: str) -> Value:
    """Doing it again changes nothing."""
    if not call.database.read("PBD", pbd, "currently_attached"):
        call.database.update("PBD", pbd, currently_attached=True)
    return VOID


def unplug(call: Call, pbd: str) -> Value:
    """Refused while a running VM of that host has a disk there."""
    fields = call.database.row("PBD", pbd).fields
    if not fields["currently_attached"]:
        return VOID
    for vdi in call.database.read("SR", fields["SR"], "VDIs"):
        if _is_in_use(call, vdi, fields["host"]):
            raise XapiError("VDI_IN_USE", vdi, "unplug")
    call.database.update("PBD", pbd, currently_attached=False)
    return VOID


def _is_in_use(call: Call, vdi: str, host: str) -> bool:
    for vbd in call.database.read("VDI", vdi, "VBDs"):
        fields = call.database.row("VBD", vbd).fields
        vm = call.database.tables["VM"].rows.get(fields["VM"])
        if fields["currently_attached"] and vm is not None and vm.fields["resident_on"] == host:
            return True
    return False


def create(call: Call, record: dict[str, Value]) -> Value:
    for pbd in call.database.rows("PBD"):
        if (pbd.fields["SR"], pbd.fields["host"]) == (record["SR"], record["host"]):
            raise XapiError("PBD_EXISTS", record["SR"], record["host"], pbd.ref)
    return call.pool.add("PBD", {**record, "currently_attached": False})


def destroy(call: Call, pbd: str) -> Value:
    if call.database.read("PBD", pbd, "currently_attached"):
        raise XapiError("OPERATION_NOT_ALLOWED", "PBD is currently attached")
    call.database.delete("PBD", pbd)
    return VOID


METHODS: dict[str, Handler] = {
    "PBD.plug": plug,
    "PBD.unplug": unplug,
    "PBD.create": create,
    "PBD.destroy": destroy,
}
