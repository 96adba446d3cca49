"""VBD.* and VIF.*: a VM's drives and interfaces, plugged while it runs or for its next start."""

import hashlib
import re

from xapisim.classes import guest_tools, storage_rules
from xapisim.classes.call import Call, Handler
from xapisim.classes.pool import Pool
from xapisim.errors import XapiError
from xapisim.values import NULL, VOID, Value

_VBD_POSITIONS = range(255)
_VIF_POSITIONS = range(7)
_MAC = re.compile(r"[0-9a-fA-F]{2}(:[0-9a-fA-F]{2}){5}")
_NAMED = re.compile(r"(?:xvd|hd|sd)([a-p])")
_LETTERS = "abcdefghijklmnop"


def _used(call: Call, vm: str, class_name: str, field: str) -> set[str]:
    devices = call.database.read("VM", vm, f"{class_name}s")
    return {call.database.read(class_name, ref, field) for ref in devices}


def get_allowed_vbd_devices(call: Call, vm: str) -> Value:
    used = _used(call, vm, "VBD", "userdevice")
    return [str(number) for number in _VBD_POSITIONS if str(number) not in used]


def get_allowed_vif_devices(call: Call, vm: str) -> Value:
    used = _used(call, vm, "VIF", "device")
    return [str(number) for number in _VIF_POSITIONS if str(number) not in used]


def _position(call: Call, vm: str, userdevice: str) -> str:
    """`autodetect` takes the first free one; `xvdb` is the same as 1."""
    free = get_allowed_vbd_devices(call, vm)
    if userdevice == "autodetect":
        return str(free[0])
    named = _NAMED.fullmatch(userdevice)
    number = str(_LETTERS.index(named[1])) if named else userdevice
    if not number.isdigit() or int(number) not in _VBD_POSITIONS:
        raise XapiError("INVALID_DEVICE", userdevice)
    if number not in free:
        raise XapiError("DEVICE_ALREADY_EXISTS", userdevice)
    return number


def create_vbd(call: Call, record: dict[str, Value]) -> Value:
    call.database.row("VM", record["VM"])
    empty = record.get("empty", False)
    if not empty:
        disk = call.database.row("VDI", record["VDI"]).fields
        if disk["read_only"] and record.get("mode") == "RW":
            raise XapiError("VDI_READONLY", record["VDI"])
    if record.get("type") == "CD" and record.get("mode") == "RW":
        raise XapiError("VBD_CDS_MUST_BE_READONLY")
    position = _position(call, record["VM"], record["userdevice"])
    fields = {**record, "userdevice": position, "VDI": NULL if empty else record["VDI"]}
    fields |= {"currently_attached": False, "device": "", "unpluggable": True}
    vbd = call.pool.add("VBD", fields)
    storage_rules.refresh_vbd(call.pool, vbd)
    return vbd


def _check_running(call: Call, vm: str) -> dict[str, Value]:
    """A device is plugged into a guest that runs and that nothing else is done to."""
    fields = call.database.row("VM", vm).fields
    if fields["power_state"] != "Running":
        raise XapiError("VM_BAD_POWER_STATE", vm, "running", fields["power_state"].lower())
    for task, operation in fields["current_operations"].items():
        raise XapiError("OTHER_OPERATION_IN_PROGRESS", "VM", vm, operation, task)
    if not guest_tools.has_drivers(call.pool, fields):
        raise XapiError("VM_MISSING_PV_DRIVERS", vm)
    return fields


def plug_vbd(call: Call, vbd: str) -> Value:
    fields = call.database.row("VBD", vbd).fields
    vm = _check_running(call, fields["VM"])
    if fields["currently_attached"]:
        raise XapiError("DEVICE_ALREADY_ATTACHED", vbd)
    if not fields["empty"]:
        _check_disk(call, fields, vm["resident_on"])
    device = device_name(fields["userdevice"])
    call.database.update("VBD", vbd, currently_attached=True, device=device)
    storage_rules.refresh_vbd(call.pool, vbd)
    return VOID


def _check_disk(call: Call, vbd: dict[str, Value], host: str) -> None:
    disk = call.database.row("VDI", vbd["VDI"]).fields
    if not storage_rules.is_attached(call.pool, disk["SR"], host):
        raise XapiError("SR_NOT_ATTACHED", disk["SR"])
    if vbd["mode"] == "RW" and not disk["sharable"]:
        storage_rules.check_unused(call.pool, vbd["VDI"], "attach")


def device_name(userdevice: str) -> str:
    """What the guest calls the drive at this position."""
    return f"xvd{_LETTERS[int(userdevice) % len(_LETTERS)]}"


def unplug_vbd(call: Call, vbd: str) -> Value:
    fields = call.database.row("VBD", vbd).fields
    _check_running(call, fields["VM"])
    if not fields["currently_attached"]:
        raise XapiError("DEVICE_ALREADY_DETACHED", vbd)
    call.database.update("VBD", vbd, currently_attached=False)
    storage_rules.refresh_vbd(call.pool, vbd)
    return VOID


def insert(call: Call, vbd: str, vdi: str) -> Value:
    fields = call.database.row("VBD", vbd).fields
    call.database.row("VDI", vdi)
    _check_removable(vbd, fields)
    if not fields["empty"]:
        raise XapiError("VBD_NOT_EMPTY", vbd)
    call.database.update("VBD", vbd, VDI=vdi, empty=False)
    storage_rules.refresh_vbd(call.pool, vbd)
    return VOID


def eject(call: Call, vbd: str) -> Value:
    fields = call.database.row("VBD", vbd).fields
    _check_removable(vbd, fields)
    if fields["empty"]:
        raise XapiError("VBD_IS_EMPTY", vbd)
    vdi = fields["VDI"]
    call.database.update("VBD", vbd, VDI=NULL, empty=True)
    storage_rules.refresh_vdi(call.pool, vdi)
    return VOID


def _check_removable(vbd: str, fields: dict[str, Value]) -> None:
    if fields["type"] != "CD":
        raise XapiError("VBD_NOT_REMOVABLE_MEDIA", vbd)


def destroy_vbd(call: Call, vbd: str) -> Value:
    fields = dict(call.database.row("VBD", vbd).fields)
    if fields["currently_attached"]:
        vm = call.database.read("VM", fields["VM"], "uuid")
        text = f"VBD '{fields['uuid']}' still attached to '{vm}'"
        raise XapiError("OPERATION_NOT_ALLOWED", text)
    call.database.delete("VBD", vbd)
    storage_rules.refresh_vdi(call.pool, fields["VDI"])
    return VOID


def create_vif(call: Call, record: dict[str, Value]) -> Value:
    """A MAC left empty is made up."""
    call.database.row("VM", record["VM"])
    call.database.row("network", record["network"])
    if record["device"] in _used(call, record["VM"], "VIF", "device"):
        raise XapiError("DEVICE_ALREADY_EXISTS", record["device"])
    given = record.get("MAC", "")
    if given and not _MAC.fullmatch(given):
        raise XapiError("MAC_INVALID", given)
    mac = given.lower() or made_up_mac(call.pool, record["VM"], record["device"])
    fields = {**record, "MAC": mac, "MAC_autogenerated": not given, "currently_attached": False}
    vif = call.pool.add("VIF", fields)
    storage_rules.refresh_vif(call.pool, vif)
    return vif


def made_up_mac(pool: Pool, vm: str, device: str) -> str:
    """Follows from the VM's seed and the interface's position; checked against the MACs of recorded
    pools.
    """
    seed = pool.database.read("VM", vm, "other_config").get("mac_seed") or pool.ids.fresh_uuid()
    state = str(seed).encode()
    for _ in range(2 * int(device) + 1):
        state = _digest(state)
    again = _digest(state)
    local = state[0] & 0xFE | 0x02
    return bytes([local, *state[1:4], *again[1:3]]).hex(":")


def _digest(data: bytes) -> bytes:
    return hashlib.md5(data, usedforsecurity=False).digest()


def plug_vif(call: Call, vif: str) -> Value:
    fields = call.database.row("VIF", vif).fields
    _check_running(call, fields["VM"])
    if fields["currently_attached"]:
        raise XapiError("DEVICE_ALREADY_ATTACHED", vif)
    call.database.update("VIF", vif, currently_attached=True)
    storage_rules.refresh_vif(call.pool, vif)
    return VOID


def unplug_vif(call: Call, vif: str) -> Value:
    fields = call.database.row("VIF", vif).fields
    _check_running(call, fields["VM"])
    if not fields["currently_attached"]:
        raise XapiError("DEVICE_ALREADY_DETACHED", vif)
    call.database.update("VIF", vif, currently_attached=False)
    storage_rules.refresh_vif(call.pool, vif)
    return VOID


def destroy_vif(call: Call, vif: str) -> Value:
    if call.database.read("VIF", vif, "currently_attached"):
        text = f"VIF currently attached to a running VM {call.database.read('VIF', vif, 'VM')}"
        raise XapiError("OPERATION_NOT_ALLOWED", text)
    call.database.delete("VIF", vif)
    return VOID


METHODS: dict[str, Handler] = {
    "VM.get_allowed_VBD_devices": get_allowed_vbd_devices,
    "VM.get_allowed_VIF_devices": get_allowed_vif_devices,
    "VBD.create": create_vbd,
    "VBD.plug": plug_vbd,
    "VBD.unplug": unplug_vbd,
    "VBD.insert": insert,
    "VBD.eject": eject,
    "VBD.destroy": destroy_vbd,
    "VIF.create": create_vif,
    "VIF.plug": plug_vif,
    "VIF.unplug": unplug_vif,
    "VIF.destroy": destroy_vif,
}
