"""pool.* and host.* calls about who leads a pool."""

from xapisim.classes.call import Call, Handler
from xapisim.classes.membership import addresses, handover
from xapisim.errors import XapiError
from xapisim.values import VOID, Value

DESIGNATE_S = 0.2


async def designate_new_master(call: Call, host: str) -> Value:
    """Returns long before it happens: for ten seconds the old coordinator goes on answering, and
    the sessions that it gives then die with the others (recorded on xapi 26.17).
    """
    call.database.row("host", host)
    if call.database.read("pool", call.pool.ref, "ha_enabled"):
        raise XapiError("HA_IS_ENABLED")
    if host == call.pool.coordinator:
        return VOID
    if call.pool.reachability.is_away(host):
        raise XapiError("HOST_OFFLINE", host)
    await call.pool.clock.sleep(DESIGNATE_S)
    call.pool.spawn(handover.change_planned(call.engine, host))
    return VOID


def emergency_transition_to_master(call: Call) -> Value:
    """A member takes over by itself; the others have to be told by pool.recover_slaves."""
    if call.engine.sessions.is_member(call.host):
        handover.take_over_alone(call.engine, call.host)
    return VOID


async def emergency_reset_master(call: Call, address: str) -> Value:
    """Tells this member alone where its coordinator is."""
    if not call.engine.sessions.is_member(call.host):
        raise XapiError("HOST_ITS_OWN_SLAVE")
    there = await addresses.contact(call, address)
    if there.engine is not call.engine:
        raise XapiError("HOST_UNKNOWN_TO_MASTER", call.database.read("host", call.host, "uuid"))
    call.engine.members.follow(call.host, there.host)
    call.engine.members.leave_emergency(call.host)
    return VOID


def recover_slaves(call: Call) -> Value:
    return handover.recover(call.engine)


def is_in_emergency_mode(call: Call) -> Value:
    return call.engine.members.is_in_emergency(call.host)


METHODS: dict[str, Handler] = {
    "pool.emergency_transition_to_master": emergency_transition_to_master,
    "pool.emergency_reset_master": emergency_reset_master,
    "pool.recover_slaves": recover_slaves,
    "host.is_in_emergency_mode": is_in_emergency_mode,
}
OPERATIONS: dict[str, Handler] = {"pool.designate_new_master": designate_new_master}
