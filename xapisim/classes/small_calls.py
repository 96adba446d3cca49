"""Calls that change one record and little else: secrets, messages, changed block tracking, a
device taken away by force, an interface on another network.
"""

from xapisim.classes import storage_rules
from xapisim.classes.call import Call, Handler
from xapisim.errors import XapiError
from xapisim.values import VOID, Value

_TRACKED = ("user", "system")


def create_secret(call: Call, record: dict[str, Value]) -> Value:
    return call.pool.add("secret", record)


def destroy_secret(call: Call, secret: str) -> Value:
    call.database.delete("secret", secret)
    return VOID


def create_message(call: Call, name: str, priority: int, cls: str, uuid: str, body: str) -> Value:
    """About an object that exists."""
    class_name = next(kind for kind in call.database.tables if kind.lower() == cls.lower())
    call.database.by_uuid(class_name, uuid)
    fields = {"name": name, "priority": priority, "cls": cls, "obj_uuid": uuid, "body": body}
    return call.pool.add("message", {**fields, "timestamp": call.pool.clock.stamp()})


def enable_cbt(call: Call, vdi: str) -> Value:
    _set_tracking(call, vdi, enabled=True)
    return VOID


def disable_cbt(call: Call, vdi: str) -> Value:
    _set_tracking(call, vdi, enabled=False)
    return VOID


def _set_tracking(call: Call, vdi: str, *, enabled: bool) -> None:
    """What is so already stays so, without an error."""
    fields = call.database.row("VDI", vdi).fields
    if "VDI_CONFIG_CBT" not in storage_rules.features(call.pool, fields["SR"]):
        raise XapiError("SR_OPERATION_NOT_SUPPORTED", fields["SR"])
    if fields["type"] not in _TRACKED:
        raise XapiError("VDI_INCOMPATIBLE_TYPE", vdi, fields["type"])
    if fields["on_boot"] == "reset":
        raise XapiError("VDI_ON_BOOT_MODE_INCOMPATIBLE_WITH_OPERATION")
    if fields["cbt_enabled"] != enabled:
        call.database.update("VDI", vdi, cbt_enabled=enabled)


def unplug_drive(call: Call, vbd: str) -> Value:
    """Whether the guest likes it or not; what is unplugged already stays so."""
    if call.database.read("VBD", vbd, "currently_attached"):
        call.database.update("VBD", vbd, currently_attached=False)
        storage_rules.refresh_vbd(call.pool, vbd)
    return VOID


def unplug_interface(call: Call, vif: str) -> Value:
    if call.database.read("VIF", vif, "currently_attached"):
        call.database.update("VIF", vif, currently_attached=False)
        storage_rules.refresh_vif(call.pool, vif)
    return VOID


def move_interface(call: Call, vif: str, network: str) -> Value:
    """The interface of a running guest stays plugged."""
    call.database.row("network", network)
    call.database.update("VIF", vif, network=network)
    return VOID


METHODS: dict[str, Handler] = {
    "secret.create": create_secret,
    "secret.destroy": destroy_secret,
    "message.create": create_message,
    "VDI.enable_cbt": enable_cbt,
    "VDI.disable_cbt": disable_cbt,
    "VBD.unplug_force": unplug_drive,
    "VIF.unplug_force": unplug_interface,
    "VIF.move": move_interface,
}
