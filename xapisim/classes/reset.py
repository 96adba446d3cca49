"""VM.power_state_reset: for a VM whose record says that it runs while nothing runs any more."""

from xapisim.classes import operations, placement, suspension
from xapisim.classes.call import Call, Handler
from xapisim.errors import XapiError
from xapisim.values import VOID, Value


def power_state_reset(call: Call, vm: str) -> Value:
    """Refused as long as the VM's host is there to be asked, or the guest is."""
    fields = call.database.row("VM", vm).fields
    if fields["is_control_domain"]:
        raise XapiError("CANNOT_RESET_CONTROL_DOMAIN", vm)
    host = fields["resident_on"]
    if fields["power_state"] in ("Running", "Paused") and call.database.has("host", host):
        _check_gone(call, vm, host)
    suspension.drop_image(call, vm)
    operations.halt(call.pool, vm)
    return VOID


def _check_gone(call: Call, vm: str, host: str) -> None:
    """The coordinator looks for the guest at home and for the host elsewhere."""
    if host != call.host:
        if placement.is_live(call.pool, host):
            raise XapiError("HOST_IS_LIVE", host)
        return
    uuid = call.database.read("host", host, "uuid")
    domain = call.pool.hypervisor.find(call.database.read("VM", vm, "uuid"), uuid)
    if domain is not None and domain.alive:
        raise XapiError("DOMAIN_EXISTS", vm)


METHODS: dict[str, Handler] = {"VM.power_state_reset": power_state_reset}
