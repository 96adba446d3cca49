"""host.reboot, shutdown, power_on and their like, and giving a host up."""

from xapisim.classes import machine, operations, toolstack
from xapisim.classes.call import Call, Handler
from xapisim.classes.ha import contact, plan
from xapisim.classes.membership import removal
from xapisim.classes.reach import reach
from xapisim.errors import XapiError
from xapisim.values import VOID, Value

STOP_S = 5.0
_ALIVE = ("Running", "Paused")


async def shutdown(call: Call, host: str) -> Value:
    """Only a disabled host without guests; it stays off until somebody turns it on."""
    await _check_idle(call, host)
    call.pool.spawn(_stop(call, host))
    return VOID


async def reboot(call: Call, host: str) -> Value:
    """It takes guests again when it is back."""
    await _check_idle(call, host)
    call.pool.spawn(_cycle(call, host))
    return VOID


async def _check_idle(call: Call, host: str) -> None:
    fields = call.database.row("host", host).fields
    if fields["enabled"]:
        raise XapiError("HOST_NOT_DISABLED")
    await reach(call.pool, host)
    for vm in fields["resident_VMs"]:
        guest = call.database.row("VM", vm).fields
        if not guest["is_control_domain"] and guest["power_state"] in _ALIVE:
            raise XapiError("HOST_IN_USE", host, "VM", vm)


async def _stop(call: Call, host: str) -> None:
    await call.pool.clock.sleep(STOP_S)
    machine.lose_power(call.engine, host)
    if host != call.pool.coordinator:
        contact.set_live(call.pool, host, live=False)


async def _cycle(call: Call, host: str) -> None:
    await _stop(call, host)
    await machine.get_power(call.engine, host)
    contact.set_live(call.pool, host, live=True)
    call.database.update("host", host, enabled=True)


async def power_on(call: Call, host: str) -> Value:
    """Returns when the host's toolstack answers."""
    if not call.database.read("host", host, "power_on_mode"):
        raise XapiError("HOST_POWER_ON_MODE_DISABLED")
    await machine.get_power(call.engine, host)
    contact.set_live(call.pool, host, live=True)
    return VOID


def set_power_on_mode(call: Call, host: str, mode: str, config: dict[str, str]) -> Value:
    call.database.update("host", host, power_on_mode=mode, power_on_config=config)
    return VOID


def restart_agent(call: Call, host: str) -> Value:
    """Returns before the toolstack goes away."""
    call.database.row("host", host)
    call.pool.spawn(toolstack.restart(call.engine, host))
    return VOID


def declare_dead(call: Call, host: str) -> Value:
    """Whoever says so wrongly gets guests that run twice."""
    _check_dead(call, host)
    contact.set_live(call.pool, host, live=False)
    for vm in list(call.database.read("host", host, "resident_VMs")):
        if not call.database.read("VM", vm, "is_control_domain"):
            operations.halt(call.pool, vm)
    return VOID


def destroy(call: Call, host: str) -> Value:
    """The records go, with those of storage that nobody else saw."""
    _check_dead(call, host)
    for vm in call.database.read("host", host, "resident_VMs"):
        if not call.database.read("VM", vm, "is_control_domain"):
            raise XapiError("HOST_HAS_RESIDENT_VMS", host)
    removal.forget_local_storage(call, host)
    removal.remove(call.engine, host)
    return VOID


def _check_dead(call: Call, host: str) -> None:
    call.database.row("host", host)
    if plan.is_enabled(call.pool):
        raise XapiError("HA_IS_ENABLED")
    if host == call.pool.coordinator:
        raise XapiError("HOST_CANNOT_DESTROY_SELF", host)
    if not call.pool.reachability.is_away(host):
        raise XapiError("HOST_IS_LIVE", host)


def get_management_interface(call: Call, host: str) -> Value:
    for pif in call.database.read("host", host, "PIFs"):
        if call.database.read("PIF", pif, "management"):
            return pif
    raise XapiError("HOST_HAS_NO_MANAGEMENT_IP")


METHODS: dict[str, Handler] = {
    "host.set_power_on_mode": set_power_on_mode,
    "host.restart_agent": restart_agent,
    "host.declare_dead": declare_dead,
    "host.destroy": destroy,
    "host.get_management_interface": get_management_interface,
}
OPERATIONS: dict[str, Handler] = {
    "host.shutdown": shutdown,
    "host.reboot": reboot,
    "host.power_on": power_on,
}
