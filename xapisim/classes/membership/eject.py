"""pool.eject: a member leaves, is wiped, and comes back as a pool of its own.

The records go in the order recorded on xapi 26.17: local storage first. Halted guests stay, without
the disks that were local.
"""

from xapisim.classes.call import Call, Handler
from xapisim.classes.engine import Engine, Seat
from xapisim.classes.machine import BOOT_S
from xapisim.classes.membership import founding, handover, removal
from xapisim.errors import XapiError, internal
from xapisim.values import VOID, Value

LEAVE_S = 0.3
_ALIVE = ("Running", "Paused", "Suspended")


async def eject(call: Call, host: str) -> Value:
    _check(call, host)
    engine, seat = call.engine, call.engine.site.seat(call.engine, host)
    engine.tasks.write(call.task, resident_on=host)
    removal.forget_local_storage(call, host)
    await call.pool.clock.sleep(LEAVE_S)
    fresh = None if seat is None else founding.found_alone(seat)
    removal.remove(engine, host)
    engine.tasks.write(call.task, resident_on=engine.pool.database.refs("host")[0])
    if seat is not None and fresh is not None:
        engine.pool.spawn(_start_anew(seat, fresh))
    return VOID


def _check(call: Call, host: str) -> None:
    if not call.database.has("host", host) or call.pool.reachability.is_away(host):
        raise XapiError("HOST_OFFLINE", host)
    pool = call.database.row("pool", call.pool.ref).fields
    if pool["ha_enabled"]:
        raise XapiError("HA_IS_ENABLED")
    if "rolling_upgrade_in_progress" in pool["other_config"]:
        raise XapiError("NOT_SUPPORTED_DURING_UPGRADE")
    if host == call.pool.coordinator:
        raise internal("Cannot_eject_master")
    for vm in call.database.read("host", host, "resident_VMs"):
        fields = call.database.row("VM", vm).fields
        if not fields["is_control_domain"] and fields["power_state"] in _ALIVE:
            raise XapiError("OPERATION_NOT_ALLOWED", "VM resident on host")


async def _start_anew(seat: Seat, fresh: Engine) -> None:
    """The host answers as a member for a while, then it restarts."""
    old, clock = seat.engine, seat.engine.pool.clock
    await clock.sleep(handover.FUSE_S)
    old.pool.reachability.take_away(seat.host)
    host = fresh.pool.coordinator
    fresh.pool.reachability.take_away(host)
    seat.engine, seat.host = fresh, host
    fresh.site.add(founding.unused_name(old.site, seat.name), fresh)
    await clock.sleep(BOOT_S)
    fresh.pool.reachability.bring_back(host)


OPERATIONS: dict[str, Handler] = {"pool.eject": eject}
