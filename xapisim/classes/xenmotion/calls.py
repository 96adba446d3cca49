"""VM.assert_can_migrate, VM.migrate_send and VDI.pool_migrate as they are called."""

from xapisim.classes.call import Call, Handler, takes
from xapisim.classes.xenmotion import checks, tickets, wish
from xapisim.classes.xenmotion.sending import Sending
from xapisim.classes.xenmotion.tickets import Destination, Ticket
from xapisim.classes.xenmotion.wish import Wish
from xapisim.errors import XapiError
from xapisim.values import VOID, Value

_NO_COPY = (
    "Copy mode is disallowed on intra pool storage migration, try efficient alternatives e.g. "
    "VM.copy/clone."
)


def assert_can_migrate(
    call: Call,
    vm: str,
    dest: dict[str, str],
    _live: bool,
    vdi_map: dict[str, str],
    vif_map: dict[str, str],
    options: dict[str, str],
    _vgpu_map: dict[str, str],
) -> Value:
    call.database.row("VM", vm)
    checks.admit(call.engine, Wish(vm, vdi_map, vif_map, options), Ticket.parse(dest))
    return VOID


@takes(8)
async def migrate_send(call: Call, vm: str, dest: dict[str, str], *more: Value) -> Value:
    """`live` is accepted and ignored; the maps of vGPUs and formats too."""
    _live, vdi_map, vif_map, options, _vgpu_map, _format_map = more
    call.database.row("VM", vm)
    ticket = Ticket.parse(dest)
    asked = Wish(vm, vdi_map, vif_map, options)
    async with call.engine.gates.operation(vm, "migrate_send", call.task):
        destination = checks.admit(call.engine, asked, ticket)
        if destination.local and asked.copy:
            raise XapiError("OPERATION_NOT_ALLOWED", _NO_COPY)
        return await Sending(call.engine, asked, destination, call.task).go()


async def pool_migrate_vdi(call: Call, vdi: str, sr: str, _options: dict[str, str]) -> Value:
    """A move of the whole VM to its own host that leaves the other disks where they are; so it
    takes the VM's memory a second time.
    """
    vm = _user(call, vdi)
    fields = call.database.row("VDI", vdi).fields
    call.database.row("SR", sr)
    if fields["cbt_enabled"]:
        raise XapiError("VDI_CBT_ENABLED", vdi)
    if fields["type"] == "cbt_metadata":
        raise XapiError("VDI_INCOMPATIBLE_TYPE", vdi, "cbt_metadata")
    async with call.engine.gates.operation(vm, "migrate_send", call.task):
        homes = wish.homes(call.pool, vm)
        asked = Wish(vm, {**homes, vdi: sr}, {}, {})
        destination = Destination(call.engine, wish.handler_of(call.pool, vm), local=True)
        checks.check_inside(call.pool, asked, destination.host)
        sending = Sending(call.engine, asked, destination, call.task)
        await sending.go()
    return sending.made.get(vdi, vdi)


def _user(call: Call, vdi: str) -> str:
    """The VM that the disk belongs to."""
    row = call.database.tables["VDI"].rows.get(vdi)
    for vbd in row.fields["VBDs"] if row is not None else []:
        vm: str = call.database.read("VBD", vbd, "VM")
        if call.database.has("VM", vm):
            return vm
    raise XapiError("VDI_NEEDS_VM_FOR_MIGRATE", vdi)


METHODS: dict[str, Handler] = {
    **tickets.METHODS,
    "VM.assert_can_migrate": assert_can_migrate,
}
OPERATIONS: dict[str, Handler] = {
    "VM.migrate_send": migrate_send,
    "VDI.pool_migrate": pool_migrate_vdi,
}
