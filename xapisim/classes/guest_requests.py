"""What is asked of a guest, or about how it runs: keys, triggers, services, its boot record."""

from xapisim.classes import operations, suspension
from xapisim.classes.call import Call, Handler
from xapisim.errors import XapiError
from xapisim.values import VOID, Value

_AGENT = "guest-agent-operation"


def send_sysrq(call: Call, vm: str, _key: str) -> Value:
    """XAPI does no more than check either."""
    operations.check(call.pool, vm, "send_sysrq")
    raise XapiError("NOT_IMPLEMENTED", "send_sysrq")


def send_trigger(call: Call, vm: str, _trigger: str) -> Value:
    operations.check(call.pool, vm, "send_trigger")
    raise XapiError("NOT_IMPLEMENTED", "send_trigger")


def call_plugin(call: Call, vm: str, plugin: str, fn: str, _args: dict[str, str]) -> Value:
    """There is one plug-in, and the agent of a simulated guest has no functions in it."""
    operations.check(call.pool, vm, "call_plugin")
    if plugin != _AGENT:
        raise XapiError("XENAPI_MISSING_PLUGIN", plugin)
    text = f'The requested fn "{fn}" could not be found in plugin "{plugin}".'
    raise XapiError("XENAPI_PLUGIN_FAILURE", "failed to find fn", text, text)


def query_services(call: Call, vm: str) -> Value:
    """Only system domains, which the simulator has none of, offer services."""
    call.database.row("VM", vm)
    raise XapiError("NOT_SYSTEM_DOMAIN", vm)


def get_boot_record(call: Call, vm: str) -> Value:
    """The record as it is; what a domain was started with is not kept apart."""
    return call.database.row("VM", vm).snapshot()


def recover(call: Call, vm: str, session: str, _force: bool) -> Value:
    """From another pool's database; only the checks are modelled."""
    call.database.row("VM", vm)
    call.database.row("session", session)
    raise XapiError("NOT_IMPLEMENTED", "VM.recover")


def set_suspend_vdi(call: Call, vm: str, vdi: str) -> Value:
    """For a suspended VM alone; the earlier image is given up."""
    operations.check_power_state(call.pool, vm, "set_suspend_VDI")
    call.database.row("VDI", vdi)
    suspension.drop_image(call, vm)
    call.database.update("VM", vm, suspend_VDI=vdi)
    return VOID


METHODS: dict[str, Handler] = {
    "VM.query_services": query_services,
    "VM.get_boot_record": get_boot_record,
    "VM.set_suspend_VDI": set_suspend_vdi,
    "VM.send_sysrq": send_sysrq,
    "VM.send_trigger": send_trigger,
    "VM.call_plugin": call_plugin,
    "VM.recover": recover,
}
